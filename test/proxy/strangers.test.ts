import { describe, expect, it } from 'vitest';
import { answerTo, flow, summary, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const UPSTREAM = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;
const OWN = 'Route: <sip:127.0.0.1:5060;lr>';
const FAR = 'sip:victim@203.0.113.9';
const STRANGER = flow(66);

function office(otherwise: Parameters<typeof testElement>[0] = {}) {
  const shim = testElement(otherwise);
  shim.register('alice', flow(2));
  shim.register('bob', flow(3));
  return shim;
}

const within = (method: string, more: { callId?: string; uri?: string; from?: string; to?: string; route?: string } = {}) =>
  requestText(method, {
    uri: more.uri ?? FAR,
    from: more.from ?? '<sip:mallory@elsewhere.example>;tag=m',
    to: more.to ?? '<sip:victim@elsewhere.example>;tag=v',
    callId: more.callId ?? 'made-up',
    headers: [OWN, ...(more.route ? [`Route: ${more.route}`] : [])],
  });

describe('RFC 3261 26.3.1 a request that says it is of a dialog set up through here', () => {
  it.each(['BYE', 'INFO', 'INVITE', 'MESSAGE'])('%s by a stranger of an unknown one goes nowhere: 481', (method) => {
    const shim = office({ upstream: UPSTREAM });
    expect(summary(shim.receive(within(method), STRANGER))).toEqual(['481 > 127.0.0.66:5060']);
    expect(summary(shim.receive(within(method, { route: '<sip:203.0.113.9;lr>' }), STRANGER))).toEqual(['481 > 127.0.0.66:5060']);
  });

  it('its ACK goes nowhere either', () => {
    expect(summary(office().receive(within('ACK'), STRANGER))).toEqual([]);
  });

  it('of a stranger reaches a telephone that is registered here: that is no way for others', () => {
    const request = within('NOTIFY', { uri: 'sip:bob@127.0.0.3:5060', to: '<sip:bob@example.com>;tag=b' });
    expect(summary(office().receive(request, STRANGER))).toEqual(['NOTIFY > 127.0.0.3:5060']);
  });

  it('of a stranger who is in a call that is followed goes to its peer', () => {
    const shim = office();
    const from = '<sip:carol@elsewhere.example>;tag=c';
    const [invite] = shim.receive(requestText('INVITE', { from, callId: 'known', body: SDP }), STRANGER).messages;
    if (invite === undefined) throw new Error('nothing was sent');
    shim.receive(answerTo(invite, 200, { body: SDP }), flow(3));
    // Bob's telephone has moved: its Contact is no longer the one that it registered.
    const bye = within('BYE', { callId: 'known', from, to: '<sip:bob@example.com>;tag=b', uri: 'sip:bob@127.0.0.33:5060' });
    expect(summary(shim.receive(bye, STRANGER))).toEqual(['BYE > 127.0.0.33:5060']);
  });

  it.each([
    ['a user registered here', { from: '<sip:alice@example.com>;tag=a' }, flow(2), {}],
    ['a trusted peer', {}, flow(66), { trustedPeers: ['127.0.0.64/28'] }],
    ['the next hop', {}, flow(8, 49_152), {}],
  ])('of %s goes to its peer, also where the dialog was lost', (_, more, from, placing) => {
    expect(summary(office({ upstream: UPSTREAM, placing }).receive(within('BYE', more), from))).toEqual([
      'BYE > 203.0.113.9:5060',
    ]);
  });
});

describe('RFC 3261 16.3 who may relay through here, where trusted peers are named', () => {
  const closed = () => office({ upstream: UPSTREAM, placing: { trustedPeers: ['127.0.0.7'] } });
  const far = requestText('INVITE', { uri: 'sip:x@far.example', from: '<sip:carol@elsewhere.example>;tag=c', callId: 'far' });
  const near = requestText('INVITE', { from: '<sip:carol@elsewhere.example>;tag=c', callId: 'near' });

  it('strangers call users here, and nobody else', () => {
    expect(summary(closed().receive(near, STRANGER))).toEqual(['INVITE > 127.0.0.3:5060']);
    expect(summary(closed().receive(far, STRANGER))).toEqual(['403 > 127.0.0.66:5060']);
  });

  it('and get to no next hop by a Route either', () => {
    const routed = requestText('INVITE', {
      ...{ uri: 'sip:0900@example.com', from: '<sip:carol@elsewhere.example>;tag=c', callId: 'routed' },
      headers: ['Route: <sip:127.0.0.8:5080;lr>'],
    });
    expect(summary(closed().receive(routed, STRANGER))).toEqual(['403 > 127.0.0.66:5060']);
    expect(summary(closed().receive(routed, flow(7)))).toEqual(['INVITE > 127.0.0.8:5080']);
  });

  it('peers and next hops relay, whatever stands in From; users of this place too', () => {
    expect(summary(closed().receive(far, flow(7)))).toEqual(['INVITE > 127.0.0.8:5080']);
    const own = requestText('INVITE', { uri: 'sip:x@far.example', callId: 'own' });
    expect(summary(closed().receive(own, flow(2)))).toEqual(['INVITE > 127.0.0.8:5080']);
    expect(summary(closed().receive(own.replaceAll('own', 'own2'), STRANGER))).toEqual(['403 > 127.0.0.66:5060']);
  });
});

describe('RFC 3261 16.5 next hops of single domains', () => {
  const route = { transport: 'udp', host: '127.0.0.9', port: 5090 } as const;
  const shim = () => office({ upstream: UPSTREAM, placing: { routes: new Map([['far.example', route]]) } });

  it.each([
    ['sip:x@far.example', '127.0.0.9:5090'],
    ['sip:x@FAR.example:5070', '127.0.0.9:5090'],
    ['sip:x@other.example', '127.0.0.8:5080'],
    ['tel:+4940', '127.0.0.8:5080'],
  ])('%s goes to %s', (uri, hop) =>
    expect(summary(shim().receive(requestText('INVITE', { uri }), flow(2)))).toEqual([`INVITE > ${hop}`]),
  );

  it('may be named in a Route by anybody', () => {
    const text = requestText('INVITE', { uri: 'sip:x@far.example', headers: ['Route: <sip:127.0.0.9:5090;lr>'] });
    expect(summary(shim().receive(text, STRANGER))).toEqual(['INVITE > 127.0.0.9:5090']);
  });
});

describe('RFC 3966 and RFC 3261 19.1.6 numbers and aliases of users', () => {
  const placing = {
    aliases: new Map([['old.example', 'example.com']]),
    numbers: [
      { number: '+49301234', prefix: false, user: 'bob', domain: 'example.com' },
      { number: '+49305', prefix: true, user: '*', domain: 'example.com' },
    ],
  };
  const shim = () => office({ domains: ['example.com', 'old.example'], placing });

  it.each(['tel:+49-30-1234', 'sip:+49301234@example.com;user=phone', 'sip:bob@old.example', 'sip:+49(30)1234@old.example'])(
    '%s is bob, in routing and in what is reported',
    (uri) => {
      const office = shim();
      office.told();
      const call = office.receive(
        requestText('INVITE', { uri, to: `<${uri}>`, from: '<sip:alice@old.example>;tag=a', body: SDP }),
        flow(2),
      );
      expect(summary(call)).toEqual(['INVITE > 127.0.0.3:5060']);
      office.receive(answerTo(call.messages[0] as never, 200, { body: SDP }), flow(3));
      expect(office.told().toSorted()).toEqual(['alice talking', 'bob talking']);
      expect(office.element.presence.tracker.calls.size).toBe(1);
    },
  );

  it('a telephone that registers by its number or under an alias is its user’s', () => {
    const office = shim();
    const register = (to: string, callId: string) =>
      requestText('REGISTER', {
        uri: 'sip:old.example',
        from: `<${to}>;tag=r`,
        to: `<${to}>`,
        callId,
        headers: ['Contact: <sip:x@127.0.0.5>'],
      });
    expect(summary(office.receive(register('sip:+49301234@old.example', 'r1'), flow(5)))).toEqual([
      '200 > 127.0.0.2:5060'.replace('.2:', '.5:'),
    ]);
    expect(office.element.location.get('sip:bob@example.com')).toHaveLength(2);
    office.receive(register('sip:carol@old.example', 'r2'), flow(5));
    expect(office.element.location.get('sip:carol@example.com')).toHaveLength(1);
  });

  it('a number of nobody here is unknown; a foreign number is none of ours', () => {
    expect(summary(shim().receive(requestText('INVITE', { uri: 'tel:+493059' }), flow(2)))).toEqual(['404 > 127.0.0.2:5060']);
    expect(summary(shim().receive(requestText('INVITE', { uri: 'sip:+49301234@far.example' }), flow(2)))).toEqual([
      '403 > 127.0.0.2:5060',
    ]);
  });
});
