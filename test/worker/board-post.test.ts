import { describe, expect, it, vi } from 'vitest';
import type { Env } from '../../worker/env.ts';
import type { BoardChange, Handover } from '../../worker/objects/board-feed.ts';
import { BoardPost } from '../../worker/routes/board-post.ts';
import { ROUTE_LIMITS } from '../../worker/routes/limits.ts';

const change = (user: string): BoardChange => ({ user, version: 1, status: 'talking', text: '{}', visible: true });

const told = (board: string, user: string): Handover => ({ board, changes: [change(user)] });

/** Boards that note each request, as `board: users`, and store at once or fail. */
function boards(fails: readonly string[] = []) {
  const requests: string[] = [];
  const getByName = (name: string) => ({
    put: async (changes: readonly BoardChange[]) => {
      requests.push(`${name}: ${changes.map(({ user }) => user).join(' ')}`);
      if (fails.includes(name)) throw new Error('this board fails in the test');
    },
  });
  return { requests, env: { BOARD: { getByName } } as unknown as Env };
}

describe('Offhook boards: what the users of a batch did', () => {
  it('is told to a board once all of its own users are ready, whoever of other boards is late', () => {
    const { requests, env } = boards();
    const post = new BoardPost(env, ['x#0', 'x#1', 'x#0', 'x#1']);
    void post.put('x#0', told('x#0', 'a'));
    void post.put('x#1', told('x#1', 'b'));
    expect(requests).toEqual([]);
    void post.put('x#0', told('x#0', 'c'));
    expect(requests).toEqual(['x#0: a c']);
  });

  it('does not wait for a user who has nothing to tell', () => {
    const { requests, env } = boards();
    const post = new BoardPost(env, ['x#0', 'x#0', 'x#1']);
    void post.put('x#0', told('x#0', 'a'));
    post.pass('x#1');
    expect(requests).toEqual([]);
    post.pass('x#0');
    expect(requests).toEqual(['x#0: a']);
  });

  it('is told after a moment without those of the same board that are late, and of them later', async () => {
    vi.useFakeTimers();
    try {
      const { requests, env } = boards();
      const post = new BoardPost(env, ['x#0', 'x#0']);
      const first = post.put('x#0', told('x#0', 'a'));
      await vi.advanceTimersByTimeAsync(ROUTE_LIMITS.boardWait - 1);
      expect(requests).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(requests).toEqual(['x#0: a']);
      expect(await first).toBe(true);
      expect(await post.put('x#0', told('x#0', 'b'))).toBe(true);
      expect(requests).toEqual(['x#0: a', 'x#0: b']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('goes to the board that the object names, and holds up nobody of the one that was expected', () => {
    const { requests, env } = boards();
    const post = new BoardPost(env, ['x#0', 'x#0', 'x#1', 'x#1']);
    void post.put('x#0', told('x#0', 'a'));
    void post.put('x#0', told('x#1', 'b'));
    expect(requests).toEqual(['x#0: a']);
    post.pass('x#1');
    expect(requests).toHaveLength(1);
    void post.put('x#1', told('x#1', 'c'));
    expect(requests).toEqual(['x#0: a', 'x#1: b c']);
  });

  it('goes on with what has become ready while a request was under way', async () => {
    const { requests, env } = boards();
    const post = new BoardPost(env, new Array<string>(ROUTE_LIMITS.boardGather + 2).fill('x#0'));
    for (let n = 0; n < ROUTE_LIMITS.boardGather; n++) void post.put('x#0', told('x#0', 'a'));
    const last = [post.put('x#0', told('x#0', 'b')), post.put('x#0', told('x#0', 'c'))];
    expect(requests).toHaveLength(1);
    expect(await Promise.all(last)).toEqual([true, true]);
    expect(requests.slice(1)).toEqual(['x#0: b c']);
  });

  it('waits for no more of a board than go into one request', () => {
    const { requests, env } = boards();
    const post = new BoardPost(env, new Array<string>(ROUTE_LIMITS.boardGather + 1).fill('x#0'));
    for (let n = 0; n < ROUTE_LIMITS.boardGather; n++) void post.put('x#0', told('x#0', 'a'));
    expect(requests).toHaveLength(1);
  });

  it('is not told to a board that failed, which leaves it to the users, while others are told', async () => {
    const { requests, env } = boards(['x#0']);
    const post = new BoardPost(env, ['x#0', 'x#1', 'x#0']);
    const [a, b, c] = [post.put('x#0', told('x#0', 'a')), post.put('x#1', told('x#1', 'b')), post.put('x#0', told('x#0', 'c'))];
    expect(await Promise.all([a, b, c])).toEqual([false, true, false]);
    expect(await post.put('x#0', told('x#0', 'a'))).toBe(false);
    expect(requests).toEqual(['x#1: b', 'x#0: a c']);
  });
});
