import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PresenceDocument } from '#protocol';
import type { WatchEvent } from '../../worker/client/index.ts';
import { applyEvent, type Board } from '../../worker/wallboard/client/board.ts';
import { presence } from './presence.ts';

const NOBODY: Board = new Map();
const snapshot = (...documents: readonly PresenceDocument[]): WatchEvent => ({
  type: 'snapshot',
  users: documents.map((document) => ({ user: document.user, presence: document })),
  cursor: 'c1',
});
const change = (document: PresenceDocument): WatchEvent => ({ type: 'presence', presence: document, cursor: 'c2' });
const play = (board: Board, ...events: readonly WatchEvent[]) => events.reduce(applyEvent, board);
const shown = (board: Board) => Object.fromEntries([...board].map(([user, { status }]) => [user.slice(4, -3), status]));

describe('Offhook wallboard: from events to users', () => {
  it('shows the snapshot and each change after it', () => {
    const first = snapshot(presence('a', 'available', 1), presence('b', 'offline', 7));
    const board = play(NOBODY, first, change(presence('a', 'talking', 2)), change(presence('c', 'available', 1)));
    expect(shown(board)).toEqual({ a: 'talking', b: 'offline', c: 'available' });
  });

  it('lets an older version change nothing, and the same one what may be stale by now', () => {
    const board = play(NOBODY, change(presence('a', 'talking', 5)), change(presence('a', 'ringing', 4)));
    expect(shown(board)).toEqual({ a: 'talking' });
    const stale = { ...presence('a', 'talking', 5), stale: true };
    expect(play(board, change(stale)).get(stale.user)).toBe(stale);
  });

  it('believes a new snapshot, even where its versions are lower, and drops those whom it does not tell of', () => {
    const before = play(NOBODY, snapshot(presence('a', 'talking', 50), presence('gone', 'available', 9)));
    expect(shown(play(before, snapshot(presence('a', 'offline', 1))))).toEqual({ a: 'offline' });
  });

  it('keeps everybody where a connection goes on, and takes up from there', () => {
    const before = play(NOBODY, snapshot(presence('a', 'talking', 5), presence('b', 'available', 9)));
    const after = play(before, { type: 'resumed', exact: true, cursor: 'c2' }, change(presence('a', 'available', 6)));
    expect(shown(after)).toEqual({ a: 'available', b: 'available' });
    expect(shown(play(after, change(presence('b', 'offline', 8))))).toEqual({ a: 'available', b: 'available' });
  });

  it('takes away a user whose data were deleted, until there is news of them', () => {
    const before = play(NOBODY, snapshot(presence('a', 'talking', 5), presence('b', 'available', 9)));
    const after = play(before, { type: 'deleted', user: presence('a', 'talking', 5).user, cursor: 'c3' });
    expect(shown(after)).toEqual({ b: 'available' });
    expect(shown(play(after, change(presence('a', 'available', 1))))).toEqual({ a: 'available', b: 'available' });
  });

  it('leaves out users that were never seen', () => {
    const never: WatchEvent = { type: 'snapshot', users: [{ user: 'sip:a@ex', presence: null }], cursor: 'c' };
    expect(play(NOBODY, never).size).toBe(0);
  });

  it('ends with the newest version of each user, in whatever order changes come, and leaves the board it is given as it is', () => {
    const versions = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 30 })), { maxLength: 40 });
    fc.assert(
      fc.property(versions, (steps) => {
        const newest: Record<string, number> = {};
        let board = NOBODY;
        for (const [user, version] of steps) {
          newest[user] = Math.max(newest[user] ?? 0, version);
          const before = shown(board);
          const next = applyEvent(board, change(presence(user, 'available', version)));
          expect(shown(board)).toEqual(before);
          board = next;
        }
        expect(Object.fromEntries([...board].map(([user, { version }]) => [user.slice(4, -3), version]))).toEqual(newest);
      }),
    );
  });
});
