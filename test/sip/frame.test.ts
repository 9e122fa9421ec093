import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFramer, DEFAULT_MESSAGE_LIMITS, type FrameItem, scan } from '../../shim/core/sip/index.ts';
import { INVITE, lines } from './support.ts';

const framer = (limits = DEFAULT_MESSAGE_LIMITS) => createFramer(limits);
const OPTIONS = lines(
  'OPTIONS sip:a@b SIP/2.0',
  'Via: SIP/2.0/TCP h;branch=z9hG4bKo',
  'From: <sip:a@b>;tag=1',
  'To: <sip:c@d>',
  'Call-ID: o',
  'CSeq: 1 OPTIONS',
  'l:',
  ' 0',
);

/** The stream cut into chunks at the places given. */
function cut(stream: string, places: number[]): string[] {
  const at = [...new Set([0, ...places.map((place) => place % (stream.length + 1)), stream.length])].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => stream.slice(at[i], end));
}

describe('RFC 3261 18.3 stream framing', () => {
  it('finds 200 pipelined messages in one chunk, in order', () => {
    const all = Array.from({ length: 200 }, (_, i) => INVITE.replace('a84b4c76e66710', `call-${i}`));
    expect(framer().push(all.join(''))).toEqual(all.map((text) => ({ type: 'message', text })));
  });

  it('gives the same messages and pings however the stream is cut', () => {
    const unit = fc.constantFrom(INVITE, OPTIONS, '\r\n\r\n', '\r\n', `\r\n${OPTIONS}`);
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 40 }), (units, places) => {
        const stream = units.join('');
        const whole = framer().push(stream);
        const one = framer();
        expect(cut(stream, places).flatMap((chunk) => one.push(chunk))).toEqual(whole);
        const slow = framer();
        expect([...stream].flatMap((char) => slow.push(char))).toEqual(whole);
        expect(whole.filter((item) => item.type === 'message').map((item) => item.text)).toEqual(
          units.filter((text) => text.length > 4).map((text) => text.trimStart()),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('20.14 reads a folded Content-Length in compact form', () => {
    expect(framer().push(OPTIONS)).toEqual([{ type: 'message', text: OPTIONS }]);
  });

  it.each([
    ['without Content-Length', INVITE.replace(/Content-Length: \d+\r\n/, ''), 400, 'Missing Content-Length'],
    [
      'with a garbled Content-Length',
      INVITE.replace(/Content-Length: \d+/, 'Content-Length: abc'),
      400,
      'Malformed Content-Length',
    ],
    [
      'with a negative Content-Length',
      INVITE.replace(/Content-Length: \d+/, 'Content-Length: -5'),
      400,
      'Malformed Content-Length',
    ],
    ['with two Content-Lengths', INVITE.replace('Content-Type', 'l: 5\r\nContent-Type'), 400, 'Malformed Content-Length'],
    [
      'with a body over the limit',
      INVITE.replace(/Content-Length: \d+/, 'Content-Length: 65537'),
      413,
      'Request Entity Too Large',
    ],
    ['with a header block over the limit', INVITE.replace('phone', 'x'.repeat(17_000)), 513, 'Message Too Large'],
    [
      'with too many header lines',
      INVITE.replace('User-Agent', `${'X: y\r\n'.repeat(300)}User-Agent`),
      513,
      'Too many header lines',
    ],
  ])('closes after a message %s, which can be answered', (_what, text, status, reason) => {
    const one = framer();
    const items = one.push(OPTIONS + text + OPTIONS);
    expect(items.map((item) => item.type)).toEqual(['message', 'error']);
    const error = items[1] as Extract<FrameItem, { type: 'error' }>;
    expect(error).toMatchObject({ status, reason });
    expect(scan(error.text as string, DEFAULT_MESSAGE_LIMITS, 'stream')).toMatchObject({
      ok: false,
      message: { method: 'INVITE' },
    });
    expect(one.push(OPTIONS)).toEqual([]);
  });

  it('closes at once on what is not SIP', () => {
    expect(framer().push('\x16\x03\x01\x02\x00')).toEqual([{ type: 'error', status: 400, reason: 'Not SIP' }]);
    expect(framer().push('\r\r\n')).toMatchObject([{ type: 'error', reason: 'Not SIP' }]);
  });

  it('never holds more than its limits and a chunk, however long a header block goes on', () => {
    const one = framer();
    one.push('INVITE sip:a@b SIP/2.0\r\n');
    const items: FrameItem[] = [];
    for (let i = 0; i < 1000 && items.length === 0; i++) {
      items.push(...one.push(`X-${i}: ${'y'.repeat(90)}\r\n`));
      expect(one.held).toBeLessThanOrEqual(DEFAULT_MESSAGE_LIMITS.headerBytes + 200);
    }
    expect(items).toMatchObject([{ type: 'error', status: 513 }]);
    expect(one.held).toBe(0);
  });

  it('takes the largest message byte by byte: the work grows with the bytes, not with their square', () => {
    const text = INVITE.replace(/Content-Length: \d+/, 'Content-Length: 65536').replace(
      /\r\n\r\n.*/s,
      `\r\n\r\n${'b'.repeat(65_536)}`,
    );
    const one = framer();
    const items = Array.from({ length: text.length * 3 }, (_, i) => one.push(text[i % text.length] as string)).flat();
    expect(items.map((item) => item.type)).toEqual(['message', 'message', 'message']);
  });
});

describe('RFC 5626 4.4.1 keep-alive with CRLF', () => {
  it('tells each double CRLF between messages, and no single one', () => {
    expect(
      framer()
        .push(`\r\n\r\n${OPTIONS}\r\n${OPTIONS}\r\n\r\n`)
        .map((item) => item.type),
    ).toEqual(['ping', 'message', 'message', 'ping']);
  });

  it('takes 12,000 pings in one chunk', () => {
    expect(framer().push('\r\n\r\n'.repeat(12_000))).toHaveLength(12_000);
  });

  it('never throws, whatever comes in whatever pieces', () => {
    const piece = fc.constantFrom(
      '\r\n',
      '\r',
      '\n',
      'INVITE sip:a@b SIP/2.0\r\n',
      'l: 3\r\n',
      'l: x\r\n',
      'abc',
      ' ',
      '\0',
      OPTIONS,
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const one = framer();
        for (const chunk of pieces) one.push(chunk);
      }),
      { numRuns: 1000 },
    );
  });
});
