import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedaction } from '../../shim/log/redact.ts';
import { createTrace } from '../../shim/log/trace.ts';
import { createLog, type LogLevel, type LogStyle } from '../../shim/log.ts';
import { flow } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const KEY = Buffer.alloc(32);
const users = createRedaction(true, KEY);
const secrets = createRedaction(false);
const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzY29wZSI6W119.c2lnbmF0dXJl';
const DIGEST = 'Digest username="alice", realm="example.com", nonce="5ca1ab1e", response="deadbeef"';

const INVITE = requestText('INVITE', {
  from: '"Alice Liddell" <sip:alice@example.com>;tag=a',
  to: 'Bob <sip:bob:pass@example.com;user=phone>',
  headers: [
    `Proxy-Authorization: ${DIGEST}`,
    `authorization : ${DIGEST},\r\n qop=auth, cnonce="c0ffee"`,
    'P-Asserted-Identity: <tel:+3112345>',
  ],
  body: SDP.replace('o=-', 'o=alice'),
});

describe('Offhook log redaction', () => {
  it.each([
    ['users', users],
    ['secrets', secrets],
  ])('never tells credentials, nonces and tokens (%s)', (_, redaction) => {
    const told = redaction.text(`${INVITE}\r\nBearer ${TOKEN}`);
    for (const secret of ['nonce', '5ca1ab1e', 'deadbeef', 'c0ffee', 'realm=', TOKEN]) expect(told).not.toContain(secret);
    expect(told).toContain('Proxy-Authorization: Digest (left out)\r\n');
  });

  it('leaves out who is meant: user parts, numbers, display names, the owner of the session', () => {
    const told = users.text(INVITE);
    for (const name of ['alice', 'Alice', 'bob', 'Bob', 'pass', '12345']) expect(told).not.toContain(name);
    expect(told).toMatch(/^INVITE sip:~[0-9a-f]{8}@example\.com SIP\/2\.0\r\n/);
    expect(told).toMatch(/\r\nFrom: <sip:~[0-9a-f]{8}@example\.com>;tag=a\r\n/);
  });

  it('tells one user by one pseudonym, and two by two; another process by others', () => {
    const [a, b] = [users.text('sip:alice@example.com'), users.text('<sip:alice@example.org>')];
    expect(a.slice(4, 13)).toBe(b.slice(5, 14));
    expect(a).not.toBe(users.text('sip:bob@example.com'));
    expect(a).not.toBe(createRedaction(true).text('sip:alice@example.com'));
    expect(users.field('user', 'alice')).toBe(a.slice(4, 13));
    expect(users.field('user', 'sip:alice@example.com')).toBe(a);
  });

  it('tells users where it is asked to', () => {
    expect(secrets.text('sip:alice@example.com')).toBe('sip:alice@example.com');
  });

  it('takes no user part for another thing, and ends on every text', () => {
    expect(users.text('no route to sip:example.com; 3 tries')).toBe('no route to sip:example.com; 3 tries');
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'sip:@<>"\\\r\n o=Authorization: \u0000é'), maxLength: 400 }),
        (text) => typeof users.text(text) === 'string',
      ),
    );
  });
});

function traced(settings: { logLevel: LogLevel; logCallId?: string[] } & Partial<LogStyle>) {
  const lines: string[] = [];
  const style = { logFormat: settings.logFormat ?? 'text', logRedact: settings.logRedact ?? 'users' } as const;
  const log = createLog(
    settings.logLevel,
    (line) => lines.push(line),
    () => 0,
    style,
  );
  return { lines, trace: createTrace({ logLevel: settings.logLevel, logCallId: settings.logCallId }, log) };
}

describe('Offhook message trace', () => {
  it('is not there, and costs nothing, but at level debug', () => {
    expect((['info', 'warn', 'error'] as const).map((logLevel) => traced({ logLevel }).trace)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('tells each message in one line, with where it came from or went', () => {
    const { lines, trace } = traced({ logLevel: 'debug' });
    trace?.received(INVITE, flow(2));
    trace?.sent(INVITE, { transport: 'tcp', host: '127.0.0.3', port: 5062 });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^1970-\S+ debug received transport=udp peer=127\.0\.0\.2:5060 bytes=\d+ sip="INVITE sip:~/);
    expect(lines[1]).toMatch(/ debug sent transport=tcp peer=127\.0\.0\.3:5062 /);
    expect(lines.join('')).not.toContain('alice');
  });

  it('tells only the messages of the Call-IDs asked for (RFC 3261 20.8, the compact form too)', () => {
    const { lines, trace } = traced({ logLevel: 'debug', logCallId: ['one', 'two'] });
    for (const callId of ['one', 'two', 'three']) trace?.received(requestText('BYE', { callId }), flow(2));
    trace?.received(requestText('BYE', { callId: 'one' }).replace('Call-ID:', 'i :'), flow(2));
    trace?.received('not SIP', flow(2));
    expect(lines).toHaveLength(3);
  });
});

describe('Offhook log as JSON', () => {
  it('is one object a line, which the fields cannot pass for the head of', () => {
    const lines: string[] = [];
    const style = { logFormat: 'json', logRedact: 'secrets' } as const;
    const log = createLog(
      'info',
      (line) => lines.push(line),
      () => 0,
      style,
    );
    log.warn('line\nbreak', { count: 3, level: 'x', text: '\u2028"\u0085', missing: undefined });
    log.info('plain');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'line\nbreak', count: 3, level_: 'x', text: '\u2028"\u0085' },
      { time: '1970-01-01T00:00:00.000Z', level: 'info', message: 'plain' },
    ]);
    for (const line of lines) expect(line).toMatch(/^[^\p{Cc}\u2028\u2029]*\n$/u);
  });

  it('takes another level and format while it is used', () => {
    const lines: string[] = [];
    const log = createLog(
      'warn',
      (line) => lines.push(line),
      () => 0,
    );
    log.info('a');
    log.adjust('info', { logFormat: 'json', logRedact: 'users' });
    log.info('b', { user: 'sip:alice@example.com' });
    expect(lines).toEqual([expect.stringMatching(/^\{"time":"1970.*"message":"b","user":"sip:~\w{8}@example.com"\}\n$/)]);
  });
});
