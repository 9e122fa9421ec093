import { describe, expect, it } from 'vitest';
import { PRESENCE_LIMITS } from '../../worker/presence/index.ts';
import type { Update } from '../../worker/protocol/index.ts';
import { SimulatedUser } from './support/user.ts';

/** The same update at another place of the stream. */
const at = (update: Update, place: Partial<Pick<Update, 'epoch' | 'sequence' | 'previous'>>): Update => ({ ...update, ...place });

describe('Offhook updates are identified by site, epoch and sequence', () => {
  it('answers duplicate for what was stored before, with the version as it is now', () => {
    const user = new SimulatedUser();
    const first = user.stream('site-a').next(user.say.online());
    user.apply(first);
    user.tell(user.say.talking('c1'));
    const before = user.record;
    expect(user.apply(first)).toEqual({ sequence: 1, verdict: 'duplicate', version: 2 });
    expect(user.record).toBe(before);
  });

  it('answers stale for a sequence before the unbroken chain, and for an older epoch', () => {
    const user = new SimulatedUser();
    const word = user.stream('site-a').next(user.say.online());
    user.apply(at({ ...word, status: 'snapshot', terminals: [], calls: [] } as Update, { sequence: 9, previous: 8 }));
    const last = { epoch: word.epoch, sequence: 9 };
    expect(user.apply(at(word, { sequence: 8, previous: 7 }))).toEqual({ sequence: 8, verdict: 'stale', last });
    expect(user.apply(at(word, { epoch: word.epoch - 1, sequence: 90 }))).toEqual({ sequence: 90, verdict: 'stale', last });
  });

  it('answers gap where an update before it is missing', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const before = user.record;
    user.stream('site-a').next(user.say.offline());
    const update = user.stream('site-a').next(user.say.talking('c1'));
    expect(user.apply(update)).toEqual({ sequence: 3, verdict: 'gap', last: { epoch: update.epoch, sequence: 1 } });
    expect(user.record).toBe(before);
  });

  it('answers gap without a last one where the site was never heard', () => {
    const user = new SimulatedUser();
    const update = at(user.stream('site-a').next(user.say.online()), { sequence: 5, previous: 4 });
    expect(user.apply(update)).toEqual({ sequence: 5, verdict: 'gap', last: null });
  });

  it('takes a new chain in a new epoch only from a snapshot, or where nothing is held of the site', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const open = at(user.stream('site-b').next(user.say.online()), { epoch: user.now + 1 });
    expect(user.apply(open).verdict).toBe('gap');
    expect(user.apply({ ...open, status: 'snapshot', terminals: [], calls: [] } as Update).verdict).toBe('accepted');
    expect(user.apply(at(open, { epoch: user.now + 2 })).verdict).toBe('accepted');
  });

  it('takes a newer snapshot whatever went before it, and counts the chain from there', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online());
    const snapshot = user.stream('site-a').next(user.say.snapshot([user.say.terminal()], []));
    expect(user.apply(at(snapshot, { sequence: 7, previous: 6 })).verdict).toBe('accepted');
    expect(user.apply(at(snapshot, { sequence: 6, previous: 5 })).verdict).toBe('stale');
    expect(user.apply(at(snapshot, { sequence: 8, previous: 7 })).verdict).toBe('accepted');
    expect(user.apply(at(snapshot, { sequence: 7, previous: 6 })).verdict).toBe('duplicate');
  });

  it('has room for a bounded number of sites, and forgets one only that is empty and was silent for long', () => {
    const user = new SimulatedUser();
    user.tell(user.say.online(), 'site-0');
    for (let i = 1; i < PRESENCE_LIMITS.sites; i++) user.tell(user.say.snapshot([], []), `site-${i}`);
    expect(user.tell(user.say.online(), 'one-more')).toMatchObject({ verdict: 'rejected', field: 'site' });
    user.now += PRESENCE_LIMITS.siteMemory;
    expect(
      user.apply(at(user.stream('one-more').next(user.say.online()), { sequence: 1, previous: 0 }), 'one-more').verdict,
    ).toBe('accepted');
    expect(user.record.sites).toHaveLength(PRESENCE_LIMITS.sites);
    expect(user.record.sites.map(({ site }) => site)).toEqual(expect.arrayContaining(['site-0', 'site-2', 'one-more']));
  });
});
