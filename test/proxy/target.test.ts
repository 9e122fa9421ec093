import { describe, expect, it } from 'vitest';
import { Self } from '../../shim/core/proxy/self.ts';
import { header, headers, parseUri, type SipUri } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { answerTo, flow, SHIM, summary, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const UPSTREAM = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;
const OWN_ROUTE = 'Route: <sip:127.0.0.1:5060;lr>';

function office(otherwise: Parameters<typeof testElement>[0] = {}) {
  const shim = testElement(otherwise);
  shim.register('alice', flow(2));
  shim.register('bob', flow(3));
  return shim;
}

/** Registers over TCP with a Contact that does not say so, as many phones do. */
function registerTcp(shim: TestElement, user: string, from: Flow): string {
  const contact = `sip:${user}@${from.remote.address}:5060`;
  const text = requestText('REGISTER', {
    uri: 'sip:example.com',
    via: `SIP/2.0/TCP ${from.remote.address}:5060;branch=z9hG4bK${user}`,
    from: `<sip:${user}@example.com>;tag=r`,
    to: `<sip:${user}@example.com>`,
    callId: user,
    headers: [`Contact: <${contact}>`],
  });
  expect(summary(shim.receive(text, from))[0]).toMatch(/^200/);
  return contact;
}

describe('RFC 3261 16.5 what is for nobody here', () => {
  const dialled = { uri: 'sip:100@example.com', to: '<sip:100@example.com>', body: SDP };

  it('a number that a user dials in the own domain goes to the upstream', () => {
    const shim = office({ upstream: UPSTREAM });
    expect(summary(shim.receive(requestText('INVITE', dialled), flow(2)))).toEqual(['INVITE > 127.0.0.8:5080']);
  });

  it('is answered 404 where the upstream itself sends it, or a stranger', () => {
    const shim = office({ upstream: UPSTREAM });
    expect(summary(shim.receive(requestText('INVITE', dialled), flow(8, 5080)))).toEqual(['404 > 127.0.0.8:5060']);
    expect(summary(shim.receive(requestText('INVITE', dialled), flow(66)))).toEqual(['404 > 127.0.0.66:5060']);
  });

  it('is answered 404 where there is no upstream', () => {
    expect(summary(office().receive(requestText('INVITE', dialled), flow(2)))).toEqual(['404 > 127.0.0.2:5060']);
  });

  it('a user who was here is away, with an upstream too', () => {
    const shim = office({ upstream: UPSTREAM });
    shim.register('bob', flow(3), 0);
    expect(summary(shim.receive(requestText('INVITE'), flow(2)))).toEqual(['480 > 127.0.0.2:5060']);
  });
});

describe('RFC 3261 16.6 a Route that leads elsewhere', () => {
  const elsewhere = ['Route: <sip:203.0.113.9;lr>'];

  it('is followed for users registered here, and to the upstream for anybody', () => {
    const shim = office({ upstream: UPSTREAM });
    const own = requestText('INVITE', { callId: 'own', headers: elsewhere });
    expect(summary(shim.receive(own, flow(2)))).toEqual(['INVITE > 203.0.113.9:5060']);
    const up = requestText('INVITE', { callId: 'up', headers: ['Route: <sip:127.0.0.8:5080;lr>'] });
    expect(summary(shim.receive(up, flow(66)))).toEqual(['INVITE > 127.0.0.8:5080']);
  });

  it('is answered 403 for strangers, also behind a Route of our own', () => {
    for (const headers of [elsewhere, [OWN_ROUTE, ...elsewhere]]) {
      const text = requestText('INVITE', { uri: 'sip:victim@203.0.113.9', headers });
      expect(summary(office().receive(text, flow(66)))).toEqual(['403 > 127.0.0.66:5060']);
    }
  });

  it('is followed for strangers within a dialog that was set up through here, where it is on its way', () => {
    const shim = office();
    const sent = shim.receive(requestText('INVITE'), flow(66)).messages.find((m) => m.method === 'INVITE' && m.status === 0);
    if (sent === undefined) throw new Error('nothing was sent');
    const recorded = elsewhere.map((line) => `Record-${line}`);
    shim.receive(answerTo(sent, 200, { headers: recorded }), flow(3));
    const text = requestText('BYE', { to: '<sip:bob@example.com>;tag=b', headers: [OWN_ROUTE, ...elsewhere] });
    expect(summary(shim.receive(text, flow(66)))).toEqual(['BYE > 203.0.113.9:5060']);
  });
});

describe('RFC 3261 16.4 a Route that names this element', () => {
  it('outside of a dialog takes nothing past the rules for strangers', () => {
    const text = requestText('INVITE', { uri: 'sip:victim@203.0.113.9', headers: [OWN_ROUTE] });
    expect(summary(office().receive(text, flow(66)))).toEqual(['403 > 127.0.0.66:5060']);
  });

  it('outside of a dialog, as phones with an outbound proxy put it there, changes nothing', () => {
    const shim = office({ upstream: UPSTREAM });
    const far = requestText('INVITE', { uri: 'sip:x@elsewhere.example', callId: 'far', headers: [OWN_ROUTE] });
    expect(summary(shim.receive(far, flow(2)))).toEqual(['INVITE > 127.0.0.8:5080']);
    const near = requestText('INVITE', { callId: 'near', headers: [OWN_ROUTE] });
    expect(summary(shim.receive(near, flow(2)))).toEqual(['INVITE > 127.0.0.3:5060']);
  });

  it('may name any address behind a wildcard address', () => {
    const self = new Self([{ transport: 'udp', address: '10.0.0.1', port: 5060 }], ['example.com'], ['192.168.0.1', 'fd00::1']);
    const is = (uri: string) => self.isSelf(parseUri(uri) as SipUri);
    expect(['sip:192.168.0.1:5060;lr', 'sip:192.168.0.1;lr', 'sip:[fd00::1]:5060;lr'].map(is)).toEqual([true, true, true]);
    expect(['sip:192.168.0.1:5070;lr', 'sip:192.168.0.2;lr'].map(is)).toEqual([false, false]);
  });
});

describe('RFC 3261 12.2.1.1 requests within a dialog', () => {
  const bye = (uri: string, user: string) =>
    requestText('BYE', { uri, to: `<sip:${user}@example.com>;tag=x`, callId: `bye-${uri}`, headers: [OWN_ROUTE] });

  it('reach a phone that registered over a connection by that connection', () => {
    const shim = office();
    const contact = registerTcp(shim, 'carol', flow(4, 41_000, 'tcp'));
    const { sent } = shim.receive(bye(contact, 'carol'), flow(2));
    expect(sent.map((s) => s.target)).toMatchObject([{ transport: 'tcp', connection: 4 }]);
  });

  it('reach a peer who is registered nowhere by the Contact', () => {
    expect(summary(office().receive(bye('sip:x@127.0.0.77:5099', 'x'), flow(2)))).toEqual(['BYE > 127.0.0.77:5099']);
  });

  it('reach a peer on the host that is also a domain, whose Contact names no port', () => {
    const shim = testElement({ domains: ['127.0.0.9'], placing: { trustedPeers: ['127.0.0.2'] } });
    expect(summary(shim.receive(bye('sip:asterisk@127.0.0.9', '100'), flow(2)))).toEqual(['BYE > 127.0.0.9:5060']);
  });

  it('reach a peer whose Contact is an address of record where that is registered', () => {
    const shim = office();
    expect(summary(shim.receive(bye('sip:bob@example.com', 'bob'), flow(2)))).toEqual(['BYE > 127.0.0.3:5060']);
  });
});

describe('RFC 3261 18.1.1 the address that a request is sent from', () => {
  const NEAR = { address: '10.0.0.1', port: 5060 };
  const FAR = { address: '192.168.0.1', port: 5060 };
  const at = (local: typeof NEAR, address: string): Flow => ({ transport: 'udp', local, remote: { address, port: 5060 } });
  const alice = at(NEAR, '10.0.0.9');
  const bob = at(FAR, '192.168.0.9');

  function twoHomes() {
    const shim = testElement({ points: [NEAR, FAR] });
    shim.register('alice', alice);
    shim.register('bob', bob);
    return shim;
  }

  it('is that at which the phone registered, with one Record-Route a side', () => {
    const { sent, messages } = twoHomes().receive(requestText('INVITE', { body: SDP }), alice);
    expect(sent.map((s) => s.target)).toMatchObject([{ host: '192.168.0.9', local: FAR }]);
    expect(messages.map((m) => header(m, 'via'))).toEqual([expect.stringContaining('192.168.0.1:5060')]);
    expect(messages.map((m) => header(m, 'record-route'))).toEqual(['<sip:192.168.0.1:5060;lr>, <sip:10.0.0.1:5060;lr>']);
  });

  it('RFC 5658: is that which the last of our Record-Route values names, within a dialog', () => {
    const text = requestText('BYE', {
      uri: 'sip:x@192.168.0.77:5060',
      to: '<sip:x@far.example>;tag=x',
      headers: ['Route: <sip:10.0.0.1:5060;lr>, <sip:192.168.0.1:5060;lr>'],
    });
    const { sent, messages } = twoHomes().receive(text, alice);
    expect(sent.map((s) => s.target)).toMatchObject([{ host: '192.168.0.77', local: FAR }]);
    expect(messages.map((m) => headers(m, 'route'))).toEqual([[]]);
  });

  it('is no loopback address toward another machine, though the caller is on this one', () => {
    const points = ['127.0.0.1', '192.0.2.10'].map((address) => ({ transport: 'udp' as const, address, port: 5060 }));
    const self = new Self(points, []);
    const from = (local: string, host: string) =>
      self.pointFor({ transport: 'udp', host, port: 5060 }, at({ address: local, port: 5060 }, '127.0.0.9'))?.address;
    expect(from('127.0.0.1', '192.0.2.20')).toBe('192.0.2.10');
    expect(from('127.0.0.1', 'pbx.example')).toBe('192.0.2.10');
    expect(from('127.0.0.1', '127.0.0.8')).toBe('127.0.0.1');
    expect(from('192.0.2.10', '127.0.0.8')).toBe('127.0.0.1');
  });

  it('is of IPv6 where nothing else is had, for a name too', () => {
    const self = new Self([{ transport: 'udp', address: '::1', port: 5060 }], []);
    const from = at(SHIM, '::1');
    expect(self.pointFor({ transport: 'udp', host: 'pbx.example', port: 5060 }, from)?.address).toBe('::1');
    expect(self.pointFor({ transport: 'udp', host: '192.0.2.1', port: 5060 }, from)).toBeUndefined();
  });
});
