import { describe, expect, it } from 'vitest';
import { parseReplaces } from '../../shim/core/dialog/replaces.ts';
import { SDP } from '../support/sip-text.ts';
import { tracked } from './tracked.ts';

const HOUR = 3_600_000;
const se = (seconds: number, more = '') => [`Session-Expires: ${seconds};refresher=uac${more}`];

function talking(settings: Parameters<typeof tracked>[0] = {}, headers: string[] = []) {
  const call = tracked(settings);
  call.invite();
  call.ring();
  call.ok({ headers });
  call.ack();
  return call;
}

const DIALOG = { to: '<sip:bob@example.com>;tag=b' };

describe('FIG. 5, 6 RFC 4028 10 the session timer', () => {
  it.each(['on-bye', 'on-bye-answer'] as const)('%s: presence ends at the expiry, and says why', (terminating) => {
    const call = talking({ terminating }, se(1800));
    expect(call.expire(1_800_000 - 1)).toEqual([]);
    expect(call.expire(1)).toEqual(['terminating session-timer', 'ended session-timer']);
  });

  it.each(['INVITE', 'UPDATE'])('is started anew by the 2xx to a refresh (%s), from either side', (method) => {
    const call = talking({}, se(600));
    for (const parts of [DIALOG, { from: '<sip:bob@example.com>;tag=b', to: '<sip:alice@example.com>;tag=a' }]) {
      expect(call.expire(500_000)).toEqual([]);
      call.ask(method, { ...parts, cseq: 5 });
      expect(call.answer(200, method, { ...parts, cseq: 5, headers: se(600) })).toEqual(['alive']);
    }
    expect(call.expire(599_999)).toEqual([]);
    expect(call.expire(1)).toEqual(['terminating session-timer', 'ended session-timer']);
  });

  it('is not started anew by a refresh that is refused, nor by any other request', () => {
    const call = talking({}, se(600));
    call.at.now += 300_000;
    call.ask('UPDATE', { ...DIALOG, cseq: 5 });
    call.answer(500, 'UPDATE', { ...DIALOG, cseq: 5 });
    call.ask('INFO', { ...DIALOG, cseq: 6 });
    call.answer(200, 'INFO', { ...DIALOG, cseq: 6 });
    expect(call.expire(300_000)).toEqual(['terminating session-timer', 'ended session-timer']);
  });

  it('RFC 4028 7.2: a 2xx without Session-Expires ends the timer; the hard cap is left', () => {
    const call = talking({}, se(600));
    call.ask('UPDATE', { ...DIALOG, cseq: 5 });
    call.answer(200, 'UPDATE', { ...DIALOG, cseq: 5 });
    expect(call.expire(4 * HOUR - 1)).toEqual([]);
    expect(call.expire(1)).toEqual(['terminating hard-cap', 'ended hard-cap']);
  });

  it('each refresh is told, as the Worker ends calls by what it was told', () => {
    const call = talking({}, se(1800));
    for (let i = 0; i < 5; i++) {
      call.at.now += 900_000;
      call.ask('UPDATE', { ...DIALOG, cseq: 5 + i });
      expect(call.answer(200, 'UPDATE', { ...DIALOG, cseq: 5 + i, headers: se(1800) })).toContain('alive');
    }
  });
});

describe('RFC 3261 22.2 a BYE that is asked for credentials', () => {
  it('on-bye: goes on to the end where it comes again', () => {
    const call = talking();
    expect(call.bye()).toEqual(['terminating bye']);
    expect(call.byeAnswer(401)).toEqual([]);
    expect(call.bye()).toEqual([]);
    expect(call.byeAnswer()).toEqual(['ended bye']);
  });

  it('on-bye: a call whose BYE never comes again is told as talking, in the time of a BYE', () => {
    const call = talking();
    call.bye();
    call.byeAnswer(407);
    expect(call.expire(39_999)).toEqual([]);
    expect(call.expire(1)).toEqual(['talking']);
    expect(call.bye()).toEqual(['terminating bye']);
    expect(call.byeAnswer()).toEqual(['ended bye']);
  });

  it('on-bye: another request within the dialog tells so at once', () => {
    const call = talking();
    call.bye();
    call.byeAnswer(401);
    expect(call.ask('INFO', { ...DIALOG, cseq: 9 })).toEqual(['talking']);
  });
});

describe('RFC 3261 13.3.1.4 a call that is answered and never acknowledged', () => {
  it('FIG. 4: is given up in the time of a transaction, and no hours later', () => {
    const call = tracked({ talking: 'on-ack' });
    call.invite();
    call.ring();
    call.ok();
    expect(call.expire(39_999)).toEqual([]);
    expect(call.expire(1)).toEqual(['ended timeout']);
  });
});

describe('RFC 3891 a call that takes the place of another', () => {
  it.each([
    ['its BYE', true],
    ['no BYE', false],
  ])('the replaced call ends by %s, and the new one goes on', (_, comes) => {
    const call = talking();
    const other = { callId: 'call-2', from: '<sip:carol@example.com>;tag=c', to: '<sip:bob@example.com>' };
    call.ask('INVITE', { ...other, body: SDP, headers: ['Replaces: call-1;to-tag=b;from-tag=a'] });
    expect(call.answer(200, 'INVITE', { ...other, to: '<sip:bob@example.com>;tag=b2' })).toEqual(['talking']);
    if (comes) {
      expect(call.bye('callee')).toEqual(['terminating replaced']);
      expect(call.byeAnswer(200, 'callee')).toEqual(['ended replaced']);
    } else {
      expect(call.expire(39_999)).toEqual([]);
      expect(call.expire(1)).toEqual(['terminating replaced', 'ended replaced']);
    }
    expect(call.tracker.calls.size).toBe(1);
  });

  it('an INVITE that is refused replaces nothing, and neither does one that names other tags', () => {
    for (const [value, status] of [
      ['call-1;to-tag=b;from-tag=a', 486],
      ['call-1;to-tag=b;from-tag=z', 200],
      ['call-1;to-tag=x;from-tag=a', 200],
    ] as const) {
      const call = talking();
      const other = { callId: 'call-2', from: '<sip:carol@example.com>;tag=c', to: '<sip:bob@example.com>' };
      call.ask('INVITE', { ...other, body: SDP, headers: [`Replaces: ${value}`] });
      call.answer(status, 'INVITE', { ...other, to: '<sip:bob@example.com>;tag=b2' });
      expect(call.expire(60_000)).toEqual([]);
    }
  });

  it('RFC 3515: REFER and the NOTIFYs of its progress change nothing', () => {
    const call = talking();
    const story = [
      call.ask('REFER', { ...DIALOG, cseq: 5, headers: ['Refer-To: <sip:carol@example.com>'] }),
      call.answer(202, 'REFER', { ...DIALOG, cseq: 5 }),
      call.ask('NOTIFY', { from: '<sip:bob@example.com>;tag=b', to: '<sip:alice@example.com>;tag=a', cseq: 1 }),
    ];
    expect(story).toEqual([[], [], []]);
    expect(call.tracker.calls.size).toBe(1);
  });

  it.each([
    ['a;to-tag=b;from-tag=c', { callId: 'a', tags: ['b', 'c'] }],
    ['a@h ; From-Tag=c;early-only;to-tag=b', { callId: 'a@h', tags: ['b', 'c'] }],
    ['a;to-tag=b', undefined],
    ['', undefined],
  ])('reads %j', (value, expected) => expect(parseReplaces(value)).toEqual(expected));
});
