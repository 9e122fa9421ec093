import { describe, expect, it } from 'vitest';
import { header, to, topVia } from '../../shim/core/sip/index.ts';
import { answerTo, flow, type Outcome, summary, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

function office(otherwise: Parameters<typeof testElement>[0] = {}) {
  const shim = testElement(otherwise);
  shim.register('alice', flow(2));
  shim.register('bob', flow(3));
  return shim;
}

/** Status and one header of the only message sent. */
function answered(result: Outcome, name: Parameters<typeof header>[1] = 'warning') {
  expect(result.sent).toHaveLength(1);
  const [m] = result.messages;
  return m && [m.status, header(m, name)];
}

describe('RFC 3261 16.3 request validation', () => {
  it('step 2: answers 416 to a scheme that it does not know', () => {
    expect(answered(office().receive(requestText('INVITE', { uri: 'fax:123' }), flow(2)))?.[0]).toBe(416);
    expect(answered(office().receive(requestText('INVITE', { uri: 'tel:123' }), flow(2)))?.[0]).toBe(416);
  });

  it('RFC 5630 5.3: answers 480 to sips where there is no way that is secure', () => {
    expect(answered(office().receive(requestText('INVITE', { uri: 'sips:bob@example.com' }), flow(2)))?.[0]).toBe(480);
  });

  it('step 3: answers 483 where no hop is left', () => {
    expect(answered(office().receive(requestText('INVITE', { maxForwards: 0 }), flow(2)))?.[0]).toBe(483);
  });

  it('step 4: answers 482 to its own request come back, and lets a spiral pass', () => {
    const upstream = { transport: 'udp', host: '127.0.0.8', port: 5080 } as const;
    const shim = testElement({ upstream });
    const [first] = shim.receive(requestText('INVITE', { uri: 'sip:x@elsewhere.example' }), flow(2)).sent;
    const echoed = (first?.text ?? '')
      .replace(/^Record-Route.*\r\n/m, '')
      .replace('\r\nVia: ', '\r\nVia: SIP/2.0/UDP 127.0.0.8:5080;branch=z9hG4bKup\r\nVia: ');
    expect(answered(shim.receive(echoed, flow(8, 5080)))?.[0]).toBe(482);
    const spiral = echoed.replace('sip:x@elsewhere.example', 'sip:y@elsewhere.example').replace('z9hG4bKup', 'z9hG4bKup2');
    expect(summary(shim.receive(spiral, flow(8, 5080)))).toEqual(['INVITE > 127.0.0.8:5080']);
  });

  it('step 5: answers 420 and names what it does not support', () => {
    const text = requestText('INVITE', { headers: ['Proxy-Require: privacy, tea'] });
    expect(answered(office().receive(text, flow(2)), 'unsupported')).toEqual([420, 'privacy, tea']);
  });
});

describe('RFC 3261 16.5 determining the target', () => {
  it('answers 404 for a user never seen, and 480 for one who was here', () => {
    const shim = office();
    expect(answered(shim.receive(requestText('INVITE', { uri: 'sip:nobody@example.com' }), flow(2)))?.[0]).toBe(404);
    shim.register('bob', flow(3), 0);
    expect(answered(shim.receive(requestText('INVITE'), flow(2)))?.[0]).toBe(480);
  });

  it('answers 480 once a registration has run out', () => {
    const shim = office();
    shim.expire(3_600_001);
    shim.told();
    expect(answered(shim.receive(requestText('INVITE'), flow(2)))?.[0]).toBe(480);
  });

  it('relays nothing for strangers: 403 without an upstream', () => {
    const text = requestText('INVITE', { uri: 'sip:victim@203.0.113.9' });
    expect(answered(office().receive(text, flow(66)))).toEqual([403, expect.stringContaining('no upstream')]);
  });
});

describe('RFC 3261 8.2, 11 requests for the element itself', () => {
  it('answers OPTIONS with what it serves', () => {
    const options = requestText('OPTIONS', { uri: 'sip:127.0.0.1:5060', to: '<sip:127.0.0.1>' });
    expect(answered(office().receive(options, flow(2)), 'allow')).toEqual([200, 'OPTIONS, REGISTER']);
  });

  it('answers 405 to any other method', () => {
    const invite = requestText('INVITE', { uri: 'sip:example.com' });
    expect(answered(office().receive(invite, flow(2)), 'allow')).toEqual([405, 'OPTIONS, REGISTER']);
  });

  it('8.2.2.3: answers 420 to a REGISTER that requires what is not supported, and binds nothing', () => {
    const shim = testElement();
    const text = requestText('REGISTER', {
      uri: 'sip:example.com',
      to: '<sip:alice@example.com>',
      headers: ['Require: gruu', 'Contact: <sip:alice@127.0.0.2>'],
    });
    expect(answered(shim.receive(text, flow(2)), 'unsupported')).toEqual([420, 'gruu']);
    expect(shim.element.location.size).toBe(0);
  });

  it('answers 400 to a malformed request and says why', () => {
    const shim = office();
    const result = shim.receive(requestText('INVITE').replace('CSeq: 1 INVITE', 'CSeq: 1 BYE'), flow(2));
    expect(answered(result)?.[0]).toBe(400);
    expect(result.messages[0]?.reason).toMatch(/CSeq/);
    expect(shim.element.counters).toMatchObject({ malformed: 1, malformedAnswered: 1 });
  });

  it('drops malformed responses and counts them', () => {
    const shim = office();
    expect(shim.receive('SIP/2.0 200 OK\r\nVia: nonsense\r\n\r\n', flow(2)).sent).toEqual([]);
    expect(shim.element.counters).toMatchObject({ malformed: 1, malformedAnswered: 0 });
  });

  it('answers 503 with Retry-After where the table is full, and existing calls go on', () => {
    const shim = office({ transactions: { max: 3 } });
    const [invite] = shim.receive(requestText('INVITE', { body: SDP }), flow(2)).messages;
    expect(answered(shim.receive(requestText('INVITE', { callId: 'more' }), flow(2)), 'retry-after')).toEqual([503, '5']);
    expect(invite && summary(shim.receive(answerTo(invite, 180), flow(3)))).toEqual(['180 > 127.0.0.2:5060']);
  });

  it('RFC 3581: answers to where the request came from', () => {
    const via = 'SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKnat;rport';
    const result = office().receive(requestText('OPTIONS', { uri: 'sip:127.0.0.1:5060', via }), flow(2, 34567));
    expect(summary(result)).toEqual(['200 > 127.0.0.2:34567']);
    const [m] = result.messages;
    expect(m && topVia(m)).toMatchObject({ received: '127.0.0.2', rport: 34567 });
    expect(m && to(m)?.tag).toBeTruthy();
  });
});

describe('RFC 3261 16.10, 9 CANCEL', () => {
  const branch = 'z9hG4bKcancelled';
  const via = `SIP/2.0/UDP 127.0.0.2:5060;branch=${branch}`;

  it('is answered 200 and sent on once the callee rings, and the 487 goes back', () => {
    const shim = office();
    const [invite] = shim.receive(requestText('INVITE', { body: SDP, via }), flow(2)).messages;
    if (!invite) throw new Error('no INVITE');
    expect(summary(shim.receive(requestText('CANCEL', { via }), flow(2)))).toEqual(['200 > 127.0.0.2:5060']);
    const rung = shim.receive(answerTo(invite, 180), flow(3));
    expect(summary(rung).sort()).toEqual(['180 > 127.0.0.2:5060', 'CANCEL > 127.0.0.3:5060']);
    const cancel = rung.messages.find((m) => m.method === 'CANCEL' && m.status === 0);
    expect(cancel && topVia(cancel)?.branch).toBe(topVia(invite)?.branch);
    expect(summary(shim.receive(answerTo(invite, 487), flow(3))).sort()).toEqual([
      '487 > 127.0.0.2:5060',
      'ACK > 127.0.0.3:5060',
    ]);
  });

  it('is answered 481 where there is nothing to cancel', () => {
    expect(answered(office().receive(requestText('CANCEL', { via }), flow(2)))?.[0]).toBe(481);
  });

  it('9.1: ends the call with 487 where the callee never answers it', () => {
    const shim = office();
    const [invite] = shim.receive(requestText('INVITE', { body: SDP, via }), flow(2)).messages;
    if (!invite) throw new Error('no INVITE');
    shim.receive(answerTo(invite, 180), flow(3));
    shim.receive(requestText('CANCEL', { via }), flow(2));
    const story: string[] = [];
    for (let i = 0; i < 80; i++) story.push(...summary(shim.expire(500)));
    expect(story).toContain('487 > 127.0.0.2:5060');
    expect(shim.told()).toContain('bob idle');
  });
});
