import { describe, expect, it } from 'vitest';
import { backoff } from '../../shim/core/outbox/backoff.ts';
import type { SendFailure } from '../../shim/core/outbox/types.ts';
import { ALICE, BOB, call, idle, online, Rig, short } from './rig.ts';

/** Fails the next request, and says how long the outbox then waits. */
function fail(rig: Rig, failure: SendFailure): number {
  expect(rig.take()).toBeDefined();
  rig.tell(rig.outbox.fail(failure, rig.now));
  const pause = (rig.outbox.nextDeadline() as number) - rig.now;
  expect(rig.events.at(-1)).toMatchObject({ type: 'failed', failure, pause });
  if (pause > 0) {
    rig.now += pause - 1;
    expect(rig.take()).toBeUndefined();
    rig.now += 1;
  }
  return pause;
}

describe('Offhook outbox: failed requests', () => {
  it('backs off exponentially with jitter up to the greatest pause, and removes nothing', () => {
    const rig = new Rig({ backoffMin: 100, backoffMax: 1000 });
    rig.report(online(ALICE));
    const pauses = Array.from({ length: 6 }, () => fail(rig, { reason: 'unreachable' }));
    expect(pauses).toEqual([75, 150, 300, 600, 750, 750]);
    expect(rig.disk.size).toBe(1);
    expect(short(rig.deliver())).toEqual(['ali 0>1 online']);
    rig.report(idle(ALICE));
    expect(fail(rig, { reason: 'server', status: 500 })).toBe(75);
  });

  it('spreads the pause between half of and the whole', () => {
    expect([0, 0.5, 0.999].map((chance) => backoff(3, 100, 1000, chance))).toEqual([200, 300, 400]);
    expect(backoff(10_000, 100, 1000, 0)).toBe(500);
  });

  it('waits as long as Retry-After says, up to its bound', () => {
    const rig = new Rig({ retryAfterMax: 60_000, backoffMin: 100 });
    rig.report(online(ALICE));
    expect(fail(rig, { reason: 'busy', status: 429, retryAfter: 7000 })).toBe(7050);
    expect(fail(rig, { reason: 'busy', status: 503, retryAfter: 1e9 })).toBe(60_050);
  });

  it.each(['unauthorized', 'misdirected'] as const)('is slow when %s, and loses nothing', (reason) => {
    const rig = new Rig({ backoffRefused: 60_000 });
    rig.report(online(ALICE));
    for (let i = 0; i < 20; i++) expect(fail(rig, { reason })).toBe(60_000);
    expect(short(rig.deliver())).toEqual(['ali 0>1 online']);
  });

  it('halves a batch that is too large, at once, and grows again when one is taken', () => {
    const rig = new Rig({ batch: 8 });
    for (let i = 0; i < 20; i++) rig.report(online(`sip:u${i}@example.com`));
    expect(fail(rig, { reason: 'too-large', status: 413 })).toBe(0);
    expect(rig.deliver()).toHaveLength(4);
    expect(rig.deliver()).toHaveLength(8);
    expect(rig.deliver()).toHaveLength(8);
    expect(rig.deliver()).toBeUndefined();
  });

  it.each(['too-large', 'invalid'] as const)(
    'finds the one update for which a batch is %s; the others come through',
    (reason) => {
      const rig = new Rig({ batch: 16 });
      for (let i = 0; i < 40; i++) rig.report(online(`sip:u${i}@example.com`));
      const bad = 'sip:u13@example.com';
      for (let i = 0; i < 60; i++) {
        const updates = rig.take();
        if (updates === undefined) {
          const next = rig.outbox.nextDeadline();
          if (next === undefined || next > rig.now + 30_000) break;
          rig.now = next;
        } else if (updates.some(({ user }) => user === bad)) rig.tell(rig.outbox.fail({ reason }, rig.now));
        else rig.settle(rig.worker.take(updates));
      }
      expect(rig.worker.effects).toHaveLength(39);
      expect(rig.outbox.pending).toBe(1);
      rig.drain();
      expect(rig.worker.effects.at(-1)).toMatchObject({ user: bad, status: 'snapshot', terminals: [{ contact: 'sip:a@h1' }] });
    },
  );
});

describe('Offhook outbox: when too much waits', () => {
  it('replaces the updates of the user with the most waiting ones by one snapshot', () => {
    const rig = new Rig({ max: 10 });
    rig.report(online(ALICE));
    for (let i = 0; i < 5; i++) rig.report(call(ALICE, 'talking', `c${i}`), idle(ALICE, `c${i}`));
    rig.report(online(BOB));
    expect(rig.events).toEqual([{ type: 'coalesced', user: ALICE, updates: 11 }]);
    expect(short(rig.deliver())).toEqual(['ali 11>12 snapshot', 'bob 0>13 online']);
    expect(rig.disk.size).toBe(0);
  });

  it('never drops the last state of a user, however many users there are', () => {
    const rig = new Rig({ max: 10 });
    for (let i = 0; i < 50; i++) rig.report(online(`sip:u${i}@example.com`), call(`sip:u${i}@example.com`, 'talking'));
    expect(rig.outbox.pending).toBeLessThanOrEqual(55);
    rig.drain();
    for (let i = 0; i < 50; i++) {
      expect(rig.worker.records.get(`sip:u${i}@example.com`)?.picture).toEqual(rig.truth.get(`sip:u${i}@example.com`));
    }
  });

  it('leaves what is under way as it is', () => {
    const rig = new Rig({ max: 4 });
    rig.report(online(ALICE), call(ALICE, 'early'));
    const first = rig.take();
    rig.report(call(ALICE, 'talking'), idle(ALICE), call(ALICE, 'early'), idle(ALICE));
    rig.tell(rig.outbox.fail({ reason: 'timeout' }, rig.now));
    rig.now += 1000;
    const second = rig.take();
    expect(second?.slice(0, 2)).toEqual(first);
    expect(second?.at(2)?.status).toBe('snapshot');
  });

  it('forgets users for whom nothing waits at the limit of users; their next word is a snapshot', () => {
    const rig = new Rig({ users: 2 });
    rig.report(online(ALICE));
    rig.deliver();
    rig.report(online(BOB));
    rig.deliver();
    rig.report(online('sip:carol@example.com'));
    expect(short(rig.deliver())).toEqual(['car 0>3 snapshot']);
    rig.now += 2000;
    rig.report(idle(ALICE));
    expect(short(rig.deliver())).toEqual(['ali 0>4 snapshot']);
  });

  it('says so where there is no room for one more user, and tells him with his next change', () => {
    const rig = new Rig({ users: 1 });
    rig.report(online(ALICE), online(BOB));
    expect(rig.events).toEqual([{ type: 'overflow', user: BOB }]);
    expect(rig.outbox.counters.overflow).toBe(1);
    rig.deliver();
    rig.now += 2000;
    rig.report(call(BOB, 'talking'));
    rig.drain();
    expect(rig.worker.records.get(BOB)?.picture).toEqual(rig.truth.get(BOB));
  });
});
