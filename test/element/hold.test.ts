import { describe, expect, it } from 'vitest';
import type { Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const ROUTED = { uri: 'sip:bob@127.0.0.3:5060', headers: ['Route: <sip:127.0.0.1:5060;lr>'] };
const sdp = (direction: string) => SDP.replace('a=rtpmap', `a=${direction}\r\na=rtpmap`);

/** Alice's call to Bob, answered. */
function call(shim: TestElement, callId: string) {
  const [invite] = shim
    .receive(requestText('INVITE', { callId, body: SDP }), flow(2))
    .messages.filter((m) => m.method === 'INVITE');
  shim.receive(answerTo(invite as Message, 200, { body: SDP }), flow(3));
  let cseq = 1;
  const dialog = { callId, to: '<sip:bob@example.com>;tag=b' };
  shim.receive(requestText('ACK', { ...dialog, ...ROUTED }), flow(2));
  return (offer: string, answer: string, status = 200) => {
    cseq += 1;
    const out = shim.receive(requestText('INVITE', { ...dialog, ...ROUTED, cseq, body: sdp(offer) }), flow(2));
    const again = out.messages.find((m) => m.method === 'INVITE') as Message;
    shim.receive(answerTo(again, status, status < 300 ? { body: sdp(answer) } : {}), flow(3));
    return shim.reports.splice(0).map((r) => {
      const told = r.status === 'talking' ? `${r.call.held ? 'held' : 'not held'} ${r.call.media[0]?.direction}` : '';
      return `${r.user.slice(4, r.user.indexOf('@'))} ${r.status} ${told}`;
    });
  };
}

describe('RFC 3264 8.4 hold through the whole element', () => {
  function office() {
    const shim = testElement();
    shim.register('alice', flow(2));
    shim.register('bob', flow(3));
    return shim;
  }

  it('is told of both parties, each with the direction that it has', () => {
    const shim = office();
    const renew = call(shim, 'c1');
    shim.told();
    expect(renew('sendonly', 'recvonly')).toEqual(['alice talking held sendonly', 'bob talking held recvonly']);
    expect(renew('sendonly', 'recvonly')).toEqual([]);
    expect(renew('sendrecv', '', 491)).toEqual([]);
    expect(renew('sendrecv', 'sendrecv')).toEqual(['alice talking not held sendrecv', 'bob talking not held sendrecv']);
  });

  it('of one of two calls says nothing of the other, and survives in the snapshot', () => {
    const shim = office();
    const first = call(shim, 'c1');
    call(shim, 'c2');
    shim.told();
    first('inactive', 'inactive');
    const { calls } = shim.element.presence.reporter.snapshot('sip:bob@example.com', shim.at.now);
    expect(calls.map((c) => `${c.callId} ${c.held}`)).toEqual(['c1 true', 'c2 false']);
  });
});
