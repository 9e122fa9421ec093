import { describe, expect, it } from 'vitest';
import { header, headers, type Message, parseUri } from '../../shim/core/sip/index.ts';
import type { Flow } from '../../shim/core/transport.ts';
import { type Edge, edge, lines, PBX_FLOW } from '../registrar/edge.ts';
import { answerTo, flow, summary } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const TCP = flow(4, 41_000, 'tcp');

/** How the PBX sends to a telephone, by what it was given at REGISTER: Request-URI and Route. */
function toPhone(e: Edge, user: string, from: Flow): { uri: string; route: string[] } {
  const { asked } = e.register(user, from);
  const uri = /<([^>]+)>/.exec(header(asked, 'contact') ?? '')?.[1] ?? '';
  return { uri, route: headers(asked, 'path').map((path) => `Route: ${path}`) };
}

/** A request of the PBX's own leg: its Call-ID, its Contact. */
const ofPbx = (method: string, uri: string, more: { headers?: string[]; to?: string; callId?: string; from?: string } = {}) =>
  requestText(method, {
    ...{ uri, via: 'SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKpbx', callId: more.callId ?? 'leg-b' },
    ...{ from: more.from ?? '<sip:alice@example.com>;tag=p', to: more.to ?? '<sip:bob@example.com>' },
    headers: ['Contact: <sip:pbx@127.0.0.8:5080>', ...(more.headers ?? [])],
    body: method === 'INVITE' ? SDP : '',
  }).replace('z9hG4bKpbx', `z9hG4bKpbx${method}${more.callId ?? ''}${more.to?.includes('tag') ? 'in' : ''}`);

const users = (e: Edge) => e.element.presence.tracker.calls;

describe.each([
  ['by Path', {}],
  ['by a Contact written anew', { contactRewrite: true }],
])('RFC 3327 5.3 calls from the PBX to a telephone: %s', (_, placing) => {
  it('reach that telephone alone, which sees its own Contact', () => {
    const e = edge(placing);
    const bob = toPhone(e, 'bob', flow(3));
    const call = e.receive(ofPbx('INVITE', bob.uri, { headers: bob.route }), PBX_FLOW);
    expect(summary(call)).toEqual(['INVITE > 127.0.0.3:5060']);
    expect([call.messages[0]?.uri, lines(call, 'route')]).toEqual(['sip:bob@127.0.0.3:5060', []]);
  });

  it('reach it by the connection over which it registered', () => {
    const e = edge(placing);
    const bob = toPhone(e, 'bob', TCP);
    expect(e.receive(ofPbx('INVITE', bob.uri, { headers: bob.route }), PBX_FLOW).sent[0]?.target).toMatchObject({
      connection: 4,
    });
  });

  it.each(['NOTIFY', 'MESSAGE', 'OPTIONS'])('so does %s', (method) => {
    const e = edge(placing);
    const bob = toPhone(e, 'bob', flow(3));
    expect(summary(e.receive(ofPbx(method, bob.uri, { headers: bob.route }), PBX_FLOW))).toEqual([`${method} > 127.0.0.3:5060`]);
  });

  it('are those of the callee alone: whoever stands in From has called by a leg of his own', () => {
    const e = edge(placing);
    e.register('alice', flow(2));
    const bob = toPhone(e, 'bob', flow(3));
    e.told();
    const call = e.receive(ofPbx('INVITE', bob.uri, { headers: bob.route }), PBX_FLOW);
    e.receive(answerTo(call.messages[0] as Message, 200, { body: SDP }), flow(3));
    expect(e.told()).toEqual(['bob talking']);
  });

  it('find their way within the dialog in both directions, whatever the To of the PBX says', () => {
    const e = edge(placing);
    const bob = toPhone(e, 'bob', TCP);
    const invite = ofPbx('INVITE', bob.uri, { headers: bob.route, to: '<sip:42@127.0.0.8>' });
    const call = e.receive(invite, PBX_FLOW).messages[0] as Message;
    const ok = e.receive(answerTo(call, 200, { body: SDP, headers: [`Contact: <sip:bob-7@10.9.9.9:1>`] }), TCP);
    // The route sets of both sides (RFC 3261 12.1.1, 12.1.2): one reversed, one as it is.
    const recorded = lines(ok, 'record-route').flatMap((line) => line.split(', '));
    const bye = ofPbx('BYE', 'sip:bob-7@10.9.9.9:1', {
      to: '<sip:42@127.0.0.8>;tag=b',
      headers: recorded.toReversed().map((r) => `Route: ${r}`),
    });
    expect(e.receive(bye, PBX_FLOW).sent[0]?.target).toMatchObject({ transport: 'tcp', connection: 4 });
    const own = requestText('BYE', {
      uri: 'sip:pbx@127.0.0.8:5080',
      via: 'SIP/2.0/TCP 127.0.0.4:41000;branch=z9hG4bKown',
      ...{ from: '<sip:42@127.0.0.8>;tag=b', to: '<sip:alice@example.com>;tag=p', callId: 'leg-b' },
      headers: recorded.map((r) => `Route: ${r}`),
    });
    expect(summary(e.receive(own, TCP))).toEqual(['BYE > 127.0.0.8:5080']);
  });

  it('for a telephone that is not bound any more are answered 480, of one never heard of 404', () => {
    const e = edge({ ...placing, contactRewrite: true });
    const bob = toPhone(e, 'bob', flow(3));
    e.expire(3_600_000);
    expect(summary(e.receive(ofPbx('INVITE', bob.uri), PBX_FLOW))).toEqual(['480 > 127.0.0.8:5080']);
    const never = bob.uri.replace('bob', 'eve');
    expect(summary(e.receive(ofPbx('INVITE', never, { callId: 'x' }), PBX_FLOW))).toEqual(['404 > 127.0.0.8:5080']);
  });

  it('reach it after a restart: bindings are on disk, and the names of places mean the same', () => {
    const e = edge(placing);
    const bob = toPhone(e, 'bob', flow(3));
    const bindings = [...e.element.location.users()].flatMap((aor) => [...e.element.location.get(aor)]);
    const next = edge(placing);
    next.element.restore({ bindings, dialogs: [], outbox: [], known: [] }, next.at.now);
    expect(summary(next.receive(ofPbx('INVITE', bob.uri, { headers: bob.route }), PBX_FLOW))).toEqual([
      'INVITE > 127.0.0.3:5060',
    ]);
  });
});

describe('RFC 3261 16.5 calls of telephones at the edge of a PBX', () => {
  it('go to the PBX, also to a user who is registered through here', () => {
    const e = edge();
    e.register('alice', flow(2));
    e.register('bob', flow(3));
    e.told();
    const call = e.receive(requestText('INVITE', { body: SDP }), flow(2));
    expect(summary(call)).toEqual(['INVITE > 127.0.0.8:5080']);
    expect(call.messages[0]?.uri).toBe('sip:bob@example.com');
    e.receive(answerTo(call.messages[0] as Message, 200, { body: SDP }), PBX_FLOW);
    expect(e.told()).toEqual(['alice talking']);
  });

  it.each(['SUBSCRIBE', 'PUBLISH', 'MESSAGE', 'REFER'])('so does %s, from one not registered too: the PBX decides', (method) => {
    expect(summary(edge().receive(requestText(method), flow(66)))).toEqual([`${method} > 127.0.0.8:5080`]);
  });

  it('a back-to-back PBX makes two calls of two users: each is told of his own', () => {
    const e = edge();
    e.register('alice', flow(2));
    const bob = toPhone(e, 'bob', flow(3));
    e.told();
    const a = e.receive(requestText('INVITE', { body: SDP }), flow(2)).messages[0] as Message;
    const b = e.receive(ofPbx('INVITE', bob.uri, { headers: bob.route }), PBX_FLOW).messages[0] as Message;
    e.receive(answerTo(b, 200, { body: SDP }), flow(3));
    e.receive(answerTo(a, 200, { body: SDP, tag: 'pbx' }), PBX_FLOW);
    expect(e.told()).toEqual(['bob talking', 'alice talking']);
    const legs = ['call-1', 'leg-b'].flatMap((id) => users(e).withCallId(id));
    expect(legs.map((call) => call.legs.map((leg) => [leg.user, leg.direction, leg.peer.uri]))).toEqual([
      [['sip:alice@example.com', 'outgoing', 'sip:bob@example.com']],
      [['sip:bob@example.com', 'incoming', 'sip:alice@example.com']],
    ]);
  });

  it('a PBX that is a proxy leads one call through here twice, and back along both', () => {
    const e = edge();
    e.register('alice', flow(2));
    const bob = toPhone(e, 'bob', flow(3));
    e.told();
    const first = e.receive(requestText('INVITE', { body: SDP, headers: ['Contact: <sip:alice@127.0.0.2:5060>'] }), flow(2))
      .messages[0] as Message;
    const through = first.text
      .replace(/^INVITE \S+/, `INVITE ${bob.uri}`)
      .replace('\r\n', `\r\nVia: SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKproxy\r\n${bob.route.join('\r\n')}\r\n`);
    const second = e.receive(through, PBX_FLOW);
    expect(summary(second)).toEqual(['INVITE > 127.0.0.3:5060']);
    const ok = e.receive(answerTo(second.messages[0] as Message, 200, { body: SDP }), flow(3));
    expect(summary(ok)).toEqual(['200 > 127.0.0.8:5080']);
    expect(e.told()).toEqual(['bob talking']);
    // The proxy recorded no route of its own: alice's BYE comes along both of ours, and goes to bob at once.
    const routes = headers(second.messages[0] as Message, 'record-route')
      .toReversed()
      .map((value) => `Route: ${value}`);
    expect(routes).toHaveLength(2);
    const bye = requestText('BYE', { uri: bob.uri, to: '<sip:bob@example.com>;tag=b', headers: routes, cseq: 2 });
    expect(summary(e.receive(bye, flow(2)))).toEqual(['BYE > 127.0.0.3:5060']);
  });

  it('OPTIONS to the shim itself is answered here; the PBX may ask too', () => {
    const options = requestText('OPTIONS', { uri: 'sip:127.0.0.1:5060', to: '<sip:127.0.0.1:5060>' });
    expect(summary(edge().receive(options, flow(2)))).toEqual(['200 > 127.0.0.2:5060']);
    expect(summary(edge().receive(options, PBX_FLOW))).toEqual(['200 > 127.0.0.8:5060']);
  });

  it('a user of a domain served here who is called by the PBX by name is looked up here', () => {
    const e = edge();
    e.register('bob', flow(3));
    expect(summary(e.receive(ofPbx('INVITE', 'sip:bob@example.com'), PBX_FLOW))).toEqual(['INVITE > 127.0.0.3:5060']);
    expect(summary(e.receive(ofPbx('INVITE', 'sip:eve@example.com', { callId: 'x' }), PBX_FLOW))).toEqual([
      '404 > 127.0.0.8:5080',
    ]);
  });

  it('nobody but the PBX reaches a telephone by the name of its place', () => {
    const e = edge();
    const bob = toPhone(e, 'bob', flow(3));
    const text = ofPbx('INVITE', bob.uri, { headers: bob.route });
    expect(summary(e.receive(text, flow(66)))).toEqual(['INVITE > 127.0.0.8:5080']);
  });

  it('RFC 3261 16.7 step 6: a 503 of the PBX is passed on, as there is no other', () => {
    const e = edge();
    const call = e.receive(requestText('INVITE', { body: SDP }), flow(2));
    const back = e.receive(answerTo(call.messages[0] as Message, 503), PBX_FLOW);
    expect(summary(back).at(-1)).toBe('503 > 127.0.0.2:5060');
  });

  it('the PBX on the machine of its telephones is told from them by its port', () => {
    const here = (port: number): Flow => ({
      transport: 'udp',
      local: { address: '127.0.0.1', port: 5060 },
      remote: { address: '127.0.0.8', port },
    });
    const e = edge();
    const bob = toPhone(e, 'bob', here(6002));
    const unknown = requestText('INVITE', { callId: 'early' });
    expect(summary(e.receive(unknown, here(6001)))).toEqual(['INVITE > 127.0.0.8:5080']);
    e.register('alice', here(6001));
    e.told();
    const a = e.receive(requestText('INVITE', { body: SDP }), here(6001));
    expect(summary(a)).toEqual(['INVITE > 127.0.0.8:5080']);
    const b = e.receive(ofPbx('INVITE', bob.uri, { headers: bob.route }), PBX_FLOW);
    expect(summary(b)).toEqual(['INVITE > 127.0.0.8:6002']);
    e.receive(answerTo(b.messages[0] as Message, 200, { body: SDP }), here(6002));
    e.receive(answerTo(a.messages[0] as Message, 200, { body: SDP }), PBX_FLOW);
    expect(e.told()).toEqual(['bob talking', 'alice talking']);
    expect(parseUri(bob.uri)?.port).toBe(6002);
  });
});
