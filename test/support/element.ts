import type { AuthorizationSettings } from '../../shim/core/auth/authorization.ts';
import type { Users } from '../../shim/core/auth/users.ts';
import { Element, type ElementAction, type ElementSettings } from '../../shim/core/element/element.ts';
import type { GuardSettings } from '../../shim/core/guard/guard.ts';
import type { JournalOp } from '../../shim/core/journal.ts';
import type { Report } from '../../shim/core/outbox/types.ts';
import { ALONE } from '../../shim/core/placing/placing.ts';
import { type Outside, Self } from '../../shim/core/proxy/self.ts';
import type { Locate } from '../../shim/core/proxy/servers.ts';
import { DEFAULT_LOCATION_LIMITS } from '../../shim/core/registrar/location.ts';
import { DEFAULT_REGISTRAR_POLICY } from '../../shim/core/registrar/policy.ts';
import { DEFAULT_MESSAGE_LIMITS, type Message } from '../../shim/core/sip/index.ts';
import { DEFAULT_TRANSACTION_SETTINGS, type SendAction } from '../../shim/core/transaction/types.ts';
import type { Address, Flow, ListenPoint, Target } from '../../shim/core/transport.ts';
import { HASHES } from './digest.ts';
import { requestText, scanned } from './sip-text.ts';

export const SHIM = { address: '127.0.0.1', port: 5060 };
export const T0 = Date.UTC(2026, 10, 22, 10);

export const ELEMENT_SETTINGS: ElementSettings = {
  messages: DEFAULT_MESSAGE_LIMITS,
  transactions: { ...DEFAULT_TRANSACTION_SETTINGS, max: 1000 },
  registrar: DEFAULT_REGISTRAR_POLICY,
  location: DEFAULT_LOCATION_LIMITS,
  presence: {
    tracker: {
      talking: 'auto',
      terminating: 'on-bye',
      dialogCap: 4 * 3_600_000,
      earlyCap: 240_000,
      byeCap: 40_000,
      maxDialogs: 1000,
    },
    reporter: { expiry: 'shim', callGrace: 60_000 },
    outbox: { site: 'test', epoch: T0, chance: () => 0.5 },
  },
  upstream: undefined,
  placing: ALONE,
  udpBytes: 1300,
  serverTries: 4,
  serverAvoid: 30_000,
  maxBranches: 10,
  maxBreadth: 60,
  recurse: true,
  knownUsers: 1000,
};

/** A phone's address in these tests: `flow(2)` is 127.0.0.2:5060 over UDP. */
export const flow = (host: number, port = 5060, transport: Flow['transport'] = 'udp'): Flow => ({
  transport,
  local: SHIM,
  remote: { address: `127.0.0.${host}`, port },
  ...(transport === 'udp' ? {} : { connection: host }),
});

export const AUTHORIZATION: AuthorizationSettings = {
  nonceLifetime: 300_000,
  maxNonces: 1000,
  realm: undefined,
  defaultRealm: 'example.com',
  inbound: 'trusted',
};

/** Settings of a part that a test wants otherwise. */
export interface Otherwise {
  readonly guard?: GuardSettings;
  /** Authentication is on, with these users. */
  readonly users?: Users;
  readonly authorization?: Partial<AuthorizationSettings>;
  readonly tracker?: Partial<ElementSettings['presence']['tracker']>;
  readonly reporter?: Partial<ElementSettings['presence']['reporter']>;
  readonly registrar?: Partial<ElementSettings['registrar']>;
  readonly location?: ElementSettings['location'];
  readonly transactions?: Partial<ElementSettings['transactions']>;
  readonly upstream?: Target;
  readonly placing?: Partial<ElementSettings['placing']>;
  readonly sessionTimer?: ElementSettings['sessionTimer'];
  readonly maxBranches?: number;
  readonly recurse?: boolean;
  readonly domains?: readonly string[];
  /** Addresses at which the element takes SIP over UDP and TCP; `SHIM` where none are given. */
  readonly points?: readonly Address[];
  /** Further addresses, of other transports. */
  readonly further?: readonly ListenPoint[];
  readonly outside?: Outside;
  /** Where names lead (RFC 3263). */
  readonly locate?: Locate;
  readonly serverTries?: number;
}

/** One shim's element under the test's own clock. What it sends, writes and reports is kept and given out by each call. */
export function testElement(otherwise: Otherwise = {}, prefix = 'u') {
  let count = 0;
  let registers = 0;
  const { presence } = ELEMENT_SETTINGS;
  const settings: ElementSettings = {
    ...ELEMENT_SETTINGS,
    registrar: { ...ELEMENT_SETTINGS.registrar, ...otherwise.registrar },
    location: otherwise.location ?? ELEMENT_SETTINGS.location,
    transactions: { ...ELEMENT_SETTINGS.transactions, ...otherwise.transactions },
    upstream: otherwise.upstream,
    placing: { ...ALONE, ...otherwise.placing },
    sessionTimer: otherwise.sessionTimer,
    maxBranches: otherwise.maxBranches ?? ELEMENT_SETTINGS.maxBranches,
    serverTries: otherwise.serverTries ?? ELEMENT_SETTINGS.serverTries,
    recurse: otherwise.recurse ?? ELEMENT_SETTINGS.recurse,
    ...(otherwise.guard ? { guard: otherwise.guard } : {}),
    ...(otherwise.users ? { authorization: { ...AUTHORIZATION, ...otherwise.authorization } } : {}),
    presence: {
      ...presence,
      tracker: { ...presence.tracker, ...otherwise.tracker },
      reporter: { ...presence.reporter, ...otherwise.reporter },
    },
  };
  const points = (otherwise.points ?? [SHIM]).flatMap((at): ListenPoint[] => [
    { transport: 'udp', ...at },
    { transport: 'tcp', ...at },
  ]);
  const self = new Self([...points, ...(otherwise.further ?? [])], otherwise.domains ?? ['example.com'], [], otherwise.outside);
  const element = new Element(settings, {
    self,
    unique: () => `${prefix}${count++}`,
    mac: HASHES.mac,
    ...(otherwise.locate ? { locate: otherwise.locate } : {}),
    ...(otherwise.users ? { authentication: { users: otherwise.users, hashes: HASHES } } : {}),
  });
  const reports: Report[] = [];
  const { outbox } = element.presence;
  const add = outbox.add.bind(outbox);
  outbox.add = (report, now) => {
    reports.push(report);
    return add(report, now);
  };
  const at = { now: T0 };
  return {
    element,
    at,
    reports,
    /** `alice talking`, in the order in which it was reported. */
    told: () => reports.splice(0).map((r) => `${r.user.slice(4, r.user.indexOf('@'))} ${r.status}`),
    receive: (text: string, from: Flow) => outcome(element.receive(text, from, at.now)),
    /** What was sent under that id did not leave. */
    failed: (id: string) => outcome(element.transportError(id, at.now)),
    expire: (ms: number) => {
      at.now += ms;
      return outcome(element.expire(at.now));
    },
    /** Registers a user at one of those addresses; `params` are Contact parameters (`;q=0.5`). */
    register(user: string, from: Flow, expires = 3600, params = '') {
      const { address, port } = from.remote;
      const transport = from.transport === 'udp' ? '' : `;transport=${from.transport}`;
      const text = requestText('REGISTER', {
        uri: 'sip:example.com',
        via: `SIP/2.0/${from.transport.toUpperCase()} ${address}:${port};branch=z9hG4bKreg${registers}`,
        from: `<sip:${user}@example.com>;tag=r`,
        to: `<sip:${user}@example.com>`,
        callId: `reg-${user}`,
        cseq: ++registers,
        headers: [`Contact: <sip:${user}@${address}:${port}${transport}>${params}`, `Expires: ${expires}`],
      });
      return outcome(element.receive(text, from, at.now));
    },
  };
}

export type TestElement = ReturnType<typeof testElement>;

/** What one step of the element led to. */
export interface Outcome {
  readonly sent: readonly SendAction[];
  readonly ops: readonly JournalOp[];
  readonly defects: readonly unknown[];
  /** The sent texts, scanned. */
  readonly messages: readonly Message[];
}

function outcome(actions: readonly ElementAction[]): Outcome {
  const sent = actions.filter((a) => a.type === 'send');
  return {
    sent,
    ops: actions.flatMap((a) => (a.type === 'journal' ? a.ops : [])),
    defects: actions.flatMap((a) => (a.type === 'defect' ? [a.error] : [])),
    get messages() {
      return sent.map((a) => scanned(a.text));
    },
  };
}

/** `INVITE` or `180`, with the address it goes to. */
export const summary = (result: Outcome): string[] =>
  result.messages.map(
    (m, i) =>
      `${m.status || m.method} > ${result.sent[i]?.target.address ?? result.sent[i]?.target.host}:${result.sent[i]?.target.port}`,
  );

/** The answer of a phone to a request that it got: same Via, From, Call-ID, CSeq, Record-Route; To with its tag. */
export function answerTo(
  request: Message,
  status: number,
  options: { tag?: string; body?: string; headers?: string[] } = {},
): string {
  const { tag = 'b', body = '' } = options;
  const copied = request.text
    .slice(0, request.bodyStart)
    .split('\r\n')
    .slice(1)
    .filter((line) => /^(via|from|call-id|cseq|record-route):/i.test(line));
  const to = request.text.match(/^To: (.*)$/m)?.[1]?.trimEnd() ?? '';
  return [
    `SIP/2.0 ${status} Reason ${status}`,
    ...copied,
    `To: ${to.includes(';tag=') ? to : `${to};tag=${tag}`}`,
    ...(options.headers ?? []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
