import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PresenceDocument, WatchFrame } from '#protocol';
import { applyFrame, type Board, connected, EMPTY_BOARD, parseFrame } from '../../worker/wallboard/client/board.ts';
import { presence } from './presence.ts';

const snapshot = (documents: PresenceDocument[], more = false): WatchFrame => ({
  type: 'snapshot',
  users: documents.map((document) => ({ user: document.user, presence: document })),
  more,
  cursor: 'c1',
});
const change = (document: PresenceDocument): WatchFrame => ({ type: 'change', presence: document, cursor: 'c2' });
const play = (board: Board, ...frames: WatchFrame[]) => frames.reduce(applyFrame, board);
const shown = (board: Board) =>
  Object.fromEntries([...board.users].map(([user, entry]) => [user.slice(4, -3), entry.presence.status]));

describe('Offhook wallboard: from frames to users', () => {
  it('shows the snapshot and each change after it', () => {
    const board = play(
      connected(EMPTY_BOARD),
      snapshot([presence('a', 'available', 1), presence('b', 'offline', 7)]),
      change(presence('a', 'talking', 2)),
      change(presence('c', 'available', 1)),
    );
    expect(shown(board)).toEqual({ a: 'talking', b: 'offline', c: 'available' });
    expect(board.complete).toBe(true);
  });

  it('is complete with the last frame of the snapshot, not before', () => {
    const first = play(
      connected(EMPTY_BOARD),
      snapshot([presence('a', 'available', 1)], true),
      change(presence('b', 'talking', 1)),
    );
    expect(first.complete).toBe(false);
    expect(play(first, snapshot([])).complete).toBe(true);
  });

  it('lets an older version change nothing within a connection', () => {
    const board = play(connected(EMPTY_BOARD), change(presence('a', 'talking', 5)), snapshot([presence('a', 'ringing', 4)]));
    expect(shown(board)).toEqual({ a: 'talking' });
  });

  it('keeps the old users over a new connection until its snapshot is complete, then drops those it does not tell', () => {
    const before = play(connected(EMPTY_BOARD), snapshot([presence('a', 'talking', 5), presence('gone', 'available', 9)]));
    const during = play(connected(before), snapshot([presence('a', 'available', 6)], true));
    expect(shown(during)).toEqual({ a: 'available', gone: 'available' });
    expect(during.complete).toBe(false);
    expect(shown(play(during, snapshot([])))).toEqual({ a: 'available' });
  });

  it('believes a new connection even where its versions are lower', () => {
    const before = play(connected(EMPTY_BOARD), snapshot([presence('a', 'talking', 50)]));
    expect(shown(play(connected(before), snapshot([presence('a', 'offline', 1)])))).toEqual({ a: 'offline' });
  });

  it('keeps everybody where a connection goes on, and takes up from there', () => {
    const before = play(connected(EMPTY_BOARD), snapshot([presence('a', 'talking', 5), presence('b', 'available', 9)]));
    expect(connected(before)).toMatchObject({ complete: false, cursor: 'c1' });
    const after = play(connected(before), { type: 'resumed', exact: true, cursor: 'c2' }, change(presence('a', 'available', 6)));
    expect([shown(after), after.complete, after.cursor]).toEqual([{ a: 'available', b: 'available' }, true, 'c2']);
    // An older version than the one kept changes nothing.
    expect(shown(play(after, change(presence('b', 'offline', 8))))).toEqual({ a: 'available', b: 'available' });
    expect(play(after, { type: 'check', cursor: 'c3' })).toEqual({ ...after, cursor: 'c3' });
  });

  it('takes away a user whose data were deleted, until there is news of them', () => {
    const before = play(connected(EMPTY_BOARD), snapshot([presence('a', 'talking', 5), presence('b', 'available', 9)]));
    const after = play(before, { type: 'deleted', user: presence('a', 'talking', 5).user, cursor: 'c3' });
    expect([shown(after), after.cursor, after.complete]).toEqual([{ b: 'available' }, 'c3', true]);
    expect(shown(play(after, change(presence('a', 'available', 6))))).toEqual({ a: 'available', b: 'available' });
  });

  it('leaves out users that were never seen', () => {
    const frame: WatchFrame = { type: 'snapshot', users: [{ user: 'sip:a@ex', presence: null }], more: false, cursor: 'c' };
    expect(play(connected(EMPTY_BOARD), frame).users.size).toBe(0);
  });

  it('ends with the newest version of each user, in whatever order the frames of a connection come', () => {
    const versions = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 30 }), fc.boolean()), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(versions, (steps) => {
        const newest: Record<string, number> = {};
        let board = connected(EMPTY_BOARD);
        for (const [user, version, inSnapshot] of steps) {
          newest[user] = Math.max(newest[user] ?? 0, version);
          const document = presence(user, 'available', version);
          board = applyFrame(board, inSnapshot ? snapshot([document], true) : change(document));
        }
        expect(Object.fromEntries([...board.users].map(([user, entry]) => [user.slice(4, -3), entry.presence.version]))).toEqual(
          newest,
        );
      }),
    );
  });

  it('does not change the board it is given', () => {
    const before = play(connected(EMPTY_BOARD), snapshot([presence('a', 'available', 1)]));
    play(before, change(presence('a', 'talking', 2)), snapshot([]));
    expect(shown(before)).toEqual({ a: 'available' });
  });

  it('takes nothing for a frame that is none', () => {
    expect(
      [
        'pong',
        '{',
        '[]',
        'null',
        '{"type":"snapshot"}',
        '{"type":"change"}',
        '{"type":"x"}',
        '{"type":"deleted","cursor":"c"}',
      ].map(parseFrame),
    ).toEqual(Array(8).fill(undefined));
    expect(parseFrame(JSON.stringify(change(presence('a', 'talking', 2))))).toEqual(change(presence('a', 'talking', 2)));
    const deleted = { type: 'deleted', user: 'sip:a@ex', cursor: 'c' };
    expect(parseFrame(JSON.stringify(deleted))).toEqual(deleted);
    fc.assert(fc.property(fc.json(), (text) => parseFrame(text) === undefined || true));
  });
});
