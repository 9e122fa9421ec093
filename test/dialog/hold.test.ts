import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heldOf } from '../../shim/core/dialog/call.ts';
import { agreed, flowOf, mirroredMedia, parseStreams } from '../../shim/core/dialog/sdp.ts';
import { SDP } from '../support/sip-text.ts';
import { tracked } from './tracked.ts';

type By = 'caller' | 'callee';

/** In-dialog messages run under the tags of the request. */
const under = (by: By) =>
  by === 'caller'
    ? { from: '<sip:alice@example.com>;tag=a', to: '<sip:bob@example.com>;tag=b' }
    : { from: '<sip:bob@example.com>;tag=b', to: '<sip:alice@example.com>;tag=a' };

const sdp = (direction: string, address = '127.0.0.1') =>
  SDP.replace('c=IN IP4 127.0.0.1', `c=IN IP4 ${address}`).replace('a=rtpmap', `a=${direction}\r\na=rtpmap`);

/** A call that is up, and what passes in it. */
function talking(offer: 'early' | 'delayed' = 'early') {
  const call = tracked();
  call.invite(offer);
  call.ring();
  call.ok();
  if (offer === 'early') call.ack();
  else call.ack({ body: SDP });
  const now = () => [...call.tracker.calls.ofUser('sip:alice@example.com')][0];
  let cseq = 10;
  const offers = (method: string, by: By, body: string | undefined, number = ++cseq) =>
    call.ask(method, { ...under(by), cseq: number, ...(body === undefined ? {} : { body }) });
  const answers = (status: number, method: string, by: By, body?: string, number = cseq) =>
    call.answer(status, method, { ...under(by), cseq: number, ...(body === undefined ? {} : { body }) });
  return {
    ...call,
    offers,
    answers,
    held: () => {
      const one = now();
      return one === undefined ? undefined : heldOf(one);
    },
    /** As the callee sees it. */
    direction: () => now()?.media[0]?.direction,
  };
}

describe('RFC 3264 8.4 hold and resume', () => {
  const ways = [
    ['sendonly', 'recvonly'],
    ['inactive', 'inactive'],
    ['sendonly', 'inactive'],
  ] as const;

  it.each(
    (['INVITE', 'UPDATE'] as const).flatMap((method) =>
      (['caller', 'callee'] as const).flatMap((by) => ways.map(([offer, answer]) => [method, by, offer, answer] as const)),
    ),
  )('%s of the %s that offers %s and is answered %s puts on hold, and sendrecv takes back', (method, by, offer, answer) => {
    const call = talking();
    expect(call.held()).toBe(false);
    call.offers(method, by, sdp(offer));
    expect(call.held()).toBe(false);
    expect(call.answers(200, method, by, sdp(answer))).toEqual(['changed']);
    expect(call.held()).toBe(true);
    call.offers(method, by, sdp('sendrecv'));
    expect(call.answers(200, method, by, sdp('sendrecv'))).toEqual(['changed']);
    expect(call.held()).toBe(false);
    expect(call.direction()).toBe('sendrecv');
  });

  it('an offer of recvonly, which stops sending, is a hold too', () => {
    const call = talking();
    call.offers('INVITE', 'caller', sdp('recvonly'));
    call.answers(200, 'INVITE', 'caller', sdp('sendonly'));
    expect([call.held(), call.direction()]).toEqual([true, 'sendonly']);
  });

  it('the direction is told as each party sees it', () => {
    const call = talking();
    call.offers('INVITE', 'caller', sdp('sendonly'));
    call.answers(200, 'INVITE', 'caller', sdp('recvonly'));
    expect(call.direction()).toBe('recvonly');
    expect(mirroredMedia([{ type: 'audio', direction: 'recvonly' }])).toEqual([{ type: 'audio', direction: 'sendonly' }]);
  });

  it('a phone that answers sendonly with sendrecv is on hold all the same', () => {
    const call = talking();
    call.offers('INVITE', 'callee', sdp('sendonly'));
    call.answers(200, 'INVITE', 'callee', sdp('sendrecv'));
    expect([call.held(), call.direction()]).toEqual([true, 'sendonly']);
  });

  it('RFC 2543: the address 0.0.0.0 is a hold', () => {
    const call = talking();
    call.offers('INVITE', 'caller', sdp('sendrecv', '0.0.0.0'));
    call.answers(200, 'INVITE', 'caller', SDP);
    expect(call.held()).toBe(true);
  });

  it('RFC 8840 4.1.1: with ICE the address 0.0.0.0 says nothing', () => {
    const call = talking();
    call.offers('INVITE', 'caller', `${sdp('sendrecv', '0.0.0.0')}a=ice-ufrag:x\r\n`);
    call.answers(200, 'INVITE', 'caller', SDP);
    expect(call.held()).toBe(false);
  });

  it('each party may hold: the call is off hold when both have resumed', () => {
    const call = talking();
    call.offers('INVITE', 'caller', sdp('sendonly'));
    call.answers(200, 'INVITE', 'caller', sdp('recvonly'));
    call.offers('INVITE', 'callee', sdp('inactive'));
    expect(call.answers(200, 'INVITE', 'callee', sdp('inactive'))).toEqual(['changed']);
    call.offers('INVITE', 'callee', sdp('recvonly'));
    call.answers(200, 'INVITE', 'callee', sdp('sendonly'));
    expect(call.held()).toBe(true);
    call.offers('INVITE', 'caller', sdp('sendrecv'));
    call.answers(200, 'INVITE', 'caller', sdp('sendrecv'));
    expect(call.held()).toBe(false);
  });

  it('what flows one way from the beginning is not on hold, and a call in which nothing flows is', () => {
    for (const [direction, held] of [
      ['sendonly', false],
      ['recvonly', false],
      ['inactive', true],
    ] as const) {
      const call = talking('early');
      const other = tracked();
      other.invite();
      other.ok({ body: sdp(direction) });
      const [one] = other.tracker.calls.ofUser('sip:bob@example.com');
      expect([direction, one && heldOf(one), call.held()]).toEqual([direction, held, false]);
    }
  });
});

describe('RFC 3261 14.1 an offer that is refused leaves the session as it was', () => {
  it.each([488, 491, 500, 408, 401] as const)('%i', (status) => {
    const call = talking();
    call.offers('INVITE', 'caller', sdp('sendonly'));
    expect(call.answers(status, 'INVITE', 'caller')).toEqual([]);
    expect(call.held()).toBe(false);
  });

  it('glare: the 491 of one side does not take the offer of the other away', () => {
    const call = talking();
    call.offers('INVITE', 'caller', sdp('sendonly'), 20);
    call.offers('INVITE', 'callee', sdp('inactive'), 20);
    call.answers(491, 'INVITE', 'callee', undefined, 20);
    expect(call.held()).toBe(false);
    expect(call.answers(200, 'INVITE', 'caller', sdp('recvonly'), 20)).toEqual(['changed']);
    expect([call.held(), call.direction()]).toEqual([true, 'recvonly']);
  });
});

describe('RFC 3261 13.2.1, RFC 3262 5, RFC 3311 5.1 where the answer comes', () => {
  it('in the ACK, where the re-INVITE carried no offer', () => {
    const call = talking();
    call.offers('INVITE', 'caller', undefined);
    expect(call.answers(200, 'INVITE', 'caller', sdp('sendonly'))).toEqual([]);
    expect(call.held()).toBe(false);
    expect(call.offers('ACK', 'caller', sdp('recvonly'), 11)).toEqual(['changed']);
    expect([call.held(), call.direction()]).toEqual([true, 'sendonly']);
  });

  it('in the ACK of a call with delayed offer', () => {
    const call = talking('delayed');
    expect([call.held(), call.direction()]).toEqual([false, 'sendrecv']);
  });

  it('in a reliable provisional response; what the 2xx repeats changes nothing', () => {
    const call = tracked();
    call.invite();
    const reliable = { body: sdp('sendonly'), headers: ['RSeq: 1', 'Require: 100rel'] };
    expect(call.answer(183, 'INVITE', reliable)).toEqual(['early']);
    call.ask('PRACK', { ...under('caller'), cseq: 2, headers: ['RAck: 1 1 INVITE'] });
    call.answer(200, 'PRACK', { ...under('caller'), cseq: 2 });
    expect(call.ok({ body: '' })).toEqual(['talking']);
    const [one] = call.tracker.calls.ofUser('sip:bob@example.com');
    expect(one?.media).toEqual([{ type: 'audio', codec: 'PCMA', direction: 'sendonly' }]);
  });

  it('in the PRACK, where the offer was in a reliable provisional response', () => {
    const call = tracked();
    call.invite('delayed');
    call.answer(183, 'INVITE', { body: sdp('sendrecv'), headers: ['RSeq: 1'] });
    call.ask('PRACK', { ...under('caller'), cseq: 2, body: sdp('inactive'), headers: ['RAck: 1 1 INVITE'] });
    call.ok({ body: '' });
    call.ack();
    const [one] = call.tracker.calls.ofUser('sip:bob@example.com');
    expect([one && heldOf(one), one?.media[0]?.direction]).toEqual([true, 'inactive']);
  });

  it('in the 200 to a PRACK that made an offer of its own, and in the 200 to an early UPDATE', () => {
    const call = tracked();
    call.invite();
    call.answer(183, 'INVITE', { body: SDP, headers: ['RSeq: 1'] });
    call.ask('PRACK', { ...under('caller'), cseq: 2, body: sdp('sendrecv'), headers: ['RAck: 1 1 INVITE'] });
    call.answer(200, 'PRACK', { ...under('caller'), cseq: 2, body: SDP.replace('8', '0').replaceAll('PCMA', 'PCMU') });
    call.ask('UPDATE', { ...under('callee'), cseq: 1, body: sdp('inactive') });
    call.answer(200, 'UPDATE', { ...under('callee'), cseq: 1, body: sdp('inactive') });
    call.ok({ body: '' });
    const [one] = call.tracker.calls.ofUser('sip:bob@example.com');
    expect([one && heldOf(one), one?.media[0]?.direction]).toEqual([true, 'inactive']);
  });

  it('early media of an unreliable 183 is told, and the answer of the 2xx counts', () => {
    const call = tracked();
    call.invite();
    call.answer(183, 'INVITE', { body: sdp('sendonly') });
    const [one] = call.tracker.calls.ofUser('sip:bob@example.com');
    expect(one?.media[0]?.direction).toBe('sendonly');
    call.ok();
    expect(one?.media[0]?.direction).toBe('sendrecv');
  });
});

describe('RFC 3264 the media that two descriptions come to', () => {
  it('a stream that is refused is left out, and sound decides before the rest', () => {
    const offer = parseStreams('m=audio 1 RTP/AVP 0\nm=video 2 RTP/AVP 96\nm=application 3 TCP/BFCP *\n');
    const answer = parseStreams('m=audio 1 RTP/AVP 0\na=sendonly\nm=video 0 RTP/AVP 96\nm=application 3 TCP/BFCP *\n');
    const media = agreed(offer, answer);
    expect(media.map(({ type, direction }) => `${type} ${direction}`)).toEqual(['audio sendonly', 'application sendrecv']);
    expect(flowOf(media)).toBe(1);
  });

  it('a description among several parts is found (RFC 5621 3)', () => {
    const call = talking();
    const body = `--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/sdp\r\n\r\n${sdp('sendonly')}--x--\r\n`;
    const headers = ['Content-Type: multipart/mixed;boundary=x'];
    call.ask('INVITE', { ...under('caller'), cseq: 30, body, headers });
    call.answer(200, 'INVITE', { ...under('caller'), cseq: 30, body: sdp('recvonly') });
    expect(call.held()).toBe(true);
  });

  it('whatever the two say, each sees the mirror of what the other sees, and never more than both allow', () => {
    const words = fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive');
    fc.assert(
      fc.property(words, words, (a, b) => {
        const [offer, answer] = [parseStreams(sdp(a)), parseStreams(sdp(b))];
        const media = agreed(offer, answer);
        expect(mirroredMedia(mirroredMedia(media))).toEqual(media);
        const sees = flowOf(media);
        expect(sees & (answer[0]?.flow ?? 0)).toBe(sees);
        expect(flowOf(mirroredMedia(media)) & (offer[0]?.flow ?? 0)).toBe(flowOf(mirroredMedia(media)));
      }),
    );
  });
});
