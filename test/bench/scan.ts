/**
 * How many INVITEs a second of CPU time (so that what else runs here does not count) one thread scans and splices as a forwarding proxy does. Prints one JSON object a line; `sip` is the npm
 * package of that name doing its parse and stringify on the same bytes. Run: `npx node test/bench/scan.ts`
 */
import { createRequire } from 'node:module';
import { DEFAULT_MESSAGE_LIMITS, maxForwards, relayRequest, scan, topVia } from '../../shim/core/sip/index.ts';

const BODY = [
  'v=0',
  'o=alice 2890844526 2890844526 IN IP4 192.0.2.101',
  's=-',
  'c=IN IP4 192.0.2.101',
  't=0 0',
  'm=audio 49172 RTP/AVP 0 8',
  'a=sendrecv',
  '',
].join('\r\n');

const INVITE = `${[
  'INVITE sip:bob@example.com SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK74bf9f3a;rport',
  'Max-Forwards: 70',
  'Route: <sip:192.0.2.1:5060;lr>',
  'From: "Alice" <sip:alice@example.com>;tag=9fxced76sl',
  'To: <sip:bob@example.com>',
  'Call-ID: 3848276298220188511@192.0.2.101',
  'CSeq: 2 INVITE',
  'Contact: <sip:alice@192.0.2.101:5060>',
  'User-Agent: phone/1.0',
  'Content-Type: application/sdp',
  `Content-Length: ${BODY.length}`,
].join('\r\n')}\r\n\r\n${BODY}`;

const RUNS = 9;
const MESSAGES = 60_000;

/** Different bytes for each message, as from a socket: no string is shared between two. */
const datagrams = Array.from({ length: 256 }, (_, i) =>
  Buffer.from(INVITE.replace('74bf9f3a', `74bf9${i.toString(16).padStart(3, '0')}`)),
);

function ours(i: number): number {
  const datagram = datagrams[i & 255] as Buffer;
  const result = scan(datagram.toString('latin1'), DEFAULT_MESSAGE_LIMITS, 'datagram');
  if (!result.ok) throw new Error(result.reason);
  const branch = topVia(result.message)?.branch as string;
  const text = relayRequest(result.message, {
    uri: 'sip:bob@192.0.2.202:5060',
    via: `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${branch.slice(7)}x;rport`,
    stampVia: { received: '192.0.2.101', rport: 5060 },
    maxForwards: (maxForwards(result.message) as number) - 1,
    recordRoute: '<sip:192.0.2.1:5060;lr>',
    popRoutes: 1,
  });
  return Buffer.from(text, 'latin1').length;
}

interface SipPackage {
  parse(data: string): { headers: { via: { params: Record<string, unknown> }[] } };
  stringify(message: unknown): string;
}
const sip = createRequire(import.meta.url)('sip') as SipPackage;

function theirs(i: number): number {
  const datagram = datagrams[i & 255] as Buffer;
  const message = sip.parse(datagram.toString('binary'));
  message.headers.via.unshift({ ...message.headers.via[0], params: { branch: 'z9hG4bKx' } } as never);
  return Buffer.from(sip.stringify(message), 'binary').length;
}

function rate(work: (i: number) => number, messages: number): number {
  for (let i = 0; i < messages / 4; i++) work(i);
  const runs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const start = process.cpuUsage();
    for (let i = 0; i < messages; i++) work(i);
    runs.push((messages * 1e6) / ((u) => u.user + u.system)(process.cpuUsage(start)));
  }
  return runs.sort((a, b) => a - b)[Math.floor(RUNS / 2)] as number;
}

const own = rate(ours, MESSAGES);
const other = rate(theirs, MESSAGES / 10);
const line = (name: string, median: number, unit: string) => console.log(JSON.stringify({ name, median, unit }));
line('scan and splice an INVITE', Math.round(own), 'messages/CPU-s');
line('parse and stringify an INVITE, sip package', Math.round(other), 'messages/CPU-s');
line('scan and splice against the sip package', Math.round((own / other) * 10) / 10, 'times');
line('size of the INVITE', INVITE.length, 'bytes');
