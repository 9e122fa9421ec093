import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allow,
  bytes,
  challenges,
  contacts,
  contentType,
  credentials,
  event,
  expires,
  formatNameAddr,
  from,
  header,
  headers,
  minExpires,
  type NameAddr,
  own,
  parseAuthentication,
  parseNameAddr,
  parseVia,
  paths,
  recordRoutes,
  routes,
  supported,
  to,
  topVia,
  utf8,
  vias,
} from '../../shim/core/sip/index.ts';
import { INVITE, message } from './support.ts';

/** The INVITE with more header lines. */
const withLines = (...more: string[]) => message(INVITE.replace('\r\nUser-Agent', `\r\n${more.join('\r\n')}\r\nUser-Agent`));

const nameAddr = (text: string): NameAddr | undefined => {
  const parsed = parseNameAddr(text, 0, text.length);
  return parsed?.end === text.length ? parsed.value : undefined;
};

describe('RFC 3261 7.3 header fields', () => {
  it('finds a field by its long form whatever form and case it came in', () => {
    const m = withLines('k: timer', 'SUPPORTED: path', 's: a', 'X-Thing : 1', 'x-thing: 2');
    expect(headers(m, 'supported')).toEqual(['timer', 'path']);
    expect(header(m, 'subject')).toBe('a');
    expect(headers(m, 'x-thing')).toEqual(['1', '2']);
    expect([header(m, 'x-thin'), header(m, 'x-think'), header(m, 'X-THING')]).toEqual([undefined, undefined, '1']);
  });

  it('unfolds a folded value to single spaces', () => {
    const m = withLines('Subject: one', '   two', '\tthree  ', 'X-Empty:', '  ', 'X-Last: y');
    expect(header(m, 'subject')).toBe('one two three');
    expect(header(m, 'x-empty')).toBe('');
    expect(header(m, 'x-last')).toBe('y');
  });

  it('splits option tags at commas over all lines', () => {
    expect(supported(withLines('Supported: 100rel , Timer', 'k:,path,, gruu'))).toEqual(['100rel', 'timer', 'path', 'gruu']);
    expect(allow(withLines('Accept: a'))).toEqual(['INVITE', 'ACK', 'CANCEL', 'BYE']);
  });

  it('reads seconds from 0 to 2**32 - 1 and takes anything else for absent', () => {
    expect(expires(withLines('Expires: 3600'))).toBe(3600);
    expect(expires(withLines('Expires: 4294967295'))).toBe(4294967295);
    expect(minExpires(withLines('Min-Expires: 60'))).toBe(60);
    for (const value of ['4294967296', '-1', '1e3', '', 'soon', '1 2'])
      expect(expires(withLines(`Expires: ${value}`))).toBeUndefined();
  });

  it('reads Event and Content-Type with their parameters', () => {
    expect(event(withLines('o: presence;id=3'))).toEqual({ value: 'presence', params: new Map([['id', '3']]) });
    const type = contentType(message(INVITE.replace('application/sdp', 'Multipart / Mixed ; boundary="a;b"')));
    expect(type).toEqual({ value: 'multipart/mixed', params: new Map([['boundary', 'a;b']]) });
    expect(contentType(message(INVITE.replace('application/sdp', 'sdp')))).toBeUndefined();
  });
});

describe('RFC 3261 20.10 addresses', () => {
  it.each([
    ['<sip:a@b>', { display: '', uri: 'sip:a@b' }],
    ['"Mr. \\"X\\" <a,b>;c" <sip:a@b;p=1>;tag=t;x="y;z"', { display: 'Mr. "X" <a,b>;c', uri: 'sip:a@b;p=1', tag: 't' }],
    ['Bob Smith <sip:a@b> ; tag = t', { display: 'Bob Smith', tag: 't' }],
    ['sip:a@b;tag=t;p=1', { display: '', uri: 'sip:a@b', tag: 't' }],
    ['<sip:a@b>;x=1;X=2;x', { params: new Map([['x', '1']]) }],
    ['tel:+123;tag=x', { uri: 'tel:+123', tag: 'x' }],
    [bytes('"Zoë 電" <sip:z@b>'), { display: 'Zoë 電' }],
    [bytes('Jürgen <sip:j@b>'), { display: 'Jürgen' }],
  ])('reads %s', (text, value) => expect(nameAddr(text)).toMatchObject(value));

  it.each([
    '',
    '<>',
    '<sip:a@b',
    'sip:a@b>',
    '"x <sip:a@b>',
    'a, b <sip:a@b>',
    '<sip:a@b>;tag=',
    '<sip:a@b>;',
    '<sip:a@b> x',
    'sip:a@b?x=y',
    '<sip:a b@c>',
    'bob',
    'sip:',
    '<a@b>',
  ])('refuses %j', (text) => expect(nameAddr(text)).toBeUndefined());

  it('comes back the same from text and parts', () => {
    const value = fc.record({
      display: fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '<', ',', ';', 'é', '電', '😀') }),
      uri: fc.constantFrom('sip:a@b', 'sips:x;y@[::1]:7;lr?h=v', 'tel:+1'),
      tag: fc.stringMatching(/^[a-zA-Z0-9.-]{1,20}$/),
      odd: fc.stringMatching(/^[ -~]{1,20}$/),
    });
    fc.assert(
      fc.property(value, ({ display, uri, tag, odd }) => {
        const params = new Map<string, string | true>([
          ['tag', tag],
          ['lr', true],
          ['odd', odd],
        ]);
        expect(nameAddr(formatNameAddr({ display, uri, params }))).toEqual({ display, uri, tag, params });
      }),
    );
  });

  it('splits lists at commas outside quotes and brackets, over all lines', () => {
    const m = withLines('Record-Route: "a, b" <sip:p1;lr>,<sip:p,2;lr>', 'Record-Route: <sip:p3;lr>', 'Path: <sip:edge;lr;ob>');
    expect(recordRoutes(m)?.map((value) => value.uri)).toEqual(['sip:p1;lr', 'sip:p,2;lr', 'sip:p3;lr']);
    expect(routes(m)?.map((value) => value.uri)).toEqual(['sip:p1.example.com;lr', 'sip:p2.example.com;lr']);
    expect(paths(m)).toHaveLength(1);
    expect(paths(withLines('Path: <sip:edge'))).toBeUndefined();
    expect(paths(message(INVITE))).toEqual([]);
  });

  it('reads Contact with q and expires, and a star alone', () => {
    const list = contacts(withLines('m: <sip:c@d>;q=0.7;expires=60, "E" <sip:e@f>;q=2;expires=x'));
    expect(list).toMatchObject({
      star: false,
      contacts: [{ uri: 'sip:alice@pc33.atlanta.com' }, { q: 0.7, expires: 60 }, { display: 'E' }],
    });
    expect(list.ok && list.contacts[2]).not.toHaveProperty('q');
    expect(list.ok && list.contacts[2]).not.toHaveProperty('expires');
    const alone = message(INVITE.replace('<sip:alice@pc33.atlanta.com>', '*'));
    expect(contacts(alone)).toEqual({ ok: true, star: true, contacts: [] });
    expect(contacts(withLines('Contact: *')).ok).toBe(false);
    expect(contacts(withLines('Contact: <sip:a')).ok).toBe(false);
  });

  it('reads From and To', () => {
    const m = message(INVITE);
    expect(from(m)).toMatchObject({ display: 'Alice', tag: '1928301774' });
    expect(to(m)).not.toHaveProperty('tag');
  });
});

describe('RFC 3261 20.42 Via', () => {
  it('reads protocol, sent-by and parameters', () => {
    expect(topVia(message(INVITE))).toMatchObject({
      transport: 'UDP',
      host: 'pc33.atlanta.com',
      branch: 'z9hG4bKnashds8',
      rport: true,
    });
    const m = withLines('v: SIP / 2.0 / tcp [2001:db8::1] : 5070 ;branch=a;received=2001:db8::2;rport=9 , SIP/2.0/UDP h;ttl=16');
    expect(vias(m)?.slice(1)).toMatchObject([
      { protocol: 'SIP/2.0', transport: 'TCP', host: '[2001:db8::1]', port: 5070, received: '2001:db8::2', rport: 9 },
      { transport: 'UDP', host: 'h', params: new Map([['ttl', '16']]) },
    ]);
  });

  it.each([
    'SIP/2.0',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/UDPh',
    'SIP/2.0/UDP h:',
    'SIP/2.0/UDP h:70000',
    'SIP/2.0/UDP [::1;a',
    '/2.0/UDP h',
    'SIP/2.0/UDP h;',
  ])('refuses %j', (text) => expect(parseVia(text, 0, text.length)).toBeUndefined());
});

describe('RFC 3261 22 credentials', () => {
  it('reads a Digest with quoted commas and any order', () => {
    const m = withLines('Authorization: Digest username="a,\\"b", realm = "r" ,uri="sip:x", response=0af, NC=00000001');
    const [digest] = credentials(m, 'authorization');
    expect(digest?.scheme).toBe('digest');
    expect(Object.fromEntries(digest?.params ?? [])).toEqual({
      username: 'a,"b',
      realm: 'r',
      uri: 'sip:x',
      response: '0af',
      nc: '00000001',
    });
  });

  it('takes each line for one challenge and leaves out what is malformed', () => {
    const m = withLines(
      'WWW-Authenticate: Digest realm="a"',
      'WWW-Authenticate: Digest realm="b',
      'WWW-Authenticate: Basic realm="c"',
    );
    expect(challenges(m, 'www-authenticate').map((challenge) => challenge.params.get('realm'))).toEqual(['a', 'c']);
  });

  it.each(['', 'Digest a', 'Digest a=1,', 'Digest a=1 b=2', 'Digest a=1, A=2', '"x"'])('refuses %j', (text) =>
    expect(parseAuthentication(text)).toBeUndefined(),
  );
});

describe('RFC 3629 UTF-8', () => {
  it('comes back the same from text and bytes, as Buffer does it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(bytes(text)).toBe(Buffer.from(text, 'utf8').toString('latin1'));
        expect(utf8(bytes(text))).toBe(text.toWellFormed());
      }),
    );
  });

  it('is total over bytes and agrees with TextDecoder on what is valid', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (array) => {
        const mine = utf8(Buffer.from(array).toString('latin1'));
        let strict: string | undefined;
        try {
          strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(array);
        } catch {
          expect(mine).toContain('\ufffd');
        }
        if (strict !== undefined) expect(mine).toBe(strict);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('Offhook kept strings', () => {
  it('own gives an equal string', () => {
    fc.assert(fc.property(fc.string(), (text) => own(text) === text));
  });

  it('own lets go of the message that the string was cut from', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      // Twice: what the first one finds is given back in the background.
      collect();
      collect();
      return process.memoryUsage().heapUsed + process.memoryUsage().external;
    };
    const kept: string[] = [];
    const before = used();
    for (let i = 0; i < 50; i++) {
      const text = Buffer.alloc(1 << 20, 97 + (i % 26)).toString('latin1');
      kept.push(own(text.slice(100, 200)));
    }
    // 50 MB of messages would be held otherwise.
    const grown = used() - before;
    expect(kept.join('')).toHaveLength(50 * 100);
    expect(grown).toBeLessThan(40 * 1024 * 1024);
  });
});
