import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Lease, lapsed, left, reconciled, renewed } from '../../worker/presence/index.ts';

const T = 1_800_000_000_000;
const L = 30_000;

/** A site that named incarnation 5 and has reconciled, in touch until T + L. */
function held(): Lease {
  const first = renewed(undefined, 5, T - 1, L).lease;
  return reconciled(first, 5, first.round, T, L).lease;
}

describe('Offhook leases: the rule', () => {
  it('holds for its duration from the last word, and is lost at its end, not when that is noticed', () => {
    expect(renewed(held(), 5, T + 10_000, L)).toMatchObject({ state: 'held', lease: { until: T + 40_000, staleSince: null } });
    expect(lapsed(held(), T + L - 1).staleSince).toBeNull();
    expect(lapsed(held(), T + L + 90_000)).toMatchObject({ staleSince: T + L, reconciled: false });
  });

  it('is not renewed by an incarnation that has not reconciled: it lives on the lease of its predecessor', () => {
    const next = renewed(held(), 6, T + 20_000, L);
    expect(next).toMatchObject({ state: 'reconcile', lease: { until: T + L, reconciled: false, staleSince: null } });
    expect(renewed(next.lease, 6, T + 29_000, L)).toMatchObject({ state: 'reconcile', lease: { until: T + L } });
    expect(renewed(next.lease, 6, T + L, L)).toMatchObject({ state: 'reconcile', lease: { staleSince: T + L } });
  });

  it('is held again when the incarnation has reconciled in the round that is wanted, and by no other word', () => {
    const lost = renewed(held(), 5, T + 2 * L, L);
    expect(lost).toMatchObject({ state: 'reconcile', lease: { staleSince: T + L } });
    const { round } = lost.lease;
    expect(round).toBe(held().round + 1);
    expect(reconciled(lost.lease, 5, round - 1, T + 2 * L, L)).toMatchObject({
      state: 'reconcile',
      lease: { staleSince: T + L },
    });
    expect(reconciled(lost.lease, 4, round, T + 2 * L, L)).toMatchObject({ state: 'superseded', lease: { staleSince: T + L } });
    expect(reconciled(lost.lease, 5, round, T + 2 * L, L)).toMatchObject({
      state: 'held',
      lease: { staleSince: null, until: T + 3 * L },
    });
  });

  it('answers an earlier incarnation that it is superseded, and changes nothing for it', () => {
    const before = held();
    expect(renewed(before, 4, T + 1000, L)).toEqual({ state: 'superseded', lease: before });
  });

  it('takes a source that names no incarnation at its word', () => {
    const first = renewed(undefined, undefined, T, L);
    expect(first.state).toBe('held');
    const lost = lapsed(first.lease, T + L);
    expect(lost.staleSince).toBe(T + L);
    expect(renewed(lost, undefined, T + L + 5, L)).toMatchObject({ state: 'held', lease: { staleSince: null } });
  });

  it('is not lost where the site left as planned, and begins anew with its next incarnation', () => {
    const gone = left(held(), 5);
    expect(lapsed(gone, T + 9 * L)).toEqual(gone);
    expect(renewed(gone, 5, T + 1, L).state).toBe('superseded');
    expect(renewed(gone, 6, T + 9 * L, L)).toMatchObject({
      state: 'reconcile',
      lease: { left: false, staleSince: null, until: T + 10 * L },
    });
    expect(left(held(), 4)).toEqual(held());
  });

  it('holds whatever order words and wake-ups come in: epochs and rounds only rise, nobody in silence is in touch', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 40_000 }),
      what: fc.constantFrom('renew', 'reconciled', 'wake', 'wake-twice'),
      epoch: fc.integer({ min: 1, max: 4 }),
      off: fc.integer({ min: -1, max: 0 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = T;
        let lease: Lease | undefined;
        let heard = T;
        for (const { wait, what, epoch, off } of steps) {
          now += wait;
          const before = lease;
          if (what === 'renew') lease = renewed(lease, epoch, now, L).lease;
          else if (lease !== undefined) {
            lease = what === 'reconciled' ? reconciled(lease, epoch, lease.round + off, now, L).lease : lapsed(lease, now);
          }
          if (lease === undefined) continue;
          if (what === 'wake-twice') expect(lapsed(lapsed(lease, now), now)).toEqual(lapsed(lease, now));
          if (before !== undefined) {
            expect(lease.epoch).toBeGreaterThanOrEqual(before.epoch);
            expect(lease.round).toBeGreaterThanOrEqual(before.round);
          }
          if (what === 'renew' || what === 'reconciled') heard = now;
          const seen = lapsed(lease, now);
          if (seen.staleSince === null) expect(now - heard).toBeLessThan(L);
          else expect(seen.staleSince).toBeLessThanOrEqual(now);
          expect(lease.reconciled && seen.staleSince !== null).toBe(false);
        }
      }),
    );
  });
});
