import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '#protocol';
import { parseAnswer } from '../../shim/core/outbox/answer.ts';
import { ALICE, BOB, call, idle, online, Rig, short } from './rig.ts';

const VERSION = { verdict: 'accepted', version: 1 } as const;

describe('Offhook outbox: chain and batches', () => {
  it('gives each update its place in the epoch and in the chain of its user', () => {
    const rig = new Rig();
    rig.report(online(ALICE), online(BOB), call(ALICE, 'early'), call(ALICE, 'talking'));
    expect(short(rig.take())).toEqual(['ali 0>1 online', 'ali 1>3 early', 'ali 3>4 talking', 'bob 0>2 online']);
  });

  it('gives at once when idle, gathers while a request is under way, and then gives all of it', () => {
    const rig = new Rig();
    rig.report(online(ALICE));
    expect(short(rig.take())).toEqual(['ali 0>1 online']);
    rig.report(call(ALICE, 'early'), online(BOB));
    expect(rig.take()).toBeUndefined();
    expect(rig.outbox.nextDeadline()).toBeUndefined();
    rig.settle([{ sequence: 1, ...VERSION }]);
    expect(short(rig.take())?.toSorted()).toEqual(['ali 1>2 early', 'bob 0>3 online']);
  });

  it('gathers for 25 ms from the start of a batch of eight or more, and not behind a smaller one or a backlog', () => {
    const rig = new Rig({ batch: 20 });
    const report = (n: number) => {
      for (let i = 0; i < n; i++) rig.report(online(`sip:u${i}@example.com`, `sip:${rig.now}.${n}.${i}@h`));
    };
    report(7);
    expect(rig.deliver()).toHaveLength(7);
    report(8);
    expect(rig.deliver()).toHaveLength(8);
    report(1);
    expect(rig.take()).toBeUndefined();
    expect(rig.outbox.nextDeadline()).toBe(rig.now + 25);
    rig.now += 24;
    expect(rig.take()).toBeUndefined();
    rig.now += 1;
    expect(rig.deliver()).toHaveLength(1);
    report(45);
    expect([rig.deliver(), rig.deliver(), rig.deliver()].map((batch) => batch?.length)).toEqual([20, 20, undefined]);
    rig.now += 25;
    expect(rig.deliver()).toHaveLength(5);
  });

  it('keeps the end of a call together while requests are under way: for 50 ms, or until anything more happens to the user', () => {
    const rig = new Rig();
    rig.report(online(ALICE), call(ALICE, 'talking'));
    rig.deliver();
    // Nothing is under way: told at once, and as in FIG. 5.
    rig.report(call(ALICE, 'terminating'));
    expect(short(rig.deliver())).toEqual(['ali 2>3 terminating']);
    rig.report(idle(ALICE), call(ALICE, 'talking', 'c2'));
    rig.deliver();
    for (const next of [idle(ALICE, 'c2'), undefined, online(ALICE, 'sip:b@h2')]) {
      rig.report(online(BOB, `sip:${rig.now}@h`));
      const flying = rig.take() ?? [];
      rig.report(call(ALICE, 'terminating', 'c2'));
      rig.settle(rig.worker.take(flying));
      expect(rig.take()).toBeUndefined();
      expect(rig.outbox.nextDeadline()).toBe(rig.now + 50);
      rig.now += next === undefined ? 50 : 49;
      if (next !== undefined) rig.report(next);
      expect(rig.deliver()?.map(({ status }) => status)).toEqual(['terminating', ...(next === undefined ? [] : [next.status])]);
      rig.report(call(ALICE, 'talking', 'c2'));
      rig.deliver();
    }
  });

  it('removes an update from disk only when the Worker has given its verdict', () => {
    const rig = new Rig();
    rig.report(online(ALICE), call(ALICE, 'talking'));
    expect(rig.disk.size).toBe(2);
    rig.take();
    expect(rig.disk.size).toBe(2);
    rig.settle([
      { sequence: 1, ...VERSION },
      { sequence: 2, verdict: 'retry', reason: 'busy' },
    ]);
    expect([...rig.disk.keys()]).toEqual([`${rig.epoch} 2`]);
    expect(rig.outbox.pending).toBe(1);
  });

  it('holds to the limits of updates and of bytes in a request', () => {
    const rig = new Rig({ batch: 3 });
    for (let i = 0; i < 5; i++) rig.report(online(ALICE, `sip:a@h${i}`));
    expect(rig.deliver()).toHaveLength(3);
    expect(rig.deliver()).toHaveLength(2);
    const small = new Rig({ batchBytes: 500 });
    for (let i = 0; i < 5; i++) small.report(online(ALICE, `sip:${'é'.repeat(40)}@h${i}`));
    for (let n = 0; n < 5; ) {
      const updates = small.deliver() ?? [];
      expect(updates.length).toBeGreaterThan(0);
      expect(Buffer.byteLength(JSON.stringify(updates))).toBeLessThanOrEqual(500);
      n += updates.length;
    }
  });

  it('serves users in turn, so that one with much to tell does not keep the others waiting', () => {
    const rig = new Rig({ batch: 2 });
    for (let i = 0; i < 6; i++) rig.report(online(ALICE, `sip:a@h${i}`));
    rig.report(online(BOB));
    rig.deliver();
    expect(short(rig.deliver())).toContain('bob 0>7 online');
  });
});

describe('Offhook outbox: verdicts', () => {
  it('is done with what is accepted, duplicate or stale', () => {
    const rig = new Rig();
    rig.report(online(ALICE), call(ALICE, 'early'), idle(ALICE));
    rig.take();
    rig.settle([
      { sequence: 1, ...VERSION },
      { sequence: 2, verdict: 'duplicate', version: 1 },
      { sequence: 3, verdict: 'stale', last: { epoch: rig.epoch, sequence: 9 } },
    ]);
    expect(rig.outbox.pending).toBe(0);
    expect(rig.disk.size).toBe(0);
    expect(rig.outbox.counters).toMatchObject({ accepted: 1, duplicate: 1, stale: 1 });
  });

  it('answers a gap with one snapshot in place of all that waits for the user', () => {
    const rig = new Rig();
    rig.report(online(ALICE), call(ALICE, 'early'));
    rig.take();
    rig.report(call(ALICE, 'talking'), online(BOB));
    const gap = { verdict: 'gap', last: null } as const;
    rig.settle([
      { sequence: 1, ...gap },
      { sequence: 2, ...gap },
    ]);
    const [bob, alice] = rig.deliver() ?? [];
    expect(short([bob as never, alice as never])).toEqual(['bob 0>4 online', 'ali 3>5 snapshot']);
    expect(alice).toMatchObject({ terminals: [{ contact: 'sip:a@h1' }], calls: [{ id: 'c1', state: 'confirmed' }] });
    expect(rig.events).toEqual([{ type: 'gap', user: ALICE }]);
    rig.report(idle(ALICE));
    expect(short(rig.deliver())).toEqual(['ali 5>6 idle']);
    expect(rig.disk.size).toBe(0);
  });

  it('builds a snapshot when it is taken, with what was reported meanwhile', () => {
    const rig = new Rig();
    rig.tell(rig.outbox.resync(ALICE, rig.now));
    rig.report(online(ALICE), call(ALICE, 'talking'));
    const [snapshot, ...rest] = rig.take() ?? [];
    expect(rest).toEqual([]);
    expect(snapshot).toMatchObject({ status: 'snapshot', terminals: [{ contact: 'sip:a@h1' }], calls: [{ state: 'confirmed' }] });
  });

  it('repeats a snapshot whose answer was lost as it was, and what happened since then behind it', () => {
    const rig = new Rig();
    rig.tell(rig.outbox.resync(ALICE, rig.now));
    const first = rig.take();
    rig.report(online(ALICE));
    rig.tell(rig.outbox.fail({ reason: 'timeout' }, rig.now));
    rig.now += 1000;
    const second = rig.take();
    expect(second?.[0]).toEqual(first?.[0]);
    expect(short(second)).toEqual(['ali 0>1 snapshot', 'ali 1>2 online']);
  });

  it('drops a rejected update, tells it upstream, and tells the user by one snapshot', () => {
    const rig = new Rig();
    rig.report(online(ALICE), call(ALICE, 'talking'), idle(ALICE));
    rig.deliver((update) => (update.status === 'talking' ? 'rejected' : undefined));
    expect(rig.events).toContainEqual({ type: 'rejected', user: ALICE, status: 'talking', field: 'call', reason: 'no' });
    expect(short(rig.deliver())).toEqual(['ali 3>4 snapshot']);
    expect(rig.outbox.nextDeadline()).toBeUndefined();
  });

  it('does not repeat a rejected snapshot until something changes for the user', () => {
    const rig = new Rig();
    rig.tell(rig.outbox.resync(ALICE, rig.now));
    rig.deliver(() => 'rejected');
    expect(rig.outbox.pending).toBe(0);
    expect(rig.outbox.nextDeadline()).toBeUndefined();
    rig.report(online(ALICE));
    expect(short(rig.deliver())).toEqual(['ali 1>2 snapshot']);
  });

  it('tells a user anew whose snapshot was rejected while more of his was waiting', () => {
    const rig = new Rig();
    rig.tell(rig.outbox.resync(ALICE, rig.now));
    const updates = rig.take() ?? [];
    rig.report(online(ALICE));
    rig.settle(rig.worker.take(updates, () => 'rejected'));
    expect(short(rig.deliver())).toEqual(['ali 2>3 snapshot']);
    expect(rig.disk.size).toBe(0);
  });

  it('keeps `retry` in order, with a pause of its own while other users go on', () => {
    const rig = new Rig();
    rig.report(online(ALICE), call(ALICE, 'talking'), online(BOB));
    rig.deliver((update) => (update.status === 'online' && update.user === ALICE ? 'retry' : undefined));
    rig.report(call(BOB, 'early'), idle(ALICE));
    expect(short(rig.deliver())).toEqual(['bob 3>4 early']);
    expect(rig.deliver()).toBeUndefined();
    rig.now = rig.outbox.nextDeadline() as number;
    expect(short(rig.deliver())).toEqual(['ali 0>1 online', 'ali 1>2 talking', 'ali 2>5 idle']);
    expect(rig.worker.effects.filter(({ user }) => user === ALICE).map(({ status }) => status)).toEqual([
      'online',
      'talking',
      'idle',
    ]);
  });

  it('does not run in a circle with a Worker that calls a snapshot a gap', () => {
    const rig = new Rig();
    rig.tell(rig.outbox.resync(ALICE, rig.now));
    rig.take();
    rig.settle([{ sequence: 1, verdict: 'gap', last: null }]);
    expect(rig.take()).toBeUndefined();
    expect(rig.outbox.nextDeadline()).toBeGreaterThan(rig.now);
  });

  it('begins a later epoch where the Worker holds one, and tells everybody anew', () => {
    const rig = new Rig();
    rig.report(online(ALICE), online(BOB));
    rig.worker.take([{ ...online(BOB), epoch: rig.epoch + 5000, sequence: 7, previous: 0 }]);
    rig.deliver();
    expect(rig.events).toEqual([{ type: 'superseded', epoch: rig.epoch + 5001 }]);
    expect(rig.take()).toBeUndefined();
    rig.drain();
    expect(rig.worker.effects.slice(-2).map((u) => [u.user, u.epoch, u.status])).toEqual([
      [ALICE, rig.epoch + 5001, 'snapshot'],
      [BOB, rig.epoch + 5001, 'snapshot'],
    ]);
  });

  it('lets verdicts that come after a later incarnation was heard of take nothing away from the new one', () => {
    const rig = new Rig();
    rig.report(online(ALICE));
    const flying = rig.take() ?? [];
    rig.tell(rig.outbox.superseded(rig.epoch + 5000, rig.now));
    rig.settle(rig.worker.take(flying));
    expect(rig.outbox.pending).toBe(1);
    rig.drain();
    expect(rig.worker.effects.map(({ status }) => status)).toEqual(['online', 'snapshot']);
  });

  it('takes verdicts that are not those of the batch for garbage, and keeps everything', () => {
    const rig = new Rig();
    rig.report(online(ALICE));
    rig.take();
    rig.settle([{ sequence: 2, ...VERSION }]);
    expect(rig.events).toMatchObject([{ type: 'failed', failure: { reason: 'garbage' } }]);
    expect(rig.disk.size).toBe(1);
    rig.now += 1000;
    expect(rig.take()).toHaveLength(1);
  });
});

describe('Offhook outbox: shape of the answer', () => {
  const good: Verdict[] = [
    { sequence: 1, verdict: 'accepted', version: 3 },
    { sequence: 2, verdict: 'duplicate', version: 3 },
    { sequence: 3, verdict: 'stale', last: { epoch: 1, sequence: 2 } },
    { sequence: 4, verdict: 'gap', last: null },
    { sequence: 5, verdict: 'rejected', field: 'call', reason: 'no' },
    { sequence: 6, verdict: 'retry', reason: 'busy' },
  ];

  it('reads every verdict', () => {
    expect(parseAnswer(JSON.stringify({ results: good }), 6)).toEqual({ results: good });
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '<html>',
    '{"results":{}}',
    '{"results":[]}',
    '{"results":[null]}',
    '{"results":[{"sequence":1}]}',
    '{"results":[{"sequence":1,"verdict":"fine"}]}',
    '{"results":[{"sequence":"1","verdict":"accepted","version":1}]}',
    '{"results":[{"sequence":1,"verdict":"accepted"}]}',
    '{"results":[{"sequence":1,"verdict":"stale","last":null}]}',
    '{"results":[{"sequence":1,"verdict":"stale","last":{"epoch":1e300,"sequence":1}}]}',
    '{"results":[{"sequence":1,"verdict":"retry"}]}',
    '{"results":[{"sequence":1,"verdict":"rejected","field":1,"reason":""}]}',
  ])('refuses %s', (text) => {
    expect(parseAnswer(text, 1)).toBeUndefined();
  });

  it('never throws, whatever JSON comes', () => {
    fc.assert(fc.property(fc.json(), (text) => parseAnswer(text, 1) === undefined));
  });
});
