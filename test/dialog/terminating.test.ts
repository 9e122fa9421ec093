import { describe, expect, it } from 'vitest';
import { HOUR, tracked } from './tracked.ts';

function talking(settings: Parameters<typeof tracked>[0] = {}) {
  const call = tracked(settings);
  call.invite();
  call.ring();
  call.ok();
  call.ack();
  return call;
}

describe('FIG. 5 terminating at the BYE', () => {
  it.each(['caller', 'callee'] as const)('is told when the %s hangs up, and the call is over at the answer', (by) => {
    const call = talking();
    expect(call.bye(by)).toEqual(['terminating bye']);
    expect(call.bye(by)).toEqual([]);
    expect(call.byeAnswer(200, by)).toEqual(['ended bye']);
    expect(call.tracker.calls.size).toBe(0);
  });

  it('ends the call though the answer to the BYE is lost', () => {
    const call = talking();
    call.bye();
    expect(call.expire(39_999)).toEqual([]);
    expect(call.expire(1)).toEqual(['ended bye']);
  });
});

describe('FIG. 6 terminating at the answer to the BYE', () => {
  it('is told at the 200 and not before', () => {
    const call = talking({ terminating: 'on-bye-answer' });
    expect(call.bye()).toEqual([]);
    expect(call.byeAnswer()).toEqual(['terminating bye', 'ended bye']);
  });

  it.each([481, 408, 500])('takes %i for the end too', (status) => {
    const call = talking({ terminating: 'on-bye-answer' });
    call.bye();
    expect(call.byeAnswer(status)).toEqual(['terminating bye', 'ended bye']);
  });

  it('goes on talking while the BYE is asked for credentials', () => {
    const call = talking({ terminating: 'on-bye-answer' });
    call.bye();
    expect(call.byeAnswer(401)).toEqual([]);
    expect(call.expire(HOUR)).toEqual([]);
    call.bye();
    expect(call.byeAnswer()).toEqual(['terminating bye', 'ended bye']);
  });

  it('is told when the answer never comes', () => {
    const call = talking({ terminating: 'on-bye-answer' });
    call.bye();
    expect(call.expire(40_000)).toEqual(['terminating bye', 'ended bye']);
  });

  it('does not tell talking at the BYE of a call whose ACK was lost', () => {
    const call = tracked({ terminating: 'on-bye-answer', talking: 'on-ack' });
    call.invite();
    call.ring();
    call.ok();
    expect(call.bye()).toEqual([]);
    expect(call.byeAnswer()).toEqual(['ended bye']);
  });
});

describe('Offhook hard cap of a call', () => {
  it('ends a call of which nothing is heard for four hours, and says so', () => {
    const call = talking();
    expect(call.expire(4 * HOUR - 1)).toEqual([]);
    expect(call.expire(1)).toEqual(['terminating hard-cap', 'ended hard-cap']);
  });

  it('lets any request within the dialog prolong it, and tells that its deadline has moved', () => {
    const call = talking();
    call.at.now += 3 * HOUR;
    expect(call.ask('UPDATE', { to: '<sip:bob@example.com>;tag=b', cseq: 7 })).toEqual(['alive']);
    expect(call.expire(3 * HOUR)).toEqual([]);
    expect(call.expire(HOUR)).toEqual(['terminating hard-cap', 'ended hard-cap']);
  });

  it('is not prolonged by a request under other tags', () => {
    const call = talking();
    call.at.now += 3 * HOUR;
    call.ask('UPDATE', { to: '<sip:bob@example.com>;tag=other', cseq: 7 });
    expect(call.expire(HOUR)).toEqual(['terminating hard-cap', 'ended hard-cap']);
  });
});

describe('RFC 3261 14 re-INVITE', () => {
  it('that is refused leaves the call as it is', () => {
    const call = talking();
    call.ask('INVITE', { to: '<sip:bob@example.com>;tag=b', cseq: 2 });
    expect(call.answer(488, 'INVITE', { cseq: 2 })).toEqual([]);
    expect(call.bye()).toEqual(['terminating bye']);
  });

  it('of the callee with the number of the first INVITE is not taken for it', () => {
    const call = talking();
    const swapped = { from: '<sip:bob@example.com>;tag=b', to: '<sip:alice@example.com>;tag=a', cseq: 1 };
    call.ask('INVITE', swapped);
    expect(call.answer(486, 'INVITE', swapped)).toEqual([]);
    expect(call.tracker.calls.size).toBe(1);
  });
});

describe('RFC 3261 13.2.2.4 several dialogs of one INVITE', () => {
  it('the call is over when the last of them is', () => {
    const call = tracked();
    call.invite();
    expect(call.ok()).toEqual(['talking']);
    expect(call.ok({ to: '<sip:bob@example.com>;tag=fork' })).toEqual([]);
    expect(call.bye()).toEqual([]);
    expect(call.byeAnswer()).toEqual([]);
    const fork = { to: '<sip:bob@example.com>;tag=fork', cseq: 2 };
    expect(call.ask('BYE', fork)).toEqual(['terminating bye']);
    expect(call.answer(200, 'BYE', fork)).toEqual(['ended bye']);
  });

  it('a failure of one fork after another was answered changes nothing', () => {
    const call = talking();
    expect(call.answer(487, 'INVITE', { to: '<sip:bob@example.com>;tag=fork' })).toEqual([]);
  });
});

describe('Offhook limits of the dialog tracker', () => {
  it('follows no more calls than it may, and counts the rest', () => {
    const call = tracked({ maxDialogs: 1 });
    call.invite();
    call.ask('INVITE', { callId: 'call-2' });
    expect(call.tracker.calls.size).toBe(1);
    expect(call.tracker.untracked).toBe(1);
    expect(call.answer(180, 'INVITE', { callId: 'call-2' })).toEqual([]);
  });

  it('does not follow a call of two strangers', () => {
    const call = tracked({}, {});
    call.invite();
    expect(call.ring()).toEqual([]);
    expect(call.tracker.calls.size).toBe(0);
  });
});
