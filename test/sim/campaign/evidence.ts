import type { Packet } from '../../support/virtual-network.ts';

/** One hop of one request: from who sent it with that Via to the next. */
interface Hop {
  readonly name: string;
  readonly began: number;
  asked: boolean;
  answered: boolean;
  /** Of an INVITE: any answer arrived before its client gave up (RFC 3261 17.1.1.2, timer B). */
  heard: boolean;
}

/** 64*T1, ms. */
const TIMER_B = 32_000;

const arrived = ({ fate }: Packet): boolean => fate === 'sent' || fate === 'doubled';
const field = (text: string, name: string): string => new RegExp(`^${name}: *(.*?)\\r?$`, 'im').exec(text)?.[1] ?? '';

/**
 * Why RFC 3261 could not save a call, from all packets of the run: undefined where nothing excuses that it broke.
 *
 * A call can be saved while of each of its requests, on each hop, one copy arrives, and one copy of the final answer to it; and while of the
 * ACKs to a 2xx one arrives at the phone that sent the 2xx. Of a party that is not there (killed, vanished) nothing arrives.
 */
export function excuse(packets: readonly Packet[], callId: string, shims: readonly string[]): string | undefined {
  const own = packets.filter(({ text }) => field(text, 'Call-ID') === callId);
  const hops = new Map<string, Hop>();
  const accepted = new Map<string, boolean>();
  for (const packet of own) {
    const { text } = packet;
    const [number = '', method = ''] = field(text, 'CSeq').split(' ');
    const branch = /branch=([^;,\r\n]*)/.exec(field(text, 'Via'))?.[1] ?? '';
    const status = Number(/^SIP\/2\.0 (\d+)/.exec(text)?.[1] ?? 0);
    if (packet.fate === 'unreachable') return `${packet.to.address} was not there`;
    if (method === 'ACK') {
      if (arrived(packet)) accepted.set(`${packet.to.address} ${number}`, true);
      continue;
    }
    const key = `${branch} ${method}`;
    const hop = hops.get(key) ?? {
      name: `${number} ${method} from ${packet.from.address}`,
      began: packet.at,
      asked: false,
      answered: false,
      heard: method !== 'INVITE',
    };
    hops.set(key, hop);
    if (status === 0) hop.asked ||= arrived(packet);
    else if (status >= 200) hop.answered ||= arrived(packet);
    if (status > 0 && packet.at < hop.began + TIMER_B) hop.heard ||= arrived(packet);
    if (method === 'INVITE' && status >= 200 && status < 300 && !shims.includes(packet.from.address)) {
      const accept = `${packet.from.address} ${number}`;
      accepted.set(accept, accepted.get(accept) ?? false);
    }
  }
  for (const { name, asked, answered, heard } of hops.values()) {
    if (!asked) return `no copy of ${name} arrived`;
    if (!answered) return `no answer to ${name} arrived`;
    if (!heard) return `no answer to ${name} arrived in time`;
  }
  for (const [who, ack] of accepted) if (!ack) return `no ACK arrived at ${who}`;
  return undefined;
}

/**
 * What a shim took and did not send on though RFC 3261 16 has it do so for each copy: a 2xx to INVITE, and the ACK to it. Not where the shim had
 * given up the INVITE and said so: RFC 6026 8.2 forbids to forward a response without a transaction.
 */
export function swallowed(packets: readonly Packet[], callId: string, shim: string): string | undefined {
  const counts = { ACK: [0, 0], '2xx': [0, 0] } as const satisfies Record<string, readonly number[]>;
  const tally: Record<string, [number, number]> = { ACK: [...counts.ACK], '2xx': [...counts['2xx']] };
  const invites = new Set<string>();
  for (const packet of packets) {
    const { text, fate } = packet;
    if (field(text, 'Call-ID') !== callId) continue;
    const method = field(text, 'CSeq').split(' ')[1];
    const branch = /branch=([^;,\r\n]*)/.exec(field(text, 'Via'))?.[1] ?? '';
    if (text.startsWith('INVITE')) invites.add(branch);
    if (packet.from.address === shim && method === 'INVITE' && /^SIP\/2\.0 [3-6]/.test(text)) return undefined;
    // The ACK to a refusal belongs to the transaction, and ends here.
    const kind =
      text.startsWith('ACK') && !invites.has(branch)
        ? 'ACK'
        : method === 'INVITE' && text.startsWith('SIP/2.0 2')
          ? '2xx'
          : undefined;
    const count = kind === undefined ? undefined : tally[kind];
    if (count === undefined) continue;
    if (packet.to.address === shim && arrived(packet)) count[0] += fate === 'doubled' ? 2 : 1;
    if (packet.from.address === shim) count[1] += 1;
  }
  for (const [kind, [taken, sent]] of Object.entries(tally)) {
    if (sent < taken) return `${shim} took ${taken} ${kind} and sent ${sent}`;
  }
  return undefined;
}
