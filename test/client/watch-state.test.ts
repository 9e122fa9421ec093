import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PresenceDocument, WatchFrame } from '#protocol';
import { OffhookProblem } from '../../worker/client/problem.ts';
import {
  newWatch,
  step,
  WATCH_LIMITS,
  type WatchAction,
  type WatchInput,
  type WatchState,
} from '../../worker/client/watch-state.ts';

const documentOf = (user: string, version: number) => ({ user, version }) as PresenceDocument;
const change = (user: string, version: number, cursor: string): WatchFrame => ({
  type: 'change',
  presence: documentOf(user, version),
  cursor,
});
const snapshot = (cursor: string, more = false): WatchFrame => ({ type: 'snapshot', users: [], more, cursor });

/** A watch that is played: its state, what it did at the last input, and a clock that stands until it is moved. */
function played(since?: string, socket = true) {
  let state: WatchState = newWatch(since, socket);
  let now = 1_000_000;
  return {
    get state() {
      return state;
    },
    get now() {
      return now;
    },
    in(input: WatchInput, chance = 0): readonly WatchAction[] {
      const next = step(state, input, now, chance);
      state = next.state;
      return next.actions;
    },
    pass(ms: number) {
      now += ms;
    },
  };
}

const names = (actions: readonly WatchAction[]) => actions.map((action) => action.do);

describe('Offhook client: a watch as a state', () => {
  it('opens a WebSocket, tells a snapshot of several frames when it is whole, and goes on from the newest cursor', () => {
    const watch = played();
    expect(watch.in({ is: 'start' })).toEqual([
      { do: 'condition', condition: { state: 'connecting' } },
      { do: 'open', way: 'websocket', cursor: undefined },
    ]);
    watch.in({ is: 'opened' });
    const users = (name: string) => [{ user: name, presence: documentOf(name, 1) }];
    const part = { type: 'snapshot', users: users('a'), more: true, reset: 'expired', cursor: 'p' } as const;
    expect(watch.in({ is: 'frame', frame: part })).toEqual([]);
    expect(watch.in({ is: 'frame', frame: { type: 'snapshot', users: users('b'), more: false, cursor: 's' } })).toEqual([
      { do: 'tell', event: { type: 'snapshot', users: [...users('a'), ...users('b')], reset: 'expired', cursor: 's' } },
      { do: 'condition', condition: { state: 'live' } },
    ]);
    expect(watch.in({ is: 'frame', frame: change('a', 2, 'c') })).toEqual([
      { do: 'tell', event: { type: 'presence', presence: documentOf('a', 2), cursor: 'c' } },
    ]);
    expect(watch.in({ is: 'frame', frame: { type: 'deleted', user: 'a', cursor: 'd' } })).toEqual([
      { do: 'tell', event: { type: 'deleted', user: 'a', cursor: 'd' } },
    ]);
    watch.pass(5);
    expect(watch.in({ is: 'closed', why: 'cut' })).toEqual([
      { do: 'condition', condition: { state: 'lost', heardAt: watch.now, retryAt: watch.now + 500, why: 'cut' } },
    ]);
    expect(watch.in({ is: 'time', taken: true }).at(-1)).toEqual({ do: 'open', way: 'websocket', cursor: 'd' });
    watch.in({ is: 'opened' });
    expect(watch.in({ is: 'frame', frame: { type: 'resumed', exact: true, cursor: 'c' } })).toEqual([
      { do: 'tell', event: { type: 'resumed', exact: true, cursor: 'c' } },
      { do: 'condition', condition: { state: 'live' } },
    ]);
  });

  it('tells what changes between the parts of a snapshot as a part of it, the newest of each user', () => {
    const watch = played();
    watch.in({ is: 'start' });
    watch.in({ is: 'opened' });
    const part = (more: boolean, ...users: readonly (readonly [string, number])[]): WatchFrame => ({
      ...{ type: 'snapshot', more, cursor: more ? 'p' : 's' },
      users: users.map(([user, version]) => ({ user, presence: documentOf(user, version) })),
    });
    const frames = [
      part(true, ['a', 1], ['b', 1], ['c', 1]),
      change('a', 2, 'q'),
      { type: 'deleted', user: 'c', cursor: 'r' } as const,
    ];
    for (const frame of frames) expect(watch.in({ is: 'frame', frame })).toEqual([]);
    // A user who went to another board is told of by both.
    const [tell] = watch.in({ is: 'frame', frame: part(false, ['a', 1], ['b', 3]) });
    const users = [
      ['a', 2],
      ['b', 3],
      ['c', null],
    ].map(([user, version]) => ({
      user,
      presence: version === null ? null : documentOf(user as string, version as number),
    }));
    expect(tell).toEqual({ do: 'tell', event: { type: 'snapshot', users, cursor: 's' } });
  });

  it('goes on from nowhere where it was cut within a snapshot, checks in it or not', () => {
    const watch = played('old');
    expect(watch.in({ is: 'start' }).at(-1)).toEqual({ do: 'open', way: 'websocket', cursor: 'old' });
    watch.in({ is: 'opened' });
    watch.in({
      is: 'frame',
      frame: { ...snapshot('p', true), users: [{ user: 'gone', presence: documentOf('gone', 1) }] } as WatchFrame,
    });
    expect(watch.in({ is: 'frame', frame: { type: 'check', cursor: 'q' } })).toEqual([{ do: 'ack' }]);
    watch.in({ is: 'closed', why: 'cut' });
    expect(watch.in({ is: 'time', taken: true }).at(-1)).toEqual({ do: 'open', way: 'websocket', cursor: undefined });
    watch.in({ is: 'opened' });
    expect(watch.in({ is: 'frame', frame: snapshot('s') })[0]).toEqual({
      do: 'tell',
      event: { type: 'snapshot', users: [], cursor: 's' },
    });
    expect(watch.state.parts).toEqual([]);
  });

  it('reads events where a WebSocket does not open, within the same attempt, and learns there why it is refused', () => {
    for (const never of ['closed', 'time'] as const) {
      const watch = played();
      watch.in({ is: 'start' });
      const actions = watch.in(never === 'closed' ? { is: 'closed', why: '1006' } : { is: 'time', taken: true });
      expect(actions.at(-1)).toEqual({ do: 'open', way: 'events', cursor: undefined });
      expect(watch.state.attempt).toBe(0);
      const problem = new OffhookProblem({ type: '/problems/invalid-token', title: '', status: 401, code: 40102, detail: 'no' });
      expect(watch.in({ is: 'refused', problem })).toEqual([{ do: 'close' }, { do: 'fail', problem }]);
      expect(watch.in({ is: 'retry' })).toEqual([]);
    }
  });

  it('waits longer each time, at least as long as it is told, and from the beginning once something was heard', () => {
    const watch = played(undefined, false);
    watch.in({ is: 'start' });
    const pauses: number[] = [];
    const fail = (after?: number) => {
      watch.in({ is: 'closed', why: 'no', after });
      pauses.push((watch.state.deadline as number) - watch.now);
      watch.pass(pauses.at(-1) as number);
      watch.in({ is: 'time', taken: true });
    };
    fail();
    fail();
    fail(10);
    fail(1e9);
    for (let i = 0; i < 5; i += 1) fail();
    // Opened and closed at once is no better than not opened.
    watch.in({ is: 'opened' });
    fail();
    watch.in({ is: 'opened' });
    watch.in({ is: 'frame', frame: snapshot('s') });
    fail();
    expect(pauses).toEqual([500, 1000, 10_000, WATCH_LIMITS.after, 8000, 16_000, 30_000, 30_000, 30_000, 30_000, 500]);
    watch.in({ is: 'closed', why: 'no' }, 1);
    expect((watch.state.deadline as number) - watch.now).toBe(500);
  });

  it('asks after a silence, and gives up a connection that does not answer', () => {
    const watch = played();
    watch.in({ is: 'start' });
    watch.in({ is: 'opened' });
    expect(watch.state.deadline).toBe(watch.now + WATCH_LIMITS.silence);
    watch.pass(WATCH_LIMITS.silence);
    expect(watch.in({ is: 'time', taken: true })).toEqual([{ do: 'ping' }]);
    watch.pass(1);
    watch.in({ is: 'heard' });
    const heardAt = watch.now;
    watch.pass(WATCH_LIMITS.silence);
    watch.in({ is: 'time', taken: true });
    expect(watch.state.deadline).toBe(watch.now + WATCH_LIMITS.pong);
    watch.pass(WATCH_LIMITS.pong);
    expect(watch.in({ is: 'time', taken: true })).toEqual([
      { do: 'close' },
      { do: 'condition', condition: { state: 'lost', heardAt, retryAt: watch.now + 500, why: 'nothing was heard' } },
    ]);
    expect(watch.in({ is: 'retry' }).at(-1)).toMatchObject({ do: 'open', way: 'websocket' });
  });

  it('does not connect again while what it told is not taken', () => {
    const watch = played();
    watch.in({ is: 'start' });
    watch.in({ is: 'opened' });
    watch.in({ is: 'frame', frame: snapshot('s') });
    watch.in({ is: 'closed', why: 'too slow' });
    expect(watch.in({ is: 'taken' })).toEqual([]);
    expect(watch.in({ is: 'time', taken: false })).toEqual([]);
    expect(watch.state.deadline).toBeUndefined();
    expect(names(watch.in({ is: 'taken' }))).toEqual(['condition', 'open']);
  });

  it('ends for good, and closes what is open', () => {
    const watch = played();
    expect(names(watch.in({ is: 'stop' }))).toEqual([]);
    const open = played();
    open.in({ is: 'start' });
    expect(names(open.in({ is: 'stop' }))).toEqual(['close']);
    for (const input of [{ is: 'start' }, { is: 'opened' }, { is: 'time', taken: true }, { is: 'retry' }] as const) {
      expect(open.in(input)).toEqual([]);
    }
    expect(open.state.deadline).toBeUndefined();
  });
});

const USERS = ['a', 'b', 'c'];

/** A shard of the domain: what came of its users, and what a connection is yet to be told of it. */
class Board {
  readonly changes: { user: string; version: number }[] = [];
  readonly users: readonly string[];
  line: ({ readonly snapshot: PresenceDocument[] } | { readonly change: PresenceDocument })[] = [];
  /** So many changes the connection has been told of, by the snapshot or one by one. */
  told = 0;
  begun = false;

  constructor(...users: readonly string[]) {
    this.users = users;
  }

  count(user: string): number {
    return this.changes.filter((one) => one.user === user).length;
  }
}

/** The feed of a Worker: the frames of two boards in any order, each board's in its own. A cursor within a snapshot is none to go on from. */
class Feed {
  readonly boards = [new Board('a', 'b'), new Board('c')];
  #connected = false;
  #resumed: string | undefined;

  change(user: string): void {
    const board = this.boards.find(({ users }) => users.includes(user)) as Board;
    const version = board.count(user) + 1;
    board.changes.push({ user, version });
    if (this.#connected) board.line.push({ change: documentOf(user, version) });
  }

  connect(cursor: string | undefined): void {
    if (cursor !== undefined && !/^\d+\.\d+$/.test(cursor)) throw new Error(`it goes on from within a snapshot: ${cursor}`);
    this.#connected = true;
    this.#resumed = cursor;
    const marks = cursor?.split('.').map(Number);
    for (const [i, board] of this.boards.entries()) {
      board.begun = marks !== undefined;
      board.told = marks?.[i] ?? 0;
      const missed = board.changes.slice(board.told);
      board.line = marks
        ? missed.map(({ user, version }) => ({ change: documentOf(user, version) }))
        : [{ snapshot: board.users.map((user) => documentOf(user, board.count(user))) }];
    }
  }

  /** The next frame, of whichever board `pick` says. */
  next(pick: number): WatchFrame | undefined {
    if (!this.#connected) return undefined;
    if (this.#resumed !== undefined) {
      const frame: WatchFrame = { type: 'resumed', exact: true, cursor: this.#resumed };
      this.#resumed = undefined;
      return frame;
    }
    const ready = this.boards.filter(({ line }) => line.length > 0);
    const board = ready[pick % ready.length];
    const next = board?.line.shift();
    if (board === undefined || next === undefined) return undefined;
    if ('change' in next) {
      board.told += 1;
      return { type: 'change', presence: next.change, cursor: this.#cursor() };
    }
    board.begun = true;
    board.told = next.snapshot.reduce((sum, { version }) => sum + version, 0);
    const users = next.snapshot.map((presence) => ({ user: presence.user, presence }));
    return { type: 'snapshot', users, more: !this.boards.every(({ begun }) => begun), cursor: this.#cursor() };
  }

  cut(): void {
    this.#connected = false;
  }

  #cursor(): string {
    return this.boards.every(({ begun }) => begun) ? this.boards.map(({ told }) => told).join('.') : 'within';
  }
}

describe('Offhook client: a watch over any cuts', () => {
  it('tells every change once and in order, whenever it is cut off', () => {
    const command = fc.oneof(
      { weight: 4, arbitrary: fc.record({ is: fc.constant('change' as const), user: fc.constantFrom(...USERS) }) },
      {
        weight: 6,
        arbitrary: fc.record({ is: fc.constant('frames' as const), picks: fc.array(fc.nat(1), { minLength: 1, maxLength: 6 }) }),
      },
      { weight: 2, arbitrary: fc.constant({ is: 'cut' as const }) },
      { weight: 1, arbitrary: fc.constant({ is: 'silence' as const }) },
      { weight: 1, arbitrary: fc.constant({ is: 'unreachable' as const }) },
      { weight: 1, arbitrary: fc.constant({ is: 'forgotten' as const }) },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), (commands, chance) => {
        const feed = new Feed();
        const watch = played();
        const seen = new Map<string, number>();
        let [unreachable, snapshots, forgotten] = [0, 0, 0];
        const take = (actions: readonly WatchAction[]): void => {
          for (const action of actions) {
            if (action.do === 'close') feed.cut();
            if (action.do === 'open') {
              if (unreachable > 0) {
                unreachable -= 1;
                take(watch.in({ is: 'closed', why: 'unreachable' }, chance));
              } else {
                // The Worker may have forgotten what came after a cursor, and tells all anew.
                feed.connect(snapshots > forgotten ? action.cursor : undefined);
                take(watch.in({ is: 'opened' }));
              }
            }
            if (action.do !== 'tell') continue;
            const { event } = action;
            if (event.type === 'snapshot') {
              snapshots += 1;
              expect(event.users.map(({ user }) => user).toSorted()).toEqual(USERS);
              for (const { user, presence } of event.users) seen.set(user, presence?.version ?? 0);
            }
            if (event.type === 'presence') {
              expect(event.presence.version).toBe((seen.get(event.presence.user) ?? -1) + 1);
              seen.set(event.presence.user, event.presence.version);
            }
          }
        };
        const wait = () => {
          while (watch.state.phase === 'waiting') {
            watch.pass((watch.state.deadline as number) - watch.now);
            take(watch.in({ is: 'time', taken: true }, chance));
          }
        };
        const frames = (picks: Iterable<number>) => {
          for (const pick of picks) {
            const frame = feed.next(pick);
            if (frame === undefined) return;
            take(watch.in({ is: 'frame', frame }));
            if (pick === 1)
              expect(names(watch.in({ is: 'frame', frame: { type: 'check', cursor: frame.cursor } }))).toEqual(['ack']);
          }
        };
        take(watch.in({ is: 'start' }));
        for (const one of commands) {
          wait();
          if (one.is === 'change') feed.change(one.user);
          else if (one.is === 'frames') frames(one.picks);
          else if (one.is === 'unreachable') unreachable = 3;
          else if (one.is === 'forgotten') forgotten = snapshots;
          else if (one.is === 'silence') {
            for (const ms of [WATCH_LIMITS.silence, WATCH_LIMITS.pong]) {
              watch.pass(ms);
              take(watch.in({ is: 'time', taken: true }, chance));
            }
          } else {
            feed.cut();
            take(watch.in({ is: 'closed', why: 'cut' }, chance));
          }
        }
        wait();
        frames(Array(1000).fill(0));
        // All that happened is known, and a whole snapshot was needed once, and where the Worker had forgotten.
        for (const user of USERS) expect(seen.get(user)).toBe(Math.max(...feed.boards.map((board) => board.count(user))));
        expect(snapshots - forgotten).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });
});
