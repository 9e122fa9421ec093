import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMessages } from '../../shim/core/capture/observe.ts';
import { DEFAULT_MESSAGE_LIMITS } from '../../shim/core/sip/index.ts';
import { encodeHep } from '../support/hep.ts';
import { framed, ip, pcapFile, pcapngFile, tcp, udp } from '../support/pcap.ts';
import { requestText, responseText, SDP } from '../support/sip-text.ts';

const T0 = Date.UTC(2026, 10, 24, 10);
const A = ['192.0.2.11', 5060] as const;
const B = ['192.0.2.1', 5070] as const;
const A6 = ['2001:db8::11', 5060] as const;
const B6 = ['2001:db8::1', 5070] as const;
const INVITE = requestText('INVITE', { body: SDP });

const read = (text: string) => readMessages(text, DEFAULT_MESSAGE_LIMITS);
const skipped = (text: string) => Object.fromEntries(read(text).skipped);
const seen = (
  source: readonly [string, number],
  destination: readonly [string, number],
  text: string,
  at = T0,
  transport = 'udp',
) => ({
  text,
  transport,
  source: { address: source[0], port: source[1] },
  destination: { address: destination[0], port: destination[1] },
  at,
});

describe('Offhook capture files', () => {
  const links = [0, 1, 101, 113, 276].map((link) => [link] as const);

  it.each(links)('reads IPv4 and IPv6 in frames of link type %i, from pcap and pcapng', (link) => {
    const frames = [
      { at: T0, bytes: framed(link, udp(A, B, INVITE)) },
      { at: T0 + 7, bytes: framed(link, udp(A6, B6, INVITE)) },
    ];
    const expected = [seen(A, B, INVITE), seen(A6, B6, INVITE, T0 + 7)];
    const files = [pcapFile(frames, link), pcapFile(frames, link, { little: false, nano: true }), pcapngFile(frames, link)];
    for (const file of files) expect(read(file)).toEqual({ messages: expected, skipped: new Map() });
  });

  it('reads VLAN tags, and HEP in datagrams with the addresses and time that it tells', () => {
    const tagged = framed(1, udp(A, B, INVITE)).replace('\x08\0', '\x81\0\0\x07\x08\0');
    const hep = encodeHep({ source: A, destination: B, at: T0 - 5, payload: INVITE, protocol: 6 });
    const file = pcapFile([
      { at: T0, bytes: tagged },
      { at: T0, bytes: framed(1, udp(B, A, hep)) },
    ]);
    expect(read(file).messages).toEqual([seen(A, B, INVITE, T0 - 5, 'tcp'), seen(A, B, INVITE)]);
  });

  it('puts TCP in order: cut anyhow, overtaken, sent twice, beyond the end of the sequence numbers', () => {
    const stream = INVITE + responseText(180, 'INVITE') + requestText('BYE', { cseq: 2 });
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 13, maxLength: 13 }), (places, shifts) => {
        const begin = 4_294_967_296 - 200;
        const edges = [0, ...places.sort((a, b) => a - b), stream.length];
        const segments = edges
          .slice(1)
          .map((end, i) => ({ start: edges[i] as number, text: stream.slice(edges[i], end), key: i }));
        // The first one tells where the stream begins; the others come in any order, one of them twice.
        const [first, ...rest] = segments;
        const mixed = [...rest, ...rest.slice(0, 1)].sort((a, b) => a.key + (shifts[a.key] ?? 0) - b.key - (shifts[b.key] ?? 0));
        const frames = [first as (typeof segments)[0], ...mixed].map(({ start, text }) => ({
          at: T0,
          bytes: framed(1, tcp(A, B, (begin + start) % 4_294_967_296, text)),
        }));
        fc.pre((first?.text.length ?? 0) > 40);
        expect(
          read(pcapFile(frames))
            .messages.map(({ text }) => text)
            .join(''),
        ).toBe(stream);
      }),
    );
  });

  it('counts what it passes over, by the reason', () => {
    const frames = [
      framed(1, ip(A, B, 1, 'ping')),
      framed(1, ip(A, B, 17, 'rest of a datagram', 0x2000)),
      framed(1, udp(A, B, INVITE)).slice(0, 60),
      `${'\0'.repeat(12)}\x08\x06arp`,
      framed(1, udp(A, B, '\x80\0rtp')),
      framed(1, udp(A, B, 'HEP3\0\x05')),
      framed(1, tcp(A, B, 5, 'GET / HTTP/1.1\r\n\r\n')),
    ].map((bytes) => ({ at: T0, bytes }));
    expect(skipped(pcapFile(frames))).toEqual({
      'frame: not UDP or TCP': 1,
      'frame: fragment': 1,
      'frame: cut off': 1,
      'frame: not IP': 1,
      'datagram: not SIP': 1,
      'HEP packet: length': 1,
      'TCP segment: not SIP, or the begin is missing': 1,
    });
    expect(skipped(pcapFile([{ at: T0, bytes: 'x' }], 999))).toEqual({ 'frame: link type': 1 });
  });

  it('says where a file is damaged, keeps what came before, and reads any bytes without throwing', () => {
    const whole = pcapFile([{ at: T0, bytes: framed(1, udp(A, B, INVITE)) }]);
    const two = whole + whole.slice(24);
    expect(read(two.slice(0, -5)).messages).toHaveLength(1);
    expect(Object.keys(skipped(two.slice(0, -5)))[0]).toMatch(/^rest of the file: cut off at byte \d+$/);
    const ng = pcapngFile([{ at: T0, bytes: framed(1, udp(A, B, INVITE)) }]);
    const junk = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }).map((all) => String.fromCharCode(...all));
    fc.assert(
      fc.property(fc.constantFrom(two, ng, INVITE), fc.nat(700), junk, (file, at, bytes) => {
        read(file.slice(0, at) + bytes + file.slice(at + bytes.length));
        read(file.slice(0, at));
      }),
    );
  });
});

describe('Offhook text traces', () => {
  const unix = INVITE.replaceAll('\r\n', '\n');

  it.each([
    ['its own', '# 2026-11-24T10:00:00.123Z 192.0.2.11:5060 -> 192.0.2.1:5070'],
    ['ngrep', 'U 2026/11/24 10:00:00.123456 192.0.2.11:5060 -> 192.0.2.1:5070 #7'],
    ['sngrep', '2026/11/24 10:00:00.123456 192.0.2.11:5060 -> 192.0.2.1:5070'],
  ])('reads head lines as %s writes them', (_name, head) => {
    const trace = `what is this?\n${head}\n${unix}\n\n#\n${head.replace('00.123', '01.123')}\n${unix}`;
    expect(read(trace).messages).toEqual([seen(A, B, INVITE, T0 + 123), seen(A, B, INVITE, T0 + 1123)]);
    expect(skipped(trace)).toEqual({ 'line that belongs to no message': 1 });
  });

  it('reads messages without head lines: from Via to Request-URI, a second apart', () => {
    const { messages } = read(`${unix}\n${responseText(180, 'INVITE')}`);
    expect(messages.map(({ source, destination, at }) => [source.address, destination.address, at])).toEqual([
      ['127.0.0.2', 'example.com', 1000],
      ['0.0.0.0', '127.0.0.2', 2000],
    ]);
  });
});
