import { type Hashes, sameText } from '../auth/hashes.ts';
import { type Flow, type Target, transportNamed } from '../transport.ts';

/** What parts the name of a place (placing/token.ts), which may be left out, from the flow. */
const FLOW_MARK = '~~';

/** What the user parts begin with that are made here. */
const OWN_MARK = 'offhook-';

/** Characters of the code that are sent: 80 bits, as in the example of RFC 5626 5.2. */
const CODE_LENGTH = 20;

/**
 * RFC 5626 5.2: "the flow token MUST be an identifier that is unique to this network flow", in the user part of a Path or Record-Route value of
 * ours: it tells the flow and has a code over it, under a key of this process, so that nothing has to be kept for it and nobody can make one up.
 * One of an earlier process is none: its connections are gone too.
 */
export class FlowTokens {
  readonly #mac: Hashes['mac'];

  constructor(mac: Hashes['mac']) {
    this.#mac = mac;
  }

  /** The user part that names that flow; `place` goes before it. Of letters, digits, `.`, `-`, `_` and `~` alone. */
  of({ transport, local, remote, connection }: Flow, place = OWN_MARK): string {
    const text = [transport, local.address, local.port, remote.address, remote.port, connection ?? ''].map(escaped).join('~');
    return `${place}${FLOW_MARK}${text}~${this.#code(text)}`;
  }

  /** The flow that such a user part names; undefined where it names none, or was not made by this process. */
  read(user: string): Flow | undefined {
    const from = user.startsWith(OWN_MARK) ? user.indexOf(FLOW_MARK) : -1;
    const end = user.lastIndexOf('~');
    if (from < 0 || end < from + FLOW_MARK.length) return undefined;
    const text = user.slice(from + FLOW_MARK.length, end);
    if (!sameText(user.slice(end + 1), this.#code(text))) return undefined;
    const [name = '', localAddress = '', localPort, remoteAddress = '', remotePort, connection] = text.split('~').map(unescaped);
    const transport = transportNamed(name);
    return transport === undefined
      ? undefined
      : {
          transport,
          local: { address: localAddress, port: Number(localPort) },
          remote: { address: remoteAddress, port: Number(remotePort) },
          ...(connection === '' ? {} : { connection: Number(connection) }),
        };
  }

  #code(text: string): string {
    return this.#mac(`flow ${text}`).slice(0, CODE_LENGTH);
  }
}

/** Where what goes by that flow is sent, and by no other way: RFC 5626 5.3 "over the flow identified in the flow token". */
export function targetOfFlow({ transport, local, remote, connection }: Flow): Target {
  const { address: host, port } = remote;
  return { transport, host, port, local, behindNat: true, ...(connection === undefined ? {} : { connection }) };
}

/** Is it the same flow, so that what came over it is from who is reached by it. */
export const isSameFlow = (a: Flow, b: Flow): boolean =>
  a.transport === b.transport &&
  a.remote.address === b.remote.address &&
  (a.remote.port === b.remote.port || (a.connection !== undefined && a.connection === b.connection));

const escaped = (value: string | number): string =>
  String(value).replace(/[^A-Za-z0-9.-]/g, (char) => `_${char.charCodeAt(0).toString(16).padStart(2, '0')}`);

const unescaped = (text: string): string =>
  text.replace(/_([0-9a-f]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
