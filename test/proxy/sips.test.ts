import { describe, expect, it } from 'vitest';
import { ALONE, Placing } from '../../shim/core/placing/placing.ts';
import { sipUriOf } from '../../shim/core/proxy/sips.ts';
import { targetOf } from '../../shim/core/proxy/target.ts';
import type { Binding } from '../../shim/core/registrar/binding.ts';
import { senderOf } from '../../shim/core/registrar/sender.ts';
import { header, headers, parseUri, type SipUri } from '../../shim/core/sip/index.ts';
import type { Flow, ListenPoint } from '../../shim/core/transport.ts';
import { answerTo, flow, SHIM, summary, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP, scanned } from '../support/sip-text.ts';

const TLS: ListenPoint = { transport: 'tls', address: SHIM.address, port: 5061 };
const WSS: ListenPoint = { transport: 'wss', address: SHIM.address, port: 8443 };

const over = (transport: Flow['transport'], host: number): Flow => flow(host, 41_000 + host, transport);

function register(shim: TestElement, user: string, contact: string, from: Flow): void {
  const text = requestText('REGISTER', {
    uri: 'sips:example.com',
    via: `SIP/2.0/${from.transport.toUpperCase()} ${from.remote.address};branch=z9hG4bK${user}${contact.length}`,
    from: `<sips:${user}@example.com>;tag=r`,
    to: `<sips:${user}@example.com>`,
    callId: user,
    headers: [`Contact: <${contact}>`],
  });
  expect(summary(shim.receive(text, from))[0]).toMatch(/^200/);
}

/** alice and bob over TLS with SIPS contacts; carol over UDP, in clear. */
function office(otherwise: Parameters<typeof testElement>[0] = {}): TestElement {
  const shim = testElement({ further: [TLS, WSS], ...otherwise });
  register(shim, 'alice', 'sips:alice@127.0.0.2:5061', over('tls', 2));
  register(shim, 'bob', 'sips:bob@127.0.0.3:5061', over('tls', 3));
  shim.register('carol', flow(4));
  return shim;
}

const invite = (user: string, scheme = 'sips') =>
  requestText('INVITE', {
    uri: `${scheme}:${user}@example.com`,
    via: 'SIP/2.0/TLS 127.0.0.2:5061;branch=z9hG4bKinvite',
    from: `<${scheme}:alice@example.com>;tag=a`,
    to: `<${scheme}:${user}@example.com>`,
    body: SDP,
  });

describe('RFC 3261 26.2.2 sips', () => {
  it('goes over TLS, with a SIPS Record-Route and a Via that says so (16.6 step 4)', () => {
    const { sent, messages } = office().receive(invite('bob'), over('tls', 2));
    expect(sent[0]?.target).toMatchObject({ transport: 'tls', connection: 3 });
    expect(messages[0]?.uri).toBe('sips:bob@127.0.0.3:5061');
    expect(header(messages[0] as never, 'via')).toMatch(/^SIP\/2\.0\/TLS 127\.0\.0\.1:5061;/);
    expect(headers(messages[0] as never, 'record-route')).toEqual(['<sips:127.0.0.1:5061;lr>']);
  });

  it('the dialog comes back by that Record-Route, over TLS again', () => {
    const shim = office();
    const { sent, messages } = shim.receive(invite('bob'), over('tls', 2));
    expect(sent).toHaveLength(1);
    const ok = answerTo(messages[0] as never, 200, { headers: ['Contact: <sips:bob@127.0.0.3:5061>'], body: SDP });
    shim.receive(ok, over('tls', 3));
    const bye = requestText('BYE', {
      uri: 'sips:bob@127.0.0.3:5061',
      via: 'SIP/2.0/TLS 127.0.0.2:5061;branch=z9hG4bKbye',
      to: '<sips:bob@example.com>;tag=b',
      cseq: 2,
      headers: ['Route: <sips:127.0.0.1:5061;lr>'],
    });
    expect(shim.receive(bye, over('tls', 2)).sent.map((s) => s.target)).toMatchObject([{ transport: 'tls', connection: 3 }]);
  });

  it.each([
    ['a telephone registered in clear', 'carol', {}],
    ['an upstream in clear', '100', { upstream: { transport: 'udp', host: '127.0.0.8', port: 5080 } as const }],
  ])('RFC 5630 5.3: is never sent in clear: 480 for %s', (_, user, otherwise) => {
    const { messages } = office(otherwise).receive(invite(user), over('tls', 2));
    expect(messages.map((m) => [m.status, header(m, 'warning')])).toEqual([[480, '380 offhook "SIPS Not Allowed"']]);
  });

  it('goes to an upstream over TLS', () => {
    const upstream = { transport: 'tls', host: 'pbx.example', port: 5061 } as const;
    const { sent, messages } = office({ upstream }).receive(invite('100'), over('tls', 2));
    expect(sent[0]?.target).toMatchObject(upstream);
    expect(messages[0]?.uri).toBe('sips:100@example.com');
  });

  it('RFC 5630 5.3: a telephone with a SIPS contact is called by sip: too, and then by a SIP URI', () => {
    const { sent, messages } = office().receive(invite('bob', 'sip'), flow(4));
    expect(sent[0]?.target).toMatchObject({ transport: 'tls', connection: 3 });
    expect(messages[0]?.uri).toBe('sip:bob@127.0.0.3:5061;transport=tls');
    expect(headers(messages[0] as never, 'record-route')).toEqual([
      '<sip:127.0.0.1:5061;transport=tls;lr>, <sip:127.0.0.1:5060;lr>',
    ]);
  });

  const target = (uri: string) => targetOf(parseUri(uri) as SipUri);

  it.each([
    ['sips:a@h.example', { transport: 'tls', host: 'h.example', port: 5061, named: true, open: true }],
    ['sips:a@h.example;transport=tcp', { transport: 'tls', host: 'h.example', port: 5061, named: true }],
    ['sips:a@h.example;transport=ws', { transport: 'wss', host: 'h.example', port: 443, named: true }],
    ['sips:a@h.example:5071', { transport: 'tls', host: 'h.example', port: 5071 }],
    ['sip:a@h.example;transport=TLS', { transport: 'tls', host: 'h.example', port: 5061, named: true }],
    ['sip:a@h.example;transport=ws', { transport: 'ws', host: 'h.example', port: 80, named: true }],
    ['sip:a@[2001:db8::1]', { transport: 'udp', host: '2001:db8::1', port: 5060 }],
  ])('RFC 3261 19.1.2: %s names its transport and port', (uri, expected) => {
    expect(target(uri)).toEqual(expected);
  });

  it.each(['sips:a@h.example;transport=udp', 'sip:a@h.example;transport=sctp', 'sip:a@h.example;transport', 'tel:100'])(
    'RFC 3261 26.2.2: %s has no transport here',
    (uri) => expect(target(uri)).toBeUndefined(),
  );

  it.each([
    ['sips:a@h', 'sip:a@h;transport=tls'],
    ['sips:a@h;x=y?subject=z', 'sip:a@h;x=y;transport=tls?subject=z'],
    ['sips:a@h;transport=ws', 'sip:a@h;transport=ws'],
  ])('RFC 5630 5.3: %s is %s by SIP', (sips, sip) => expect(sipUriOf(sips)).toBe(sip));
});

describe('RFC 7118 5 browser telephones behind the proxy', () => {
  const contact = 'sip:erin@df7jal23ls0d.invalid;transport=ws';

  function withBrowser(transport: 'ws' | 'wss' = 'wss') {
    const shim = office({ further: [TLS, WSS, { transport: 'ws', address: SHIM.address, port: 8080 }] });
    register(shim, 'erin', contact, over(transport, 5));
    return shim;
  }

  it.each(['ws', 'wss'] as const)('are called over %s by their connection, whatever their Contact says', (transport) => {
    const { sent, messages } = withBrowser(transport).receive(invite('erin', 'sip'), flow(4));
    expect(sent[0]?.target).toMatchObject({ transport, connection: 5 });
    expect(messages[0]?.uri).toBe(contact);
    expect(header(messages[0] as never, 'via')).toMatch(new RegExp(`^SIP/2\\.0/${transport.toUpperCase()} 127\\.0\\.0\\.1:`));
    const port = transport === 'ws' ? 8080 : 8443;
    expect(headers(messages[0] as never, 'record-route')).toEqual([
      `<sip:127.0.0.1:${port};transport=ws;lr>, <sip:127.0.0.1:5060;lr>`,
    ]);
  });

  it('are reached within a dialog by their connection', () => {
    const bye = requestText('BYE', {
      uri: contact,
      to: '<sip:erin@example.com>;tag=e',
      headers: ['Route: <sip:127.0.0.1:5060;lr>, <sip:127.0.0.1:8443;transport=ws;lr>'],
    });
    const { sent } = withBrowser().receive(bye, flow(4));
    expect(sent.map((s) => s.target)).toMatchObject([{ transport: 'wss', connection: 5 }]);
  });

  it('may leave Content-Length away, as each frame is one message; it is there behind the proxy (16.6 step 9)', () => {
    const text = invite('carol', 'sip')
      .replace('alice@', 'erin@')
      .replace(/Content-Length: \d+\r\n/, '');
    const { messages } = withBrowser().receive(text, over('wss', 5));
    expect(messages.map((m) => [m.method, header(m, 'content-length')])).toEqual([['INVITE', String(SDP.length)]]);
  });

  it('are known by their connection, as a web server before the shim gives all of them one address', () => {
    const m = scanned(invite('carol', 'sip').replace('alice@', 'erin@'));
    const { naming } = new Placing(ALONE, undefined, ['example.com']);
    const sender = (registered: Flow, from: Flow) =>
      senderOf(m, from, () => [{ aor: 'sip:erin@example.com', contact, flow: registered } as Binding], naming);
    const other = { ...over('wss', 5), connection: 6 };
    expect(sender(over('wss', 5), over('wss', 5))).toBe('sip:erin@example.com');
    expect(sender(over('wss', 5), other)).toBeUndefined();
    expect(sender(over('tcp', 5), { ...over('tcp', 5), connection: 6 })).toBe('sip:erin@example.com');
  });

  it('are no trusted peers, though the PBX runs on the same machine as the web server before the shim', () => {
    const upstream = { transport: 'udp', host: '127.0.0.5', port: 5080 } as const;
    const placing = new Placing(ALONE, upstream, ['example.com']);
    expect([over('udp', 5), over('tls', 5), over('ws', 5), over('wss', 5)].map((one) => placing.isTrusted(one))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('get their answers by their connection', () => {
    const { sent, messages } = withBrowser().receive(invite('nobody', 'sip'), over('wss', 5));
    expect(messages[0]?.status).toBe(404);
    expect(sent[0]?.target).toMatchObject({ transport: 'wss', connection: 5 });
  });
});
