import { describe, expect, it } from 'vitest';
import { applyGroup, nextDeadline, PRESENCE_LIMITS } from '../../worker/presence/index.ts';
import { SimulatedUser, T0 } from './support/user.ts';

const HOUR = 3_600_000;

describe('FIG. 7 expiry kept by the presence server', () => {
  it('turns a user offline when the terminal passes its expiry', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    expect(user.wait(59_999)).toEqual([]);
    const [change] = user.wait(1);
    expect(change?.entry).toMatchObject({
      terminalStatus: 'offline',
      cause: { by: 'deadline', what: 'terminal-expired' },
      reason: 'expired',
      at: '2026-11-22T10:01:00.000Z',
    });
    expect(user.document.since).toBe('2026-11-22T10:01:00.000Z');
  });

  it('moves the expiry with a refresh, without telling watchers or the history', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    user.now += 30_000;
    user.tell(user.say.online('sip:a@1', { since: T0, expires: T0 + 90_000 }));
    expect(user.changes.map(({ document, entry }) => [document.version, entry !== undefined])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(user.wait(59_999)).toEqual([]);
    expect(user.wait(1)).toHaveLength(1);
  });

  it('holds a talking user offline-waiting when the terminal expires', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    user.tell(user.say.talking('c1'));
    user.wait(60_000);
    expect(user.state).toBe('offline-waiting/talking');
    expect(user.changes.at(-1)?.entry?.conflict?.rule).toBe('offline-while-talking');
  });
});

describe('Offhook deadlines: no state lasts for ever without evidence', () => {
  it('ends a call at its deadline as lost, and a waiting user with it', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1', { deadline: T0 + HOUR }));
    user.tell(user.say.offline());
    user.wait(HOUR);
    expect(user.state).toBe('offline/idle');
    expect(user.changes.at(-1)?.entry).toMatchObject({
      cause: { by: 'deadline', what: 'call-expired' },
      reason: { cause: 'lost' },
      conflict: { rule: 'terminating-while-waiting' },
    });
  });

  it('does not believe a call deadline of more than 24 h', () => {
    const user = new SimulatedUser();
    user.tell(user.say.talking('c1', { deadline: T0 + 1_000 * HOUR }));
    expect(nextDeadline(user.record)?.at).toBe(T0 + PRESENCE_LIMITS.callDeadline);
  });

  it('ends what is implied by a call an hour after the last call', () => {
    const user = new SimulatedUser();
    user.tell(user.say.talking('c1'));
    user.now += HOUR;
    user.tell(user.say.idle('c1'));
    expect(user.state).toBe('online/idle');
    user.wait(PRESENCE_LIMITS.impliedOnline - 1);
    expect(user.state).toBe('online/idle');
    user.wait(1);
    expect(user.state).toBe('offline/idle');
    expect(user.changes.at(-1)?.entry?.cause).toEqual({ by: 'deadline', what: 'implied-online-expired' });
  });

  it('forgets the implied deadline when an on-line report comes, and while another call goes on', () => {
    const user = new SimulatedUser();
    user.tell(user.say.talking('c1'));
    user.tell(user.say.idle('c1'));
    user.tell(user.say.talking('c2'));
    expect(user.record.impliedUntil).toBeNull();
    user.tell(user.say.idle('c2'));
    expect(user.record.impliedUntil).toBe(T0 + PRESENCE_LIMITS.impliedOnline);
    user.tell(user.say.online());
    expect(nextDeadline(user.record)).toBeUndefined();
  });

  it('does not put the implied deadline off for an early call', () => {
    const user = new SimulatedUser();
    user.tell(user.say.talking('c1'));
    user.tell(user.say.idle('c1'));
    user.now += 60_000;
    user.tell(user.say.early('c2'));
    user.tell(user.say.idle('c2'));
    expect(user.record.impliedUntil).toBe(T0 + PRESENCE_LIMITS.impliedOnline);
  });

  it('does not believe an expiry of more than 31 days', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 1_000 * 24 * HOUR }));
    expect(nextDeadline(user.record)?.at).toBe(T0 + PRESENCE_LIMITS.terminalExpiry);
  });

  it('does not expire what a refresh kept alive that was sent in time and arrives late', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    const stream = user.stream('site-a');
    user.now += 30_000;
    const refresh = stream.next(user.say.online('sip:a@1', { since: T0, expires: T0 + 300_000 }));
    const group = applyGroup(user.record, 'site-a', [refresh], T0 + 120_000);
    expect(group.record.terminalStatus).toBe('online');
    expect(group.changes.map(({ entry }) => entry)).toEqual([undefined]);
  });

  it('ends at once what was over before its report arrived', () => {
    const user = new SimulatedUser();
    const late = user.stream('site-a').next(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    const group = applyGroup(user.record, 'site-a', [late], T0 + 120_000);
    expect(group.verdicts).toMatchObject([{ verdict: 'accepted', version: 1 }]);
    expect(group.changes.map(({ document }) => document.terminalStatus)).toEqual(['online', 'offline']);
  });

  it('ends several things in the order of their deadlines when it is called late', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online('sip:a@1', { expires: T0 + 60_000 }));
    user.tell(user.say.talking('c1', { deadline: T0 + 120_000 }));
    const changes = user.wait(HOUR);
    expect(changes.map(({ document }) => `${document.terminalStatus}/${document.callStatus} ${document.since}`)).toEqual([
      'offline-waiting/talking 2026-11-22T10:01:00.000Z',
      'offline/idle 2026-11-22T10:02:00.000Z',
    ]);
  });
});
