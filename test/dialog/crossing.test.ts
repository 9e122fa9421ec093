import { describe, expect, it } from 'vitest';
import { type Call, heldOf } from '../../shim/core/dialog/call.ts';
import { callRecord, parseCallRecord } from '../../shim/core/dialog/record.ts';
import { SDP } from '../support/sip-text.ts';
import { HOUR, SETTINGS, tracked } from './tracked.ts';

type By = 'caller' | 'callee';

/** In-dialog messages run under the tags of the request; `tag` is that of the callee's fork. */
const under = (by: By, tag = 'b') =>
  by === 'caller'
    ? { from: '<sip:alice@example.com>;tag=a', to: `<sip:bob@example.com>;tag=${tag}` }
    : { from: `<sip:bob@example.com>;tag=${tag}`, to: '<sip:alice@example.com>;tag=a' };
const se = (seconds: number) => [`Session-Expires: ${seconds};refresher=uac`];

function talking(settings: Parameters<typeof tracked>[0] = {}, headers: string[] = []) {
  const call = tracked(settings);
  call.invite();
  call.ring();
  call.ok({ headers });
  call.ack();
  return { ...call, only: () => [...call.tracker.calls.ofUser('sip:alice@example.com')][0] as Call };
}

/** What a process that is killed now leaves on disk. */
function kept(call: ReturnType<typeof talking>, rows = new Map<string, string>()) {
  for (const one of call.tracker.takeChanged()) rows.set(one.key, callRecord(one));
  return rows;
}

describe('RFC 3261 12.2.1.2 a request within the dialog that finds none', () => {
  it.each([
    ['INVITE', 481],
    ['UPDATE', 481],
    ['INVITE', 408],
    ['UPDATE', 408],
  ] as const)('%s that is answered %i ends the call in the time of a BYE, though none comes', (method, status) => {
    const call = talking();
    call.ask(method, { ...under('caller'), cseq: 5 });
    call.answer(status, method, { ...under('caller'), cseq: 5 });
    expect(call.expire(39_999)).toEqual([]);
    expect(call.expire(1)).toEqual(['terminating probe', 'ended probe']);
  });

  it('goes on where the dialog is heard of after all', () => {
    const call = talking();
    call.ask('UPDATE', { ...under('caller'), cseq: 5 });
    call.answer(408, 'UPDATE', { ...under('caller'), cseq: 5 });
    call.at.now += 30_000;
    call.ask('INVITE', { ...under('callee'), cseq: 5 });
    expect(call.expire(3 * HOUR)).toEqual([]);
  });

  it('RFC 5057 5.3: NOTIFY, INFO and OPTIONS tell nothing of the call', () => {
    const call = talking();
    for (const method of ['NOTIFY', 'OPTIONS', 'INFO', 'REFER']) {
      call.ask(method, { ...under('caller'), cseq: 5 });
      call.answer(481, method, { ...under('caller'), cseq: 5 });
    }
    expect(call.expire(HOUR)).toEqual([]);
  });
});

describe('RFC 3261 15 BYEs that cross', () => {
  it.each([
    ['on-bye', 'callee'],
    ['on-bye', 'caller'],
    ['on-bye-answer', 'callee'],
    ['on-bye-answer', 'caller'],
  ] as const)('%s: the 401 to one of them does not outweigh the 200 to the other, of the %s', (terminating, by) => {
    const call = talking({ terminating });
    const other = by === 'caller' ? 'callee' : 'caller';
    call.bye(other);
    call.bye(by);
    call.byeAnswer(401, other);
    expect(call.byeAnswer(200, by)).toContain('ended bye');
    expect(call.tracker.calls.size).toBe(0);
  });

  it('the answer to a BYE that was not seen ends the call too', () => {
    expect(talking().byeAnswer()).toEqual(['terminating bye', 'ended bye']);
  });

  it('RFC 3515: a NOTIFY does not take back a BYE that is asked for credentials', () => {
    const call = talking();
    call.bye();
    call.byeAnswer(401);
    expect(call.ask('NOTIFY', { ...under('callee'), cseq: 9 })).toEqual([]);
  });
});

describe('RFC 3261 13.2.2.4 several forks that answered', () => {
  it('one that is never acknowledged holds the call no longer than a BYE', () => {
    const call = talking({ talking: 'on-ack' });
    call.ok(under('caller', 'b2'));
    call.bye();
    call.byeAnswer();
    expect(call.expire(40_000)).toEqual(['terminating timeout', 'ended timeout']);
  });

  it('RFC 4028: the shorter timer of the one that is left counts', () => {
    const call = talking({}, se(1800));
    call.ok({ ...under('caller', 'b2'), headers: se(90) });
    call.ack(under('caller', 'b2'));
    call.bye();
    call.byeAnswer();
    expect(call.expire(89_999)).toEqual([]);
    expect(call.expire(1)).toEqual(['terminating session-timer', 'ended session-timer']);
  });
});

describe('RFC 3261 14.1 a re-INVITE after a 2xx whose ACK was not seen', () => {
  it.each(['caller', 'callee'] as const)('of the %s shows that there was one: it waits for the INVITE before it', (by) => {
    const call = tracked({ talking: 'on-ack' });
    call.invite();
    call.ring();
    call.ok();
    expect(call.ask('INVITE', { ...under(by), cseq: 5 })).toEqual(['talking']);
    expect(call.expire(HOUR)).toEqual([]);
  });

  it('an UPDATE does not: it need not wait', () => {
    const call = tracked({ talking: 'on-ack' });
    call.invite();
    call.ok();
    expect(call.ask('UPDATE', { ...under('caller'), cseq: 5 })).toEqual([]);
  });
});

describe('FIG. 8 the deadline that is told', () => {
  it('is told anew before it passes while the call goes on', () => {
    const call = talking({}, se(1800));
    call.at.now += 400_000;
    call.ask('UPDATE', { ...under('caller'), cseq: 5 });
    call.answer(200, 'UPDATE', { ...under('caller'), cseq: 5, headers: se(1800) });
    const { toldDeadline, deadline } = call.only();
    const told = toldDeadline === deadline ? [] : call.expire(toldDeadline - call.at.now);
    expect(told).toEqual(toldDeadline === deadline ? [] : ['alive']);
    expect(call.only().toldDeadline).toBe(deadline);
    expect(call.expire(deadline - call.at.now)).toEqual(['terminating session-timer', 'ended session-timer']);
  });

  it('is told anew where the hard cap has moved a little', () => {
    const call = talking();
    call.at.now += HOUR / 2;
    expect(call.ask('INFO', { ...under('caller'), cseq: 5 })).toEqual([]);
    expect(call.expire(3.5 * HOUR)).toEqual(['alive']);
    expect(call.expire(HOUR / 2 - 1)).toEqual([]);
    expect(call.expire(1)).toEqual(['terminating hard-cap', 'ended hard-cap']);
  });

  it.each([
    ['shorter', 90],
    ['longer by little', 2000],
  ])('RFC 4028: a refresh with another interval (%s) outlives the process', (_, seconds) => {
    const before = talking({}, se(1800));
    const rows = kept(before);
    before.ask('UPDATE', { ...under('caller'), cseq: 5 });
    before.answer(200, 'UPDATE', { ...under('caller'), cseq: 5, headers: se(seconds) });
    kept(before, rows);
    const after = tracked();
    for (const row of rows.values()) after.tracker.restore(parseCallRecord(row) as Call, after.at.now);
    const ends = ['terminating session-timer', 'ended session-timer'];
    const events: string[] = [];
    for (let second = 1; second < seconds; second++) events.push(...after.expire(1000));
    expect(events.filter((one) => one !== 'alive')).toEqual([]);
    expect(after.expire(1000)).toEqual(ends);
  });
});

describe('RFC 3261 12 calls taken up from disk after the clock went back', () => {
  it.each([
    ['rings', SETTINGS.earlyCap, () => []],
    ['is being ended', SETTINGS.byeCap, (call: ReturnType<typeof tracked>) => [call.ok(), call.ack(), call.bye()]],
  ] as const)('one that %s waits no longer than one that does so now', (_, cap, go) => {
    const before = tracked();
    before.at.now += 3 * HOUR;
    before.invite();
    before.ring();
    go(before);
    const after = tracked();
    for (const call of before.tracker.takeChanged())
      after.tracker.restore(parseCallRecord(callRecord(call)) as Call, after.at.now);
    expect(after.tracker.calls.size).toBe(1);
    after.expire(cap);
    expect(after.tracker.calls.size).toBe(0);
  });
});

describe('RFC 3264 8.4 a call that began one way', () => {
  it.each(['sendonly', 'recvonly'])('is held by %s once media have flowed both ways', (direction) => {
    const sdp = (way: string) => `${SDP}a=${way}\r\n`;
    const back = direction === 'sendonly' ? 'recvonly' : 'sendonly';
    const call = tracked();
    call.ask('INVITE', { body: sdp(direction) });
    call.ok({ body: sdp(back) });
    call.ack();
    const held = () => heldOf([...call.tracker.calls.ofUser('sip:alice@example.com')][0] as Call);
    const change = (cseq: number, offer: string, answer: string) => {
      call.ask('INVITE', { ...under('caller'), cseq, body: sdp(offer) });
      call.answer(200, 'INVITE', { ...under('caller'), cseq, body: sdp(answer) });
      return held();
    };
    expect([held(), change(2, 'sendrecv', 'sendrecv'), change(3, direction, back)]).toEqual([false, false, true]);
  });
});
