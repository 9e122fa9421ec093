import { shimOf } from '../../../shim/cli/replay.ts';
import { readMessages } from '../../../shim/core/capture/observe.ts';
import { replay } from '../../../shim/core/capture/replay.ts';
import { encodeHep } from '../../support/hep.ts';
import { mutate, pick } from '../../support/mutate.ts';
import { framed, pcapFile, pcapngFile, type TestFrame, tcp, udp } from '../../support/pcap.ts';
import { requestText, responseText, SDP } from '../../support/sip-text.ts';
import { type Mutation, must, type Target } from '../target.ts';

/** All users of the capture are told of, by default settings. */
const REPLAY = {
  ...shimOf({ talking: 'auto', terminating: 'on-bye', mirrorCap: 3_600_000 }),
  domains: undefined,
  registeredOnly: false,
};
const T0 = Date.UTC(2026, 10, 24, 10);
const A = ['192.0.2.11', 5060] as const;
const B = ['192.0.2.1', 5070] as const;
const A6 = ['2001:db8::11', 5060] as const;
const B6 = ['2001:db8::1', 5070] as const;

const REGISTER = requestText('REGISTER', {
  ...{ uri: 'sip:example.com', from: '<sip:alice@example.com>;tag=r', to: '<sip:alice@example.com>', callId: 'r' },
  headers: ['Contact: <sip:alice@192.0.2.11>', 'Expires: 60'],
});
/** A registration and a call, each message with whether it comes from the telephone. */
const TALK: readonly (readonly [boolean, string])[] = [
  [true, REGISTER],
  [false, responseText(200, 'REGISTER', { callId: 'r', headers: ['Contact: <sip:alice@192.0.2.11>;expires=60'] })],
  [true, requestText('INVITE', { body: SDP, headers: ['Contact: <sip:alice@192.0.2.11>'] })],
  [false, responseText(200, 'INVITE', { body: SDP, headers: ['Contact: <sip:bob@192.0.2.12>'] })],
  [true, requestText('BYE', { to: '<sip:bob@example.com>;tag=b', cseq: 2 })],
];

const frames = (link: number, packet: (own: boolean, text: string, i: number) => string): TestFrame[] =>
  TALK.map(([own, text], i) => ({ at: T0 + i * 7000, bytes: framed(link, packet(own, text, i)) }));
const overUdp = (own: boolean, text: string) => (own ? udp(A, B, text) : udp(B, A, text));
const overTcp = (own: boolean, text: string, i: number) => (own ? tcp(A6, B6, i * 2000, text) : tcp(B6, A6, i * 2000, text));
const mirrored = (own: boolean, text: string, i: number) =>
  udp(B, A, encodeHep({ source: own ? A : B, destination: own ? B : A, at: T0 + i, payload: text }));

const TRACE = TALK.map(([own, text], i) => {
  const time = new Date(T0 + i * 7000).toISOString();
  return `# ${time} ${own ? '192.0.2.11:5060 -> 192.0.2.1:5070' : '192.0.2.1:5070 -> 192.0.2.11:5060'}\r\n${text}\r\n`;
}).join('');

/** Damages; and numbers of the binary headers, which are what tells lengths, links and times. */
const mutateCapture: Mutation = (input, other, chance) => {
  let text = chance() < 0.6 ? input : mutate(input, other, chance);
  for (let left = 1 + Math.floor(chance() * 4); left > 0; left--) {
    // Most of them stand near the begin of the file or of a frame.
    const at = Math.floor(chance() * (chance() < 0.5 ? Math.min(120, text.length) : text.length));
    text = text.slice(0, at) + String.fromCharCode(pick(chance, [0, 1, 2, 6, 8, 17, 60, 127, 128, 255])) + text.slice(at + 1);
  }
  return text;
};

/** What `offhook replay` reads: a capture file, of either kind, or a text trace; and what becomes of the messages in it. */
export const capture: Target = {
  name: 'capture',
  seeds: [
    ...[0, 1, 101, 113, 276].map((link) => pcapFile(frames(link, overUdp), link)),
    pcapFile(frames(1, overTcp), 1, { little: false, nano: true }),
    pcapngFile(frames(1, overUdp)),
    pcapngFile(frames(113, overTcp), 113),
    pcapFile(frames(1, mirrored)),
    TRACE,
  ],
  mutate: mutateCapture,
  run(input) {
    const { messages, skipped } = readMessages(input, REPLAY.element.messages);
    let last = Number.NEGATIVE_INFINITY;
    for (const { at, text, source, destination } of messages) {
      must(Number.isFinite(at) && at >= last, `a message of ${at} after one of ${last}`);
      must(text.length <= input.length + 100, `a message of ${text.length} characters`);
      for (const { address, port } of [source, destination])
        must(address !== '' && Number.isInteger(port) && port >= 0 && port < 65_536, `${address}:${port}`);
      last = at;
    }
    for (const [what, count] of skipped) must(count > 0, `${count} x ${what}`);
    const { skipped: passed } = replay(messages, REPLAY);
    must(!passed.has('message: defect of this program'), 'a defect');
  },
};
