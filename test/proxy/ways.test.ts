import { describe, expect, it } from 'vitest';
import { headers, type Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, type Otherwise, summary, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const OWN = 'Route: <sip:127.0.0.1:5060;lr>';
const CAROL = '<sip:carol@elsewhere.example>;tag=c';
const BOB = '<sip:bob@example.com>;tag=b';
const STRANGER = flow(66);
/** The proxies on carol's and on bob's side, and somebody who has nothing to do with it all. */
const [NEAR, FAR, VICTIM] = ['<sip:127.0.0.67:5067;lr>', '<sip:127.0.0.40:5070;lr>', '<sip:203.0.113.9;lr>'];
const CONTACT = 'sip:bob@127.0.0.3:5060';

/** carol, of elsewhere, has called bob, whose telephone and hers stand behind proxies of their own. */
function call(more: { far?: string; status?: number; require?: string; otherwise?: Otherwise } = {}) {
  const shim = testElement(more.otherwise);
  shim.register('bob', flow(3), 60);
  const invite = requestText('INVITE', {
    ...{ from: CAROL, callId: 'known', body: SDP },
    headers: [`Record-Route: ${NEAR}`, 'Contact: <sip:carol@127.0.0.66:5060>'],
  });
  const sent = shim.receive(invite, STRANGER).messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;
  const headers = [`Contact: <${CONTACT}>`, ...(more.require ? [`Require: ${more.require}`, 'RSeq: 1'] : [])];
  const answer = answerTo(sent, more.status ?? 200, { body: SDP, headers });
  shim.receive(answer.replace('Record-Route: ', `Record-Route: ${more.far ?? FAR}, `), flow(3));
  return shim;
}

const ofCarol = (method: string, routes: readonly string[], more: { uri?: string; to?: string } = {}) =>
  requestText(method, {
    ...{ uri: more.uri ?? CONTACT, from: CAROL, to: more.to ?? BOB, callId: 'known', cseq: 2 },
    headers: [OWN, ...routes.map((route) => `Route: ${route}`)],
  });

const REFUSED = ['481 > 127.0.0.66:5060'];

describe('RFC 3261 12.2.1.1 a stranger in a call that is followed sends along its route set', () => {
  it.each(['BYE', 'INFO', 'INVITE', 'UPDATE', 'ACK'])('%s goes on to the proxy on the other side', (method) => {
    expect(summary(call().receive(ofCarol(method, [FAR]), STRANGER))).toEqual([`${method} > 127.0.0.40:5070`]);
  });

  it.each(['BYE', 'INFO', 'INVITE', 'UPDATE'])('%s goes nowhere else', (method) => {
    expect(summary(call().receive(ofCarol(method, [VICTIM]), STRANGER))).toEqual(REFUSED);
    expect(summary(call().receive(ofCarol(method, [FAR.replace('5070', '5071')]), STRANGER))).toEqual(REFUSED);
    expect(summary(call().receive(ofCarol(method, [FAR.replace(';lr', ';transport=tcp;lr')]), STRANGER))).toEqual(REFUSED);
  });

  it('nor does an ACK, or what names a dialog that was not seen', () => {
    expect(summary(call().receive(ofCarol('ACK', [VICTIM]), STRANGER))).toEqual([]);
    const other = ofCarol('BYE', [FAR], { to: '<sip:bob@example.com>;tag=other' });
    expect(summary(call().receive(other, STRANGER))).toEqual(REFUSED);
  });

  it('the callee too, when his registration has run out in mid-call', () => {
    const shim = call();
    shim.expire(61_000);
    const bye = (route: string) =>
      requestText('BYE', {
        ...{
          uri: 'sip:carol@127.0.0.66:5060',
          from: BOB,
          to: CAROL,
          callId: 'known',
          via: 'SIP/2.0/UDP 127.0.0.3;branch=z9hG4bKb',
        },
        headers: [OWN, `Route: ${route}`],
      }).replace('z9hG4bKb', `z9hG4bKb${route.length}`);
    expect(summary(shim.receive(bye(VICTIM), flow(3)))).toEqual(['481 > 127.0.0.3:5060']);
    expect(summary(shim.receive(bye(NEAR), flow(3)))).toEqual(['BYE > 127.0.0.67:5067']);
  });

  it('to a strict router, with the remote target at the end', () => {
    const far = FAR.replace(';lr', '');
    const result = call({ far }).receive(ofCarol('BYE', [far]), STRANGER);
    expect(summary(result)).toEqual(['BYE > 127.0.0.40:5070']);
    expect(result.messages[0]?.uri).toBe('sip:127.0.0.40:5070');
    expect(result.messages[0]?.text).toContain(`Route: <${CONTACT}>`);
  });

  it('from a strict router, which leaves the remote target in the Route', () => {
    const strict = (routes: readonly string[]) =>
      ofCarol('BYE', routes, { uri: 'sip:127.0.0.1:5060;lr' }).replace(`${OWN}\r\n`, '');
    expect(summary(call().receive(strict([FAR, `<${CONTACT}>`]), STRANGER))).toEqual(['BYE > 127.0.0.40:5070']);
    expect(summary(call().receive(strict([VICTIM, `<${CONTACT}>`]), STRANGER))).toEqual(REFUSED);
  });

  it('to the remote target, where that stands last in the Route', () => {
    expect(summary(call().receive(ofCarol('BYE', [`<${CONTACT};lr>`]), STRANGER))).toEqual(['BYE > 127.0.0.3:5060']);
  });

  it('to a next hop and a trusted peer', () => {
    const upstream = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;
    const shim = () => call({ otherwise: { upstream, placing: { trustedPeers: ['127.0.0.7'] } } });
    for (const hop of ['127.0.0.8:5080', '127.0.0.7:5999'])
      expect(summary(shim().receive(ofCarol('INVITE', [`<sip:${hop};lr>`]), STRANGER))).toEqual([`INVITE > ${hop}`]);
  });

  it('RFC 3262: in an early dialog that rings reliably too', () => {
    const ringing = () => call({ status: 183, require: '100rel' });
    expect(summary(ringing().receive(ofCarol('PRACK', [FAR]), STRANGER))).toEqual(['PRACK > 127.0.0.40:5070']);
    expect(summary(ringing().receive(ofCarol('PRACK', [VICTIM]), STRANGER))).toEqual(REFUSED);
  });
});

describe('RFC 3261 12.2.1.1 the same at the edge of a PBX', () => {
  it('a telephone whose registration has run out in mid-call gets to the PBX and what stands before it, and to nobody else', () => {
    const upstream = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;
    const shim = testElement({ upstream, placing: { mode: 'edge' } });
    const register = requestText('REGISTER', {
      ...{ uri: 'sip:example.com', from: '<sip:bob@example.com>;tag=r', to: '<sip:bob@example.com>', callId: 'r' },
      ...{ via: 'SIP/2.0/UDP 127.0.0.3:5060;branch=z9hG4bKreg', headers: [`Contact: <${CONTACT}>`] },
    });
    const pbx = flow(8, 5080);
    const [asked] = shim.receive(register, flow(3)).messages;
    shim.receive(answerTo(asked as Message, 200, { headers: [`Contact: <${CONTACT}>;expires=60`] }), pbx);
    const invite = requestText('INVITE', {
      ...{
        uri: 'sip:bob@example.com',
        from: CAROL,
        callId: 'known',
        via: 'SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKi',
        body: SDP,
      },
      headers: [`Record-Route: ${NEAR}`, 'Contact: <sip:pbx@127.0.0.8:5080>'],
    });
    const sent = shim.receive(invite, pbx).messages.find((m) => m.method === 'INVITE' && m.status === 0) as Message;
    shim.receive(answerTo(sent, 200, { body: SDP, headers: [`Contact: <${CONTACT}>`] }), flow(3));
    shim.expire(61_000);
    const own = headers(sent, 'record-route')[0];
    const bye = (route: string, n: number) =>
      requestText('BYE', {
        ...{ uri: 'sip:pbx@127.0.0.8:5080', from: BOB, to: CAROL, callId: 'known' },
        via: `SIP/2.0/UDP 127.0.0.3:5060;branch=z9hG4bKb${n}`,
        headers: [`Route: ${own}`, `Route: ${route}`],
      });
    const hops = [VICTIM, NEAR, '<sip:127.0.0.8:5080;lr>'];
    expect(hops.map((hop, n) => summary(shim.receive(bye(hop, n), flow(3))))).toEqual([
      ['481 > 127.0.0.3:5060'],
      ['BYE > 127.0.0.67:5067'],
      ['BYE > 127.0.0.8:5080'],
    ]);
  });
});
