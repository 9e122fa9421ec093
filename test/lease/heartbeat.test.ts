import { describe, expect, it } from 'vitest';
import { SiteLease } from '../../shim/core/lease/lease.ts';
import { Outbox } from '../../shim/core/outbox/outbox.ts';

const T = 1_800_000_000_000;
const held = (duration = 30_000) => ({ state: 'held', duration, epoch: 1, round: 1 }) as const;
const newLease = () => {
  const outbox = new Outbox({ site: 'here', epoch: 1, chance: () => 0.5 }, () => ({ terminals: [], calls: [] }));
  return new SiteLease({ chance: () => 0.5 }, outbox, { users: () => [], digestOf: () => undefined });
};
const BEAT = { kind: 'heartbeat' };

describe('Offhook leases: heartbeats of the shim', () => {
  it('are sent at once at the start, and then every third of the lease that the Worker tells', () => {
    const lease = newLease();
    expect(lease.take(T)).toEqual(BEAT);
    expect([lease.take(T), lease.nextDeadline()]).toEqual([undefined, undefined]);
    lease.settle(held(9000), undefined, T);
    expect(lease.nextDeadline()).toBe(T + 3000);
    expect(lease.take(T + 2999)).toBeUndefined();
    expect(lease.take(T + 3000)).toEqual(BEAT);
  });

  it('are not sent while updates go through: those renew it', () => {
    const lease = newLease();
    lease.spoken(held(), T);
    expect(lease.nextDeadline()).toBe(T + 10_000);
    lease.spoken(held(), T + 9000);
    expect(lease.take(T + 10_000)).toBeUndefined();
    expect(lease.nextDeadline()).toBe(T + 19_000);
    lease.spoken(held(), T + 8000);
    expect(lease.nextDeadline()).toBe(T + 19_000);
  });

  it('are tried again with a pause that doubles up to a third of the lease, so that a lease is not lost by one failure', () => {
    const lease = newLease();
    const pauses: number[] = [];
    let now = T;
    for (let i = 0; i < 8; i++) {
      now = Math.max(now, lease.nextDeadline() as number);
      expect(lease.take(now)).toEqual(BEAT);
      pauses.push(lease.fail({ reason: 'unreachable' }, now));
    }
    expect(pauses).toEqual([188, 375, 750, 1500, 3000, 6000, 7500, 7500]);
    now = lease.nextDeadline() as number;
    expect(lease.take(now)).toEqual(BEAT);
    lease.settle(held(), undefined, now);
    lease.take(now + 10_000);
    expect(lease.fail({ reason: 'timeout' }, now + 10_000)).toBe(188);
  });
});
