import { describe, expect, it } from 'vitest';
import { header, headers, maxForwards, topVia, vias } from '../../shim/core/sip/index.ts';
import { answerTo, flow, summary, testElement } from '../support/element.ts';
import { requestText, SDP, scanned } from '../support/sip-text.ts';

/** Alice at 127.0.0.2, Bob at 127.0.0.3, both registered. */
function office(otherwise: Parameters<typeof testElement>[0] = {}) {
  const shim = testElement(otherwise);
  shim.register('alice', flow(2));
  shim.register('bob', flow(3));
  shim.told();
  return shim;
}

const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1);
  return list[0] as T;
};

describe('RFC 3261 16.6 request forwarding', () => {
  it('sends an INVITE to the registered contact, with a Via and a Record-Route of its own and one hop less', () => {
    const result = office().receive(requestText('INVITE', { body: SDP }), flow(2));
    expect(summary(result)).toEqual(['INVITE > 127.0.0.3:5060']);
    const sent = only(result.messages);
    expect(sent.uri).toBe('sip:bob@127.0.0.3:5060');
    expect(maxForwards(sent)).toBe(69);
    expect(header(sent, 'record-route')).toBe('<sip:127.0.0.1:5060;lr>');
    expect(vias(sent)?.map((v) => v.host)).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(topVia(sent)?.branch).toMatch(/^z9hG4bK/);
  });

  it('leaves the headers of a registered Contact out of the Request-URI', () => {
    const shim = testElement();
    const headers = ['Contact: <sip:bob@127.0.0.3:5060;x=1?subject=a%20b>'];
    const to = '<sip:bob@example.com>';
    shim.receive(requestText('REGISTER', { uri: 'sip:example.com', from: `${to};tag=r`, to, callId: 'reg', headers }), flow(3));
    const sent = only(shim.receive(requestText('INVITE', { body: SDP }), flow(2)).messages.filter((m) => m.status === 0));
    expect(sent.uri).toBe('sip:bob@127.0.0.3:5060;x=1');
  });

  it('leaves every other byte as it came', () => {
    const text = requestText('INVITE', {
      body: SDP,
      headers: ['X-Odd :  keep\t this ', 'Subject: äö', 'Contact: <sip:alice@127.0.0.2>'],
    });
    const sent = only(office().receive(text, flow(2)).sent).text;
    const foreign = (t: string) => t.split('\r\n').filter((line) => !/^(INVITE|Via|Max-Forwards|Record-Route)/.test(line));
    expect(foreign(sent)).toEqual(foreign(text));
  });

  it('adds Max-Forwards 70 where there was none', () => {
    const result = office().receive(requestText('INVITE', { maxForwards: null }), flow(2));
    expect(maxForwards(only(result.messages))).toBe(70);
  });

  it('adds no Record-Route within a dialog', () => {
    const text = requestText('INVITE', {
      uri: 'sip:bob@127.0.0.3:5060',
      to: '<sip:bob@example.com>;tag=b',
      headers: ['Route: <sip:127.0.0.1:5060;lr>'],
    });
    const sent = only(office().receive(text, flow(2)).messages);
    expect([headers(sent, 'record-route'), headers(sent, 'route')]).toEqual([[], []]);
  });

  it('RFC 5658: puts one Record-Route a side where the transport changes, and takes both away again', () => {
    const shim = office();
    shim.register('carol', flow(4, 40_000, 'tcp'));
    const result = shim.receive(requestText('INVITE', { uri: 'sip:carol@example.com', body: SDP }), flow(2));
    expect(only(result.sent).target).toMatchObject({ transport: 'tcp', connection: 4 });
    expect(header(only(result.messages), 'record-route')).toBe('<sip:127.0.0.1:5060;transport=tcp;lr>, <sip:127.0.0.1:5060;lr>');
    const bye = requestText('BYE', {
      uri: 'sip:alice@127.0.0.2:5060',
      from: '<sip:carol@example.com>;tag=c',
      to: '<sip:alice@example.com>;tag=a',
      headers: ['Route: <sip:127.0.0.1:5060;transport=tcp;lr>, <sip:127.0.0.1:5060;lr>'],
    });
    const relayed = shim.receive(bye, flow(4, 40_000, 'tcp'));
    expect(summary(relayed)).toEqual(['BYE > 127.0.0.2:5060']);
    expect(headers(only(relayed.messages), 'route')).toEqual([]);
  });

  it('goes along a Route that is not its own, the Request-URI untouched', () => {
    const text = requestText('INVITE', { headers: ['Route: <sip:127.0.0.1:5060;lr>, <sip:127.0.0.9:5070;lr>'] });
    const result = office().receive(text, flow(2));
    expect(summary(result)).toEqual(['INVITE > 127.0.0.9:5070']);
    expect(only(result.messages)).toMatchObject({ uri: 'sip:bob@example.com' });
    expect(headers(only(result.messages), 'route')).toEqual(['<sip:127.0.0.9:5070;lr>']);
  });

  it('16.6 step 6: puts a strict router into the Request-URI', () => {
    const text = requestText('INVITE', { headers: ['Route: <sip:127.0.0.9:5070>'] });
    const sent = only(office().receive(text, flow(2)).messages);
    expect([sent.uri, headers(sent, 'route')]).toEqual(['sip:127.0.0.9:5070', ['<sip:bob@example.com>']]);
  });

  it('16.4: undoes what a strict router before it did', () => {
    const text = requestText('BYE', {
      uri: 'sip:127.0.0.1:5060;lr',
      to: '<sip:bob@example.com>;tag=b',
      headers: ['Route: <sip:127.0.0.9:5070;lr>, <sip:bob@127.0.0.3:5060>'],
    });
    const sent = only(office().receive(text, flow(2)).messages);
    expect([sent.uri, headers(sent, 'route')]).toEqual(['sip:bob@127.0.0.3:5060', ['<sip:127.0.0.9:5070;lr>']]);
  });

  it('sends what is not for its domains to the upstream', () => {
    const shim = office({ upstream: { transport: 'udp', host: '127.0.0.8', port: 5080 } });
    for (const uri of ['sip:+4930123@elsewhere.example', 'tel:+4930123']) {
      expect(summary(shim.receive(requestText('INVITE', { uri, callId: uri }), flow(2)))).toEqual(['INVITE > 127.0.0.8:5080']);
    }
  });

  it('relays the ACK of a 2xx without a transaction', () => {
    const shim = office();
    const ack = requestText('ACK', {
      uri: 'sip:bob@127.0.0.3:5060',
      to: '<sip:bob@example.com>;tag=b',
      headers: ['Route: <sip:127.0.0.1:5060;lr>'],
    });
    const size = shim.element.table.size;
    expect(summary(shim.receive(ack, flow(2)))).toEqual(['ACK > 127.0.0.3:5060']);
    expect(shim.element.table.size).toBe(size);
  });
});

describe('RFC 3261 16.7 response processing', () => {
  function ringing() {
    const shim = office();
    const invite = only(shim.receive(requestText('INVITE', { body: SDP }), flow(2)).messages);
    const answer = (status: number, options = {}) => shim.receive(answerTo(invite, status, options), flow(3));
    return { shim, invite, answer };
  }

  it('takes its own Via away and sends the response where the request came from', () => {
    const result = ringing().answer(180);
    expect(summary(result)).toEqual(['180 > 127.0.0.2:5060']);
    expect(vias(only(result.messages))?.map((v) => v.host)).toEqual(['127.0.0.2']);
  });

  it('does not pass a 100 on', () => {
    expect(summary(ringing().answer(100))).toEqual([]);
  });

  it('passes every 2xx to an INVITE on, also after the first (RFC 6026)', () => {
    const { answer } = ringing();
    expect(summary(answer(200, { body: SDP }))).toEqual(['200 > 127.0.0.2:5060']);
    expect(summary(answer(200, { body: SDP, tag: 'fork' }))).toEqual(['200 > 127.0.0.2:5060']);
  });

  it('passes a failure on once and acknowledges it each time', () => {
    const { answer } = ringing();
    expect(summary(answer(486)).sort()).toEqual(['486 > 127.0.0.2:5060', 'ACK > 127.0.0.3:5060']);
    expect(summary(answer(486))).toEqual(['ACK > 127.0.0.3:5060']);
  });

  it('tells a 503 of the next hop as 500', () => {
    expect(summary(ringing().answer(503)).sort()).toEqual(['500 > 127.0.0.2:5060', 'ACK > 127.0.0.3:5060']);
  });

  it('drops a response that belongs to nothing', () => {
    const { shim, invite } = ringing();
    const stray = answerTo(invite, 200).replace(/branch=z9hG4bKu\d+/, 'branch=z9hG4bKnobody');
    expect(summary(shim.receive(stray, flow(3)))).toEqual([]);
    expect(shim.element.counters.strays).toBe(1);
  });

  it('16.8: answers 408 where nothing comes back', () => {
    const { shim } = ringing();
    const story: string[] = [];
    for (let i = 0; i < 80; i++) story.push(...summary(shim.expire(500)));
    expect(story.filter((s) => s.startsWith('408'))[0]).toBe('408 > 127.0.0.2:5060');
  });

  it('16.9: answers 500 where the next hop cannot be reached', () => {
    const shim = office();
    const sent = only(shim.receive(requestText('INVITE', { body: SDP }), flow(2)).sent);
    const actions = shim.element.transportError(sent.id, shim.at.now);
    expect(actions.flatMap((a) => (a.type === 'send' ? [scanned(a.text).status] : []))).toEqual([500]);
  });

  it('keeps nothing of a call that is over', () => {
    const { shim, answer } = ringing();
    answer(486);
    for (let i = 0; i < 100; i++) shim.expire(1000);
    expect(shim.element.table.size).toBe(0);
  });
});
