import { describe, expect, it } from 'vitest';
import type { JournalOp, JournalState } from '../../shim/core/journal.ts';
import { KnownUsers } from '../../shim/core/registrar/known.ts';
import type { Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

const YEAR = 365 * 24 * 3_600_000;

/** The disk of a shim with Alice and Bob registered and talking, whose clock said `ahead` ms more than it should have. */
function left(ahead: number): JournalState {
  const shim = testElement();
  shim.at.now += ahead;
  shim.register('alice', flow(2));
  shim.register('bob', flow(3), 7200);
  const [invite] = shim.receive(requestText('INVITE', { body: SDP }), flow(2)).messages;
  const { ops } = shim.receive(answerTo(invite as Message, 200, { body: SDP }), flow(3));
  return {
    bindings: ['alice', 'bob'].flatMap((user) => shim.element.location.get(`sip:${user}@example.com`)),
    dialogs: ops.filter((op): op is JournalOp & { op: 'dialog-put' } => op.op === 'dialog-put'),
    outbox: [],
    known: [],
  };
}

/** A shim that begins with that disk, under the right clock. */
function startedWith(state: JournalState) {
  const shim = testElement({}, 'v');
  shim.element.restore(state, shim.at.now);
  const { location, presence } = shim.element;
  const { tracker } = presence;
  return { shim, location, tracker };
}

describe('Offhook a clock that was ahead when the state was written', () => {
  it('keeps no binding and no call longer than a new one', () => {
    const { shim, location, tracker } = startedWith(left(10 * YEAR));
    shim.expire(0);
    expect([location.size, tracker.calls.size]).toEqual([2, 1]);
    shim.expire(7_200_000);
    expect(location.size).toBe(0);
    shim.expire(7_200_000);
    expect(tracker.calls.size).toBe(0);
    expect(shim.told()).toEqual(expect.arrayContaining(['alice offline', 'bob offline', 'alice idle', 'bob idle']));
  });

  it('calls the phone that has registered since, not the one of the future', () => {
    const { shim, location } = startedWith(left(10 * YEAR));
    shim.at.now += 1000;
    shim.register('bob', flow(4));
    expect(location.lookup('sip:bob@example.com', shim.at.now)[0]?.contact).toBe('sip:bob@127.0.0.4:5060');
  });

  it('leaves what is in time as it is', () => {
    const state = left(0);
    const { location } = startedWith(state);
    expect(location.get('sip:bob@example.com')[0]).toBe(state.bindings[1]);
  });
});

describe('RFC 3261 21.4.18 who was here once is away, not unknown, over a restart too', () => {
  const asked = (shim: ReturnType<typeof testElement>, user: string, callId = user) =>
    shim.receive(requestText('INVITE', { uri: `sip:${user}@example.com`, callId }), flow(9)).messages.at(-1)?.status;
  const known = (ops: readonly JournalOp[]) => ops.flatMap((op) => (op.op === 'known-put' ? [op.aor] : []));

  it('a user is noted once, with the first refresh or end of a binding', () => {
    const shim = testElement();
    expect(known(shim.register('alice', flow(2)).ops)).toEqual([]);
    expect(known(shim.register('alice', flow(2)).ops)).toEqual(['sip:alice@example.com']);
    expect(known(shim.register('alice', flow(2)).ops)).toEqual([]);
    shim.register('bob', flow(3), 60);
    expect(known(shim.expire(61_000).ops)).toEqual(['sip:bob@example.com']);
    expect([asked(shim, 'bob'), asked(shim, 'eve')]).toEqual([480, 404]);
  });

  it('and is told from who never was', () => {
    const { shim } = startedWith({ bindings: [], dialogs: [], outbox: [], known: ['sip:alice@example.com'] });
    expect([asked(shim, 'alice'), asked(shim, 'eve')]).toEqual([480, 404]);
  });

  it('a binding that ran out while no shim ran counts too', () => {
    const state = left(0);
    const shim = testElement({}, 'v');
    shim.at.now += 3 * 3_600_000;
    shim.element.restore(state, shim.at.now);
    expect(known(shim.expire(0).ops).toSorted()).toEqual(['sip:alice@example.com', 'sip:bob@example.com']);
  });

  it('within a limit', () => {
    const users = new KnownUsers();
    users.restore(['sip:a@x', 'sip:b@x', 'sip:c@x'], 2);
    expect([users.size, users.has('sip:c@x')]).toEqual([2, false]);
    const [binding] = left(0).bindings;
    expect(users.learn([{ type: 'refreshed', binding: binding as never }], 2)).toEqual([]);
    expect(known(users.learn([{ type: 'refreshed', binding: binding as never }], 3))).toEqual(['sip:alice@example.com']);
  });
});
