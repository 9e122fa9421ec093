import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { body, cseq, DEFAULT_MESSAGE_LIMITS, header, type MessageLimits, scan } from '../../shim/core/sip/index.ts';
import { INVITE, lines, message } from './support.ts';

const datagram = (text: string, limits: MessageLimits = DEFAULT_MESSAGE_LIMITS) => scan(text, limits, 'datagram');
const OK = lines(
  'SIP/2.0 200 OK',
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx',
  'From: <sip:a@b>;tag=1',
  'To: <sip:c@d>;tag=2',
  'Call-ID: x',
  'CSeq: 7 BYE',
  'Content-Length: 0',
);

/** The INVITE with one line replaced, or removed where `by` is empty. */
function altered(name: string, by: string): string {
  return INVITE.replace(new RegExp(`${name}:[^\\r]*\\r\\n`), by === '' ? '' : `${by}\r\n`);
}

describe('RFC 3261 7 messages', () => {
  it('reads a request', () => {
    expect(message(INVITE)).toMatchObject({ method: 'INVITE', status: 0, reason: '', uri: 'sip:bob@biloxi.com', text: INVITE });
  });

  it('reads a response and takes its method from CSeq', () => {
    expect(message(OK)).toMatchObject({ method: 'BYE', status: 200, reason: 'OK', uri: '' });
    expect(message(OK.replace('200 OK', '200'))).toMatchObject({ status: 200, reason: '' });
  });

  it('7.5 skips CRLFs before the start line', () => {
    expect(message(`\r\n\r\n\r\n${INVITE}`).text).toBe(INVITE);
    expect(datagram('\r\n\r\n')).toMatchObject({ ok: false, reason: 'Empty message' });
  });

  it('18.3 drops what a datagram holds beyond Content-Length and takes all of it where there is none', () => {
    const trailed = message(`${INVITE}trailing`);
    expect(trailed.text).toBe(INVITE);
    const without = message(`${altered('Content-Length', '')}more`);
    expect(body(without)).toBe(`${body(message(INVITE))}more`);
  });

  it('7.3.1 takes names and the version in any case', () => {
    const m = message(INVITE.replace('SIP/2.0\r\n', 'sip/2.0\r\n').replace('CSeq', 'cSEQ').replace('Via', 'VIA'));
    expect(cseq(m)).toEqual({ number: 314159, method: 'INVITE' });
  });

  it.each([
    ['INVITE sip:bob@biloxi.com SIP/3.0', 505, 'Version Not Supported'],
    ['INVITE sip:bob@biloxi.com HTTP/1.1', 400, 'Malformed start line'],
    ['INVITE sip:bob@biloxi.com', 400, 'Malformed start line'],
    ['INVITE', 400, 'Malformed start line'],
    ['INVITE sip:bob@ SIP/2.0', 400, 'Malformed Request-URI'],
    ['INVITE sip:b\nob@biloxi.com SIP/2.0', 400, 'Malformed start line'],
    ['INVITE sip:bob@biloxi.com:99999 SIP/2.0', 400, 'Malformed Request-URI'],
  ])('answers the start line %j with %i %s', (line, status, reason) => {
    expect(datagram(INVITE.replace('INVITE sip:bob@biloxi.com SIP/2.0', line))).toMatchObject({ ok: false, status, reason });
  });

  it.each([
    ['Via', '', 'Missing Via', false],
    ['From', '', 'Missing From', false],
    ['To', '', 'Missing To', false],
    ['Call-ID', '', 'Missing Call-ID', false],
    ['CSeq', '', 'Missing CSeq', false],
    ['Via', 'Via: SIP/2.0/UDP', 'Malformed Via', false],
    ['From', 'From: "a <sip:a@b>;tag=1', 'Malformed From', true],
    ['To', 'To: <sip:a@b', 'Malformed To', true],
    ['To', 'To: <sip:a@b>, <sip:c@d>', 'Malformed To', true],
    ['Call-ID', 'Call-ID: a b', 'Malformed Call-ID', true],
    ['CSeq', 'CSeq: 2147483648 INVITE', 'Malformed CSeq', true],
    ['CSeq', 'CSeq: INVITE', 'Malformed CSeq', true],
    ['CSeq', 'CSeq: 1 BYE', 'CSeq method does not match request method', true],
    ['Max-Forwards', 'Max-Forwards: 256', 'Malformed Max-Forwards', true],
    ['Max-Forwards', 'Max-Forwards: x', 'Malformed Max-Forwards', true],
    ['Max-Forwards', 'Max-Forwards: 70\r\nMax-Forwards: 70', 'Header field repeated that must be single', true],
    ['Content-Length', 'Content-Length: 1000', 'Body shorter than Content-Length', true],
    ['Content-Length', 'Content-Length: abc', 'Malformed Content-Length', true],
    ['Content-Length', 'l: 1\r\nContent-Length: 1', 'Header field repeated that must be single', true],
    ['User-Agent', 'User-Agent phone', 'Malformed header line', true],
    ['User-Agent', ': phone', 'Malformed header line', true],
    ['User-Agent', 'User@Agent: phone', 'Malformed header line', true],
    ['User-Agent', 'User-Agent: a\nb', 'Bare CR or LF in header block', true],
    ['User-Agent', 'User-Agent: a\rb', 'Bare CR or LF in header block', true],
    ['User-Agent', 'User-Agent: a\nVia: SIP/2.0/UDP smuggled', 'Bare CR or LF in header block', true],
  ])('8.1.1, 20 answers 400 where %s is %j: %s', (name, by, reason, answerable) => {
    const result = datagram(altered(name, by));
    expect(result).toMatchObject({ ok: false, status: 400, reason });
    expect(result).toEqual(
      answerable
        ? expect.objectContaining({ message: expect.anything() })
        : expect.not.objectContaining({ message: expect.anything() }),
    );
  });

  it('17.1.1.3 never offers an ACK to be answered', () => {
    const ack = INVITE.replaceAll('INVITE', 'ACK').replace('Max-Forwards: 70', 'Max-Forwards: x');
    expect(datagram(ack)).toEqual({ ok: false, status: 400, reason: 'Malformed Max-Forwards' });
  });

  it.each([
    OK.replace('200', '99'),
    OK.replace('200', '700'),
    OK.replace('200', '20'),
    OK.replace('SIP/2.0 ', 'SIP/3.0 '),
    OK.replace('CSeq: 7 BYE', 'CSeq: BYE'),
    OK.replace('<sip:a@b>', '<sip:a@b'),
    OK.replace('200 OK', '200 O\nK'),
    OK.replace('Content-Length: 0', 'Content-Length: 1'),
  ])('18.1.2 gives nothing to answer of a malformed response', (text) => {
    const result = datagram(text);
    expect(result.ok).toBe(false);
    expect(result).not.toHaveProperty('message');
  });

  it('18.3 wants Content-Length on a stream', () => {
    expect(scan(altered('Content-Length', ''), DEFAULT_MESSAGE_LIMITS, 'stream')).toMatchObject({
      ok: false,
      status: 400,
      reason: 'Missing Content-Length',
    });
  });
});

describe('Offhook message limits', () => {
  it('refuses a header block over its limit', () => {
    const limits = { ...DEFAULT_MESSAGE_LIMITS, headerBytes: 600 };
    expect(datagram(INVITE, limits).ok).toBe(true);
    const long = altered('User-Agent', `User-Agent: ${'x'.repeat(600)}`);
    expect(datagram(long, limits)).toMatchObject({ ok: false, status: 513, message: { method: 'INVITE' } });
    expect(datagram(`INVITE sip:${'x'.repeat(700)} SIP/2.0\r\n`, limits)).toMatchObject({ ok: false, status: 513 });
  });

  it('refuses more header lines than its limit', () => {
    const many = altered('User-Agent', 'X: y\r\n'.repeat(300).trimEnd());
    expect(datagram(many)).toMatchObject({ ok: false, status: 513, reason: 'Too many header lines' });
  });

  it('refuses a body over its limit', () => {
    const limits = { ...DEFAULT_MESSAGE_LIMITS, bodyBytes: 10 };
    expect(datagram(INVITE, limits)).toMatchObject({ ok: false, status: 413, message: { method: 'INVITE' } });
  });

  it('refuses a header block that does not end', () => {
    expect(datagram(INVITE.slice(0, INVITE.indexOf('Content-Type')))).toMatchObject({
      ok: false,
      reason: 'Header block without end',
    });
  });

  /** A quadratic scan of 64 kB takes seconds, so a hundred of them would not end within the runner's own limit. */
  it.each([
    ['folded lines', (n: number) => `X: a\r\n${' b\r\n'.repeat(n / 4)}`],
    ['bare LFs', (n: number) => `X: a\n${' b\n'.repeat(n / 3)}`],
    ['semicolons', (n: number) => `Via: SIP/2.0/UDP h${';a'.repeat(n / 2)}\r\n`],
    ['commas', (n: number) => `Route: ${'<sip:a>,'.repeat(n / 8)}\r\n`],
    ['quotes', (n: number) => `From: ${'"a" '.repeat(n / 4)}\r\n`],
    ['white space', (n: number) => `To: ${' '.repeat(n)}x\r\n`],
    ['backslashes', (n: number) => `To: "${'\\\\'.repeat(n / 2)}\r\n`],
    ['percents', (n: number) => `Contact: <sip:${'%61'.repeat(n / 3)}@h>\r\n`],
  ])('reads 64 kB of %s without a stall', (_what, make) => {
    const limits = { headerBytes: 1 << 17, headerCount: 256, bodyBytes: 1 << 17 };
    const text = INVITE.replace('User-Agent', `${make(64_000)}User-Agent`);
    const results = Array.from({ length: 100 }, () => datagram(text, limits).ok);
    expect(new Set(results).size).toBe(1);
  });

  it('never throws and always ends, whatever the bytes', () => {
    const piece = fc.constantFrom(
      '\r\n',
      '\r',
      '\n',
      ' ',
      ':',
      ';',
      ',',
      '"',
      '<',
      '>',
      '\\',
      'SIP/2.0',
      'INVITE',
      'Via: ',
      'sip:a@b',
      '\0',
      '\xff',
      '[',
      'l: 5',
    );
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('latin1')),
      fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
      fc.array(piece, { maxLength: 60 }).map((pieces) => INVITE.slice(0, 60) + pieces.join('')),
    );
    fc.assert(
      fc.property(text, fc.constantFrom('datagram' as const, 'stream' as const), (bytes, framing) => {
        const result = scan(bytes, DEFAULT_MESSAGE_LIMITS, framing);
        if (!result.ok) expect(result.status).toBeGreaterThanOrEqual(400);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds an unknown field by name in the middle of known ones', () => {
    expect(header(message(altered('User-Agent', 'X-Offhook-Test: yes')), 'x-offhook-test')).toBe('yes');
  });
});
