import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deliveries, HOOK_LIMITS, type Op, retryAfter, retryWait, type Waiting } from '../../worker/hooks/index.ts';

const LIMITS = { queue: 8, inFlight: 3 };
const event = (n: number, user = 'alice', at = 0): Waiting => ({ n, user, at, failures: 0, dueAt: at });
const failed = { is: 'failed', reason: 'HTTP 500' } as const;
const delivered = { is: 'delivered' } as const;
const places = (events: readonly Waiting[]) => events.map(({ n }) => n);

describe('Offhook webhooks: order and retries', () => {
  it('a user waits for the event before, other users go on', () => {
    const queue = new Deliveries(LIMITS);
    for (const one of [event(1), event(2), event(3, 'bob')]) queue.put(one);
    expect(places(queue.take(0))).toEqual([1, 3]);
    expect(queue.take(0)).toEqual([]);
    queue.settle(3, delivered, 0, 0);
    expect(queue.take(0)).toEqual([]);
    queue.settle(1, failed, 0, 1);
    expect(queue.take(0)).toEqual([]);
    expect(queue.nextDue()).toBe(HOOK_LIMITS.retryMin);
    expect(places(queue.take(HOOK_LIMITS.retryMin))).toEqual([1]);
    queue.settle(1, delivered, HOOK_LIMITS.retryMin, 0);
    expect(places(queue.take(HOOK_LIMITS.retryMin))).toEqual([2]);
  });

  it('as many as the limit says are under way, and one alone after several failures in a row', () => {
    const queue = new Deliveries({ queue: 100, inFlight: 3 });
    for (let n = 1; n <= 20; n++) queue.put(event(n, `user${n}`));
    for (let failures = 0; failures < HOOK_LIMITS.failuresBeforeOne; ) {
      const taken = queue.take(0);
      expect(taken).toHaveLength(3);
      for (const { n } of taken) {
        queue.settle(n, failed, 0, 0);
        failures++;
      }
    }
    const [probe] = queue.take(0);
    expect(queue.inFlight).toBe(1);
    queue.settle(probe?.n as number, delivered, 0, 0);
    expect(queue.take(0)).toHaveLength(3);
  });

  it('waits double up to the last, less a jitter of up to a half', () => {
    expect([1, 2, 3, 30].map((failures) => retryWait(failures, 1))).toEqual([5_000, 10_000, 20_000, 3_600_000]);
    expect(retryWait(1, 0)).toBe(2_500);
  });

  it('tries for 24 hours, then the event is a dead letter and the next of its user is tried', () => {
    const queue = new Deliveries(LIMITS);
    queue.put(event(1));
    queue.put(event(2, 'alice', 1_000));
    let now = 0;
    let attempts = 0;
    const ops: Op[] = [];
    while (!ops.some(({ op }) => op === 'dead')) {
      expect(places(queue.take(now))).toEqual([1]);
      attempts++;
      ops.push(...queue.settle(1, failed, now, 1));
      now = Math.max(now, queue.nextDue() ?? now);
    }
    expect(ops.at(-1)).toEqual({ op: 'dead', n: 1, failures: attempts, reason: 'HTTP 500' });
    expect(now).toBeLessThanOrEqual(HOOK_LIMITS.retryFor);
    expect(now).toBeGreaterThan(HOOK_LIMITS.retryFor - HOOK_LIMITS.retryMax);
    expect(attempts).toBeLessThan(50);
    expect(places(queue.take(now))).toEqual([2]);
  });

  it('leaves a receiver alone for as long as it asks, within a bound', () => {
    const queue = new Deliveries(LIMITS);
    queue.put(event(1));
    queue.take(0);
    queue.settle(1, { ...failed, retryAfter: 60_000 }, 0, 0);
    expect(queue.nextDue()).toBe(60_000);
    queue.take(60_000);
    queue.settle(1, { ...failed, retryAfter: 1e12 }, 60_000, 0);
    expect(queue.nextDue()).toBe(60_000 + HOOK_LIMITS.retryMax);
  });

  it('RFC 9110 10.2.3: Retry-After is seconds or a date', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(retryAfter('120', now)).toBe(120_000);
    expect(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    expect([null, 'soon', ''].map((header) => retryAfter(header, now))).toEqual([undefined, undefined, undefined]);
  });

  it('begins nothing while it is shut, and goes on where it was', () => {
    const queue = new Deliveries(LIMITS);
    queue.put(event(1));
    queue.open = false;
    expect(queue.take(0)).toEqual([]);
    expect(queue.nextDue()).toBeUndefined();
    queue.open = true;
    expect(places(queue.take(0))).toEqual([1]);
  });

  it('what is replayed comes before what is newer of its user', () => {
    const queue = new Deliveries(LIMITS);
    queue.put(event(5));
    queue.put(event(2));
    queue.put(event(2));
    expect(queue.pending).toBe(2);
    expect(places(queue.take(0))).toEqual([2]);
  });

  it('leaves out the oldest that a newer one of its user supersedes where there is no room, else the oldest of all', () => {
    const queue = new Deliveries({ queue: 3, inFlight: 1 });
    queue.put(event(1, 'bob'));
    queue.put(event(2));
    queue.put(event(3));
    expect(queue.put(event(4, 'carol'))).toEqual([{ op: 'superseded', n: 2 }]);
    expect(queue.put(event(5, 'dave'))).toEqual([{ op: 'dead', n: 1, failures: 0, reason: 'overflow' }]);
    expect(queue.pending).toBe(3);
  });

  it('an answer that comes twice, or for what is not under way, changes nothing', () => {
    const queue = new Deliveries(LIMITS);
    queue.put(event(1));
    queue.take(0);
    expect(queue.settle(1, delivered, 0, 0)).toHaveLength(1);
    expect(queue.settle(1, delivered, 0, 0)).toEqual([]);
    expect(queue.settle(7, failed, 0, 0)).toEqual([]);
  });
});

type Act =
  | { readonly act: 'put'; readonly user: number }
  | { readonly act: 'take' }
  | { readonly act: 'settle'; readonly which: number; readonly good: boolean }
  | { readonly act: 'pass'; readonly ms: number }
  | { readonly act: 'shut' }
  | { readonly act: 'open' }
  | { readonly act: 'lose-memory' };

const acts = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant('put' as const), user: fc.nat(4) }) },
    { weight: 4, arbitrary: fc.constant({ act: 'take' as const }) },
    { weight: 6, arbitrary: fc.record({ act: fc.constant('settle' as const), which: fc.nat(9), good: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('pass' as const), ms: fc.nat(4 * 3_600_000) }) },
    { weight: 1, arbitrary: fc.constant({ act: 'shut' as const }) },
    { weight: 1, arbitrary: fc.constant({ act: 'open' as const }) },
    { weight: 1, arbitrary: fc.constant({ act: 'lose-memory' as const }) },
  ),
  { maxLength: 120 },
) satisfies fc.Arbitrary<Act[]>;

/** Runs acts against a queue with what would be stored beside it, and checks what must hold at each step. */
function run(script: readonly Act[]): { queue: Deliveries; put: Waiting[]; ended: Map<number, Op['op']>; now: number } {
  let queue = new Deliveries(LIMITS);
  const stored = new Map<number, Waiting>();
  const put: Waiting[] = [];
  const ended = new Map<number, Op['op']>();
  let flying: Waiting[] = [];
  let now = 0;
  const apply = (ops: readonly Op[]) => {
    for (const op of ops) {
      const row = stored.get(op.n) as Waiting;
      if (op.op === 'retry') {
        stored.set(op.n, { ...row, failures: op.failures, dueAt: op.dueAt });
        expect(op.dueAt).toBeLessThanOrEqual(row.at + HOOK_LIMITS.retryFor);
        expect(op.dueAt).toBeGreaterThan(now);
        continue;
      }
      expect(ended.has(op.n)).toBe(false);
      ended.set(op.n, op.op);
      stored.delete(op.n);
      if (op.op === 'superseded') expect(put.some(({ n, user }) => n > op.n && user === row.user)).toBe(true);
    }
  };
  for (const act of script) {
    if (act.act === 'put') {
      const one = event(put.length + 1, `user${act.user}`, now);
      put.push(one);
      stored.set(one.n, one);
      apply(queue.put(one));
    } else if (act.act === 'take') {
      const taken = queue.take(now);
      for (const one of taken) {
        // What was put before it of the same user has ended.
        const before = put.filter(({ n, user }) => user === one.user && n < one.n);
        expect(before.every(({ n }) => ended.has(n))).toBe(true);
        expect(one.dueAt).toBeLessThanOrEqual(now);
      }
      flying.push(...taken);
    } else if (act.act === 'settle') {
      const [one] = flying.splice(act.which % Math.max(1, flying.length), 1);
      if (one !== undefined) apply(queue.settle(one.n, act.good ? delivered : failed, now, 0.5));
    } else if (act.act === 'pass') now += act.ms;
    else if (act.act === 'lose-memory') {
      queue = new Deliveries(LIMITS);
      for (const one of stored.values()) queue.put(one);
      flying = [];
    } else queue.open = act.act === 'open';
    expect(queue.pending).toBe(stored.size);
    expect(queue.pending).toBeLessThanOrEqual(LIMITS.queue);
    expect(queue.inFlight).toBeLessThanOrEqual(LIMITS.inFlight);
    expect(new Set(flying.map(({ user }) => user)).size).toBe(flying.length);
  }
  for (const { n } of flying) apply(queue.settle(n, delivered, now, 0));
  return { queue, put, ended, now };
}

describe('Offhook webhooks: whatever happens', () => {
  it('each user is told in order, nothing is lost, and no limit is passed', () => {
    fc.assert(
      fc.property(acts, (script) => {
        const { queue, put, ended, now } = run(script);
        // Once the receiver answers, everything that did not end before is delivered.
        queue.open = true;
        for (let at = now; queue.pending > 0; at = Math.max(at, queue.nextDue() ?? at)) {
          for (const { n } of queue.take(at)) for (const { op } of queue.settle(n, delivered, at, 0)) ended.set(n, op);
        }
        expect([...ended.keys()].sort((a, b) => a - b)).toEqual(put.map(({ n }) => n));
      }),
      { numRuns: 300 },
    );
  });
});

describe('Offhook webhooks: a user whose data are deleted', () => {
  it('has nothing waiting any more, what is under way changes nothing, and what is newer goes on', () => {
    const queue = new Deliveries(LIMITS);
    for (const one of [event(1), event(2), event(3), event(4, 'bob')]) queue.put(one);
    expect(places(queue.take(0))).toEqual([1, 4]);
    queue.forget('alice', [1, 2]);
    expect([queue.pending, queue.inFlight]).toEqual([2, 1]);
    expect(queue.settle(1, failed, 0, 0)).toEqual([]);
    expect(places(queue.take(0))).toEqual([3]);
    queue.forget('alice', [3]);
    queue.forget('nobody', []);
    expect([queue.pending, queue.nextDue()]).toEqual([1, undefined]);
  });
});
