import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalAor } from '#protocol';
import {
  body,
  callId,
  contacts,
  cseq,
  DEFAULT_MESSAGE_LIMITS,
  expires,
  from,
  header,
  isRequest,
  type Message,
  maxForwards,
  parseUri,
  proxyRequires,
  relayRequest,
  relayResponse,
  requires,
  respond,
  routes,
  scan,
  to,
  topVia,
  utf8,
  vias,
} from '../../shim/core/sip/index.ts';
import { flow, T0, testElement } from '../support/element.ts';
import { RFC4475, tortureFile } from './rfc4475.ts';
import { fixture, message } from './support.ts';

const torture = (section: string, name: string) => fixture(`rfc4475/${tortureFile({ section, name })}`);

type Facts = (m: Message) => void;

/** Section, name, what is well about it. */
const VALID: [section: string, name: string, facts: Facts][] = [
  [
    '3.1.1.1',
    'wsinv',
    (m) => {
      expect(to(m)).toMatchObject({ uri: 'sip:vivekg@chair-dnrc.example.com', tag: '1918181833n' });
      expect(from(m)).toMatchObject({ display: 'J Rosenberg \\"', uri: 'sip:jdrosen@example.com', tag: '98asjd8' });
      expect(maxForwards(m)).toBe(68);
      expect(cseq(m)).toEqual({ number: 9, method: 'INVITE' });
      expect(vias(m)).toMatchObject([
        { protocol: 'SIP/2.0', transport: 'UDP', host: '192.0.2.2', branch: '390skdjuw' },
        { transport: 'TCP', host: 'spindle.example.com', branch: 'z9hG4bK9ikj8' },
        { transport: 'UDP', host: '192.168.255.111', branch: 'z9hG4bK30239' },
      ]);
      expect(header(m, 'subject')).toBe('');
      expect(header(m, 'newfangledheader')).toBe('newfangled value continued newfangled value');
      expect(header(m, 'unknownheaderwithunusualvalue')).toBe(';;,,;;,;');
      expect(routes(m)).toMatchObject([{ uri: 'sip:services.example.com;lr;unknownwith=value;unknown-no-value' }]);
      expect(contacts(m)).toMatchObject({
        contacts: [{ display: 'Quoted string ""', uri: 'sip:jdrosen@example.com', q: 0.33 }],
      });
      expect(body(m)).toHaveLength(150);
    },
  ],
  [
    '3.1.1.2',
    'intmeth',
    (m) => {
      expect(m.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
      expect(parseUri(m.uri)).toMatchObject({
        user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
        password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
        host: 'example.com',
      });
      expect(to(m)?.display).toBe('BEL:\x07 NUL:\x00 DEL:\x7f');
      expect(utf8(from(m)?.params.get("fromparam''~+*_!.-%") as string)).toBe('работающий');
      expect(from(m)).toMatchObject({ display: "token1~` token2'+_ token3*%!.-", tag: "_token~1'+`*%!-." });
      expect(callId(m)).toBe('intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
      expect(utf8(header(m, "extensionheader-!.%*+_`'~") as string)).toBe('\ufeff大停電');
    },
  ],
  [
    '3.1.1.3',
    'esc01',
    (m) => {
      expect(parseUri(m.uri)).toMatchObject({ scheme: 'sip', user: 'sips%3Auser%40example.com', host: 'example.net' });
      const list = contacts(m);
      const uri = list.ok ? parseUri(list.contacts[0]?.uri ?? '') : undefined;
      expect([...(uri?.params ?? [])]).toEqual([
        ['lr', true],
        ['name', 'v%61lue%25%34%31'],
      ]);
    },
  ],
  [
    '3.1.1.4',
    'escnull',
    (m) =>
      expect(contacts(m)).toMatchObject({
        contacts: [{ uri: 'sip:%00@host5.example.com' }, { uri: 'sip:%00%00@host5.example.com' }],
      }),
  ],
  [
    '3.1.1.5',
    'esc02',
    (m) => {
      expect(m.method).toBe('RE%47IST%45R');
      expect(to(m)?.display).toBe('%Z%45');
      const list = contacts(m);
      expect(list.ok && list.contacts.map((contact) => contact.uri)).toEqual([
        'sip:alias1@host1.example.com',
        'sip:alias3@host3.example.com',
      ]);
    },
  ],
  ['3.1.1.6', 'lwsdisp', (m) => expect(from(m)).toMatchObject({ display: 'caller', uri: 'sip:caller@example.com', tag: '323' })],
  [
    '3.1.1.7',
    'longreq',
    (m) => {
      expect(vias(m)).toHaveLength(34);
      expect(from(m)?.tag).toBe(`12${'982'.repeat(50)}424`);
      expect(topVia(m)).toMatchObject({ transport: 'TCP', host: 'sip33.example.com' });
    },
  ],
  [
    '3.1.1.8',
    'dblreq',
    (m) => {
      expect(m.method).toBe('REGISTER');
      expect(body(m)).toBe('');
      expect(m.text).not.toContain('INVITE');
    },
  ],
  [
    '3.1.1.9',
    'semiuri',
    (m) => expect(parseUri(m.uri)).toMatchObject({ user: 'user;par=u%40example.net', host: 'example.com', params: new Map() }),
  ],
  [
    '3.1.1.10',
    'transports',
    (m) => expect(vias(m)?.map((via) => via.transport)).toEqual(['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP']),
  ],
  ['3.1.1.11', 'mpart01', (m) => expect(body(m)).toHaveLength(553)],
  ['3.1.1.12', 'unreason', (m) => expect(utf8(m.reason)).toBe('= 2**3 * 5**2 но сто девяносто девять - простое')],
  ['3.1.1.13', 'noreason', (m) => expect([m.status, m.reason]).toEqual([100, ''])],
  // The Date of 3.1.2.12 is in a zone that is not GMT: for an element that does not use Date no reason to refuse.
  ['3.1.2.12', 'baddate', (m) => expect(header(m, 'date')).toContain('EST')],
  // "One might be liberal in what one accepts and ignore the whitespace."
  ['3.1.2.14', 'badaspec', (m) => expect(to(m)).toMatchObject({ display: 'Watson, Thomas', uri: 'sip:t.watson@example.org' })],
  ['3.2.1', 'badbranch', (m) => expect(topVia(m)?.branch).toBe('z9hG4bK')],
  ['3.3.2', 'unkscm', (m) => expect(parseUri(m.uri)?.scheme).toBe('nobodyknowsthisscheme')],
  ['3.3.3', 'novelsc', (m) => expect(parseUri(m.uri)).toMatchObject({ scheme: 'soap.beep', host: '' })],
  ['3.3.4', 'unksm2', (m) => expect([to(m)?.uri, from(m)?.uri]).toEqual(['isbn:2983792873', 'http://www.example.com'])],
  [
    '3.3.5',
    'bext01',
    (m) => {
      expect(requires(m)).toEqual(['nothingsupportsthis', 'nothingsupportsthiseither']);
      expect(proxyRequires(m)).toEqual(['noproxiessupportthis', 'nordoanyproxiessupportthis']);
    },
  ],
  ['3.3.6', 'invut', (m) => expect(header(m, 'content-type')).toBe('application/unknownformat')],
  ['3.3.7', 'regaut01', (m) => expect(header(m, 'authorization')).toBe('NoOneKnowsThisScheme opaque-data=here')],
  ['3.3.10', 'bcast', (m) => expect(vias(m)?.map((via) => via.host)).toEqual(['192.0.2.198', '255.255.255.255'])],
  ['3.3.11', 'zeromf', (m) => expect(maxForwards(m)).toBe(0)],
  [
    '3.3.12',
    'cparam01',
    (m) => {
      const list = contacts(m);
      expect(list.ok && list.contacts[0]).toMatchObject({ uri: 'sip:+19725552222@gw1.example.net' });
      expect(list.ok && list.contacts[0]?.params.get('unknownparam')).toBe(true);
    },
  ],
  [
    '3.3.13',
    'cparam02',
    (m) => expect(contacts(m)).toMatchObject({ contacts: [{ uri: 'sip:+19725552222@gw1.example.net;unknownparam' }] }),
  ],
  [
    '3.3.14',
    'regescrt',
    (m) => expect(contacts(m)).toMatchObject({ contacts: [{ uri: 'sip:user@example.com?Route=%3Csip:sip.example.com%3E' }] }),
  ],
  ['3.3.15', 'sdp01', (m) => expect(header(m, 'accept')).toBe('text/nobodyKnowsThis')],
  [
    '3.4.1',
    'inv2543',
    (m) => {
      expect(topVia(m)?.branch).toBeUndefined();
      expect(maxForwards(m)).toBeUndefined();
      expect(from(m)?.tag).toBeUndefined();
    },
  ],
  // The Contact needs brackets: a registrar refuses it (below), a proxy need not look.
  ['3.1.2.13', 'regbadct', (m) => expect(contacts(m)).toEqual({ ok: false, reason: 'Malformed Contact' })],
];

/** Section, name, the answer; `drop` where none is to be given. */
const REFUSED: [section: string, name: string, answer: number | 'drop', reason: string][] = [
  ['3.1.2.1', 'badinv01', 400, 'Malformed Via'],
  ['3.1.2.2', 'clerr', 400, 'Body shorter than Content-Length'],
  ['3.1.2.3', 'ncl', 400, 'Malformed Content-Length'],
  ['3.1.2.4', 'scalar02', 400, 'Malformed CSeq'],
  ['3.1.2.5', 'scalarlg', 'drop', 'Malformed CSeq'],
  ['3.1.2.6', 'quotbal', 400, 'Malformed To'],
  ['3.1.2.7', 'ltgtruri', 400, 'Malformed Request-URI'],
  ['3.1.2.8', 'lwsruri', 400, 'Malformed start line'],
  ['3.1.2.9', 'lwsstart', 400, 'Malformed start line'],
  ['3.1.2.10', 'trws', 400, 'Malformed start line'],
  ['3.1.2.11', 'escruri', 400, 'Header components in Request-URI'],
  ['3.1.2.15', 'baddn', 400, 'Malformed From'],
  ['3.1.2.16', 'badvers', 505, 'Version Not Supported'],
  ['3.1.2.17', 'mismatch01', 400, 'CSeq method does not match request method'],
  ['3.1.2.18', 'mismatch02', 400, 'CSeq method does not match request method'],
  ['3.1.2.19', 'bigcode', 'drop', 'Malformed start line'],
  ['3.3.1', 'insuf', 'drop', 'Missing From'],
  ['3.3.8', 'multi01', 400, 'Header field repeated that must be single'],
  ['3.3.9', 'mcl01', 400, 'Header field repeated that must be single'],
];

describe('RFC 4475 torture messages', () => {
  it('are all here, each in its file and in both tables', () => {
    const sections = [
      ...Array.from({ length: 13 }, (_, i) => `3.1.1.${i + 1}`),
      ...Array.from({ length: 19 }, (_, i) => `3.1.2.${i + 1}`),
      '3.2.1',
      ...Array.from({ length: 15 }, (_, i) => `3.3.${i + 1}`),
      '3.4.1',
    ];
    expect(RFC4475.map(({ section }) => section)).toEqual(sections);
    expect(RFC4475.map(tortureFile).sort()).toEqual(readdirSync(new URL('fixtures/rfc4475', import.meta.url)).sort());
    expect([...VALID, ...REFUSED].map(([section, name]) => tortureFile({ section, name })).sort()).toEqual(
      RFC4475.map(tortureFile).sort(),
    );
  });

  it.each(VALID)('%s %s is well-formed', (section, name, facts) => facts(message(torture(section, name))));

  it.each(VALID)('%s %s is relayed with its bytes kept', (section, name) => {
    const m = message(torture(section, name));
    if (isRequest(m)) {
      const out = relayRequest(m, { via: 'SIP/2.0/UDP shim.example.com;branch=z9hG4bKx' });
      const top = '\r\nVia: SIP/2.0/UDP shim.example.com;branch=z9hG4bKx\r\n';
      const added = header(m, 'content-length') === undefined ? `Content-Length: ${body(m).length}\r\n` : '';
      expect(out.replace(top, '\r\n').replace(added, '')).toBe(m.text);
      expect(vias(message(out))).toHaveLength((vias(m)?.length ?? 0) + 1);
    } else expect(m.text.endsWith(relayResponse(m).slice(relayResponse(m).indexOf('Call-ID')))).toBe(true);
  });

  it.each(REFUSED)('%s %s is refused: %s, %s', (section, name, answer, reason) => {
    const result = scan(torture(section, name), DEFAULT_MESSAGE_LIMITS, 'datagram');
    if (result.ok) expect.unreachable('it was taken for well-formed');
    expect(result.reason).toBe(reason);
    if (answer === 'drop') expect(result.message).toBeUndefined();
    else {
      expect(result.status).toBe(answer);
      const request = result.message as Message;
      const reply = respond(request, answer, reason, { toTag: 't', via: { received: '192.0.2.250' } });
      expect(reply.startsWith(`SIP/2.0 ${answer} ${reason}\r\nVia: SIP/`)).toBe(true);
      expect(reply).toContain(`\r\nCall-ID: ${callId(request)}\r\n`);
      expect(topVia(request)?.host).not.toBe('');
    }
  });

  it('3.1.2.4 takes an Expires beyond 2**32 - 1 for none', () => {
    const text = torture('3.1.2.4', 'scalar02')
      .replace('36893488147419103232', '1')
      .replace('Max-Forwards: 300', 'Max-Forwards: 70');
    expect(expires(message(text))).toBeUndefined();
    const list = contacts(message(text));
    expect(list.ok && list.contacts[0]?.expires).toBeUndefined();
  });
});

const DOMAINS = ['example.com', 'example.net', 'example.org', 'chair-dnrc.example.com', 'company.com', 'registrar.example.com'];
/** Who the messages are for, at 127.0.0.2, and who sends those with a Route that leads elsewhere, at 127.0.0.9. */
const HERE: [aor: string, host: number][] = [
  ...DOMAINS.map((domain): [string, number] => [`sip:user@${domain}`, 2]),
  ['sip:sips%3Auser%40example.com@example.net', 2],
  ["sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com", 2],
  ['sip:user;par=u%40example.net@example.com', 2],
  ['sip:UserB@example.com', 2],
  ['sip:jdrosen@example.com', 9],
  ['sip:fluffy@example.com', 9],
];

describe('RFC 4475 torture messages at the whole shim', () => {
  it.each(RFC4475)('$section $name: $done', (row) => {
    const shim = testElement({ domains: DOMAINS });
    const bindings = HERE.flatMap(([uri, host]) => {
      const aor = canonicalAor(uri);
      const own = { contact: `sip:here@127.0.0.${host}:5060`, callId: 'h', cseq: 1, q: 1, userAgent: '', params: '' };
      return aor === undefined ? [] : [{ ...own, aor, since: T0, expiresAt: T0 + 60_000, flow: flow(host) }];
    });
    expect(bindings).toHaveLength(HERE.length);
    shim.element.location.restore(bindings);
    const { sent, defects } = shim.receive(fixture(`rfc4475/${tortureFile(row)}`), flow(9));
    const lines = sent.map(({ text }) => text.slice(0, text.indexOf('\r\n')));
    expect(defects).toEqual([]);
    if (row.done === 'dropped') expect(lines).toEqual([]);
    else if (row.done === 'relayed') expect(lines.map((line) => /SIP\/2\.0$/.test(line))).toEqual([true]);
    else expect(lines).toEqual([`SIP/2.0 ${row.done}`]);
  });

  it('has a reason in the table wherever several ways are open', () => {
    for (const { asked, reason, section } of RFC4475) {
      if (/liberal|guess|ideally|acceptable/.test(asked)) expect(reason, section).toBeDefined();
    }
  });
});
