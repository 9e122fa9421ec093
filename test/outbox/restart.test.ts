import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../shim/core/outbox/types.ts';
import { emptyPicture } from './model-worker.ts';
import { ALICE, BOB, call, idle, offline, online, Rig, short, T0 } from './rig.ts';

describe('Offhook outbox: after a restart', () => {
  it('sends what waited first, with its own epoch, then a snapshot of each known user', () => {
    const rig = new Rig();
    rig.report(online(ALICE), call(ALICE, 'talking'));
    rig.deliver();
    rig.report(idle(ALICE));
    const old = rig.epoch;
    rig.restart();
    expect(rig.deliver()?.map(({ epoch, status }) => [epoch, status])).toEqual([
      [old, 'idle'],
      [rig.epoch, 'snapshot'],
    ]);
    rig.report(call(ALICE, 'early'));
    expect(short(rig.deliver())).toEqual(['ali 1>2 early']);
    expect(rig.worker.effects.map(({ status }) => status)).toEqual(['online', 'talking', 'idle', 'snapshot', 'early']);
  });

  it('feeds snapshots in while little waits, and a user who has something to tell does not wait for his turn', () => {
    const rig = new Rig({ reconcileBelow: 3 });
    for (let i = 0; i < 10; i++) rig.report(online(`sip:u${i}@example.com`));
    rig.drain();
    rig.restart();
    rig.report(call('sip:u9@example.com', 'talking'));
    const first = rig.deliver() ?? [];
    expect(first).toHaveLength(3);
    expect(first[0]).toMatchObject({ user: 'sip:u9@example.com', status: 'snapshot', calls: [{ state: 'confirmed' }] });
    rig.drain();
    expect(rig.worker.effects.slice(10).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'snapshot'));
  });

  it('tells the others though the Worker can store nothing of some, and does not ask in a circle', () => {
    const rig = new Rig({ reconcileBelow: 3 });
    const users = Array.from({ length: 10 }, (_, i) => `sip:u${i}@example.com`);
    for (const user of users) rig.report(online(user));
    rig.drain();
    rig.restart();
    const sick = new Set(users.slice(0, 4));
    const told = new Set<string>();
    for (let updates = rig.deliver((u) => (sick.has(u.user) ? 'retry' : undefined)); updates !== undefined; ) {
      for (const { user } of updates) told.add(user);
      updates = rig.deliver((u) => (sick.has(u.user) ? 'retry' : undefined));
    }
    expect(told.size).toBe(10);
    expect(rig.outbox.nextDeadline()).toBeGreaterThan(rig.now);
  });

  it('is done with those who differed also where something happened to one before his turn', () => {
    const rig = new Rig({ reconcileBelow: 1 });
    const users = Array.from({ length: 4 }, (_, i) => `sip:u${i}@example.com`);
    for (const user of users) rig.report(online(user));
    rig.drain();
    rig.outbox.differing(users);
    rig.report(call('sip:u3@example.com', 'talking'));
    expect(rig.outbox.isTelling).toBe(true);
    rig.drain();
    expect(rig.outbox.isTelling).toBe(false);
  });

  it('keeps on disk that a user is to be told anew, though he is gone when it starts again', () => {
    const rig = new Rig();
    rig.report(online(ALICE));
    rig.drain();
    rig.restart();
    rig.report(offline(ALICE));
    rig.restart();
    rig.drain();
    expect(rig.worker.records.get(ALICE)?.picture).toEqual(emptyPicture());
  });

  it('writes a snapshot that was only fed in, once it also stands for something new', () => {
    const rig = new Rig({ batch: 1 });
    rig.report(online(ALICE), online(BOB));
    rig.drain();
    rig.restart();
    rig.take();
    expect(rig.disk.size).toBe(0);
    rig.report(offline(BOB));
    rig.restart();
    rig.drain();
    expect(rig.worker.records.get(BOB)?.picture).toEqual(emptyPicture());
  });

  it('builds a snapshot anew that was on disk, and drops what was chained behind it', () => {
    const rig = new Rig();
    rig.tell(rig.outbox.resync(ALICE, rig.now));
    rig.take();
    rig.report(online(ALICE), call(ALICE, 'talking'));
    rig.restart();
    expect(short(rig.deliver())).toEqual(['ali 0>1 snapshot']);
    expect(rig.disk.size).toBe(0);
    rig.drain();
    expect(rig.worker.effects).toHaveLength(1);
  });
});

describe('Offhook outbox, as a property against a model of the Worker', () => {
  const users = [ALICE, BOB, 'sip:carol@example.com'];
  const report = fc
    .tuple(fc.constantFrom(...users), fc.integer({ min: 0, max: 6 }), fc.constantFrom('1', '2'))
    .map(([user, kind, id]): Report => {
      if (kind === 0) return online(user, `sip:a@h${id}`);
      if (kind === 1) return offline(user, `sip:a@h${id}`);
      if (kind === 2) return idle(user, id);
      return call(user, (['early', 'talking', 'terminating', 'talking'] as const)[kind - 3] as 'early', id);
    });
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('report' as const), reports: fc.array(report, { minLength: 1, maxLength: 4 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('deliver' as const, 'lose-request' as const, 'lose-answer' as const) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('meddle' as const),
        user: fc.constantFrom(...users),
        with: fc.constantFrom('retry' as const, 'rejected' as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('refuse-big' as const, 'restart' as const, 'die-under-way' as const) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 60_000 }) }) },
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  function act(rig: Rig, one: Step): void {
    switch (one.do) {
      case 'report':
        rig.report(...one.reports);
        break;
      case 'pass':
        rig.now += one.ms;
        break;
      case 'restart':
        rig.now += 1;
        rig.restart();
        break;
      case 'meddle':
        // A snapshot is never refused here: its user would rightly be untold until his next change.
        rig.deliver((u) => (u.user === one.user && (one.with === 'retry' || u.status !== 'snapshot') ? one.with : undefined));
        break;
      default: {
        if (one.do === 'deliver') {
          rig.deliver();
          break;
        }
        const updates = rig.take();
        if (updates === undefined) break;
        if (one.do === 'refuse-big' && updates.length > 1) {
          rig.tell(rig.outbox.fail({ reason: 'too-large' }, rig.now));
          break;
        }
        if (one.do === 'lose-answer' || one.do === 'die-under-way') rig.worker.take(updates);
        if (one.do === 'die-under-way') rig.restart();
        else rig.tell(rig.outbox.fail({ reason: 'timeout' }, rig.now));
      }
    }
  }

  it('ends with the truth for each user, each effect once and in order, whatever is lost, refused or killed', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.constantFrom(4, 12, 1000),
        fc.constantFrom(2, 100),
        (steps, max, reconcileBelow) => {
          const rig = new Rig({ max, reconcileBelow, batch: 5 });
          for (const one of steps) {
            act(rig, one);
            expect(rig.outbox.pending).toBeLessThanOrEqual(Math.max(max, users.length) + 5 + users.length);
          }
          rig.drain();
          for (const [user, picture] of rig.truth)
            expect([user, rig.worker.records.get(user)?.picture ?? emptyPicture()]).toEqual([user, picture]);
          for (const user of users) {
            const places = rig.worker.effects.filter((u) => u.user === user).map((u) => (u.epoch - T0) * 1e4 + u.sequence);
            expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
          }
          expect(rig.disk.size).toBe(0);
          expect(rig.outbox.pending).toBe(0);
          expect(rig.events.filter(({ type }) => type === 'overflow' || type === 'superseded')).toEqual([]);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('delivers every single report, in order, where nothing is rejected and the shim lives', () => {
    const quiet = step.filter(
      (one) => !['restart', 'die-under-way', 'refuse-big'].includes(one.do) && !('with' in one && one.with === 'rejected'),
    );
    fc.assert(
      fc.property(fc.array(quiet, { maxLength: 60, size: 'max' }), (steps) => {
        const rig = new Rig();
        for (const one of steps) act(rig, one);
        rig.drain();
        const reports = steps.flatMap((one) => (one.do === 'report' ? one.reports : []));
        for (const user of users) {
          const told = rig.worker.effects
            .filter((u) => u.user === user)
            .map(({ epoch: _, sequence: __, previous: ___, ...rest }) => rest);
          expect(told).toEqual(reports.filter((r) => r.user === user));
        }
        expect(rig.events.filter(({ type }) => type === 'gap')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
