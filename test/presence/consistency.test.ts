import { describe, expect, it } from 'vitest';
import { check } from '../../worker/presence/index.ts';
import { SimulatedUser } from './support/user.ts';

describe('FIG. 8 consistency check, one terminal and one call', () => {
  it('steps 101, 102: an on-line report makes the terminal online', () => {
    const user = new SimulatedUser();
    expect(user.tell(user.say.online())).toEqual({ sequence: 1, verdict: 'accepted', version: 1 });
    expect(user.state).toBe('online/idle');
  });

  it('steps 103, 105, 106: off-line while talking is offline-waiting, and the conflict is told', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    expect(user.tell(user.say.offline())).toMatchObject({
      verdict: 'accepted',
      conflict: { rule: 'offline-while-talking', reported: 'offline', recorded: 'talking', resolved: 'offline-waiting' },
    });
    expect(user.state).toBe('offline-waiting/talking');
    expect(user.document.status).toBe('offline-waiting');
  });

  it('step 107: off-line while not talking is offline', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    expect(user.tell(user.say.offline())).not.toHaveProperty('conflict');
    expect(user.state).toBe('offline/idle');
  });

  it('steps 111, 112: talking leaves a terminal online that was reported before', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    expect(user.tell(user.say.talking('c1'))).not.toHaveProperty('conflict');
    expect(user.state).toBe('online/talking');
  });

  it('step 112: talking makes the terminal online where no on-line report came before', () => {
    const user = new SimulatedUser();
    expect(user.tell(user.say.talking('c1'))).toMatchObject({
      conflict: { rule: 'talking-while-offline', reported: 'talking', recorded: 'offline', resolved: 'online' },
    });
    expect(user.state).toBe('online/talking');
  });

  it('step 114: terminating, then idle, leaves the terminal online', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    user.tell(user.say.terminating('c1'));
    expect(user.state).toBe('online/terminating');
    user.tell(user.say.idle('c1'));
    expect(user.state).toBe('online/idle');
  });

  it('steps 115, 116: terminating while offline-waiting makes the terminal offline', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    user.tell(user.say.offline());
    expect(user.tell(user.say.terminating('c1'))).toMatchObject({
      conflict: { rule: 'terminating-while-waiting', recorded: 'offline-waiting', resolved: 'offline' },
    });
    expect(user.state).toBe('offline/terminating');
    user.tell(user.say.idle('c1'));
    expect(user.state).toBe('offline/idle');
  });

  it('an on-line report while offline-waiting returns to online, and the call goes on', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    user.tell(user.say.offline());
    expect(user.tell(user.say.online())).toMatchObject({
      conflict: { rule: 'online-while-waiting', recorded: 'offline-waiting', resolved: 'online' },
    });
    expect(user.state).toBe('online/talking');
    user.tell(user.say.terminating('c1'));
    expect(user.state).toBe('online/terminating');
  });

  it('shows a conflict and its resolution in the history too', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    user.tell(user.say.talking('c1'));
    user.tell(user.say.offline());
    expect(user.changes.at(-1)?.entry).toMatchObject({
      version: 3,
      terminalStatus: 'offline-waiting',
      callStatus: 'talking',
      cause: { by: 'update', site: 'site-a', sequence: 3, status: 'offline' },
      reason: 'unregistered',
      conflict: { rule: 'offline-while-talking' },
    });
  });
});

describe('FIG. 8 consistency check, as a table', () => {
  it.each([
    ['online', 'offline', 1, 0, 'online', undefined],
    ['online', 'online', 2, 1, 'online', undefined],
    ['online', 'offline-waiting', 1, 1, 'online', 'online-while-waiting'],
    ['offline', 'online', 0, 0, 'offline', undefined],
    ['offline', 'online', 0, 1, 'offline-waiting', 'offline-while-talking'],
    ['offline', 'online', 1, 1, 'online', undefined],
    ['offline', 'offline', 0, 0, 'offline', undefined],
    ['offline', 'offline-waiting', 0, 1, 'offline-waiting', undefined],
    ['talking', 'offline', 0, 1, 'online', 'talking-while-offline'],
    ['talking', 'online', 1, 1, 'online', undefined],
    ['talking', 'offline-waiting', 0, 2, 'offline-waiting', undefined],
    ['terminating', 'offline-waiting', 0, 0, 'offline', 'terminating-while-waiting'],
    ['terminating', 'offline-waiting', 0, 1, 'offline-waiting', undefined],
    ['terminating', 'online', 1, 0, 'online', undefined],
    ['terminating', 'offline', 0, 0, 'offline', undefined],
  ] as const)(
    '%s, recorded %s, %i terminals, %i confirmed calls -> %s',
    (reported, recorded, terminals, confirmed, status, rule) => {
      const { terminalStatus, conflict } = check(reported, { recorded, terminals, confirmed });
      expect([terminalStatus, conflict?.rule]).toEqual([status, rule]);
    },
  );
});
