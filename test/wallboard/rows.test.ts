import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Status } from '#protocol';
import { compareUsers, countByStatus, passes, rowOf, type View } from '../../worker/wallboard/client/rows.ts';
import { readFragment, visibleFragment } from '../../worker/wallboard/client/session.ts';
import { ageWords, callWords, STATUS_WORDS, userName } from '../../worker/wallboard/client/words.ts';
import { page } from '../../worker/wallboard/page.ts';
import { call, presence, T0 } from './presence.ts';

const view = (more: Partial<View> = {}): View => ({
  now: T0 + 65_000,
  lostAt: undefined,
  clock: (ms) => new Date(ms).toISOString().slice(11, 19),
  ...more,
});

describe('Offhook wallboard: what a row says', () => {
  it('tells ages shortly, and never a negative one', () => {
    const at = [-5000, 0, 999, 1000, 59_999, 60_000, 3_599_999, 3_600_000, 7_500_000, 86_400_000, 400_000_000, Number.NaN];
    expect(at.map(ageWords)).toEqual([
      'now',
      'now',
      'now',
      '1 s',
      '59 s',
      '1 min',
      '59 min',
      '1 h',
      '2 h 5 min',
      '1 day',
      '4 days',
      'now',
    ]);
  });

  it('tells status, age and calls of a user', () => {
    const row = rowOf(presence('alice', 'talking', 3, { calls: [call()] }), view());
    expect(row).toMatchObject({ name: 'alice', word: 'Talking', age: '1 min', old: false, calls: ['from bob · 1 min'] });
  });

  it('tells over a lost connection of when it is, never how long it has been so', () => {
    const row = rowOf(presence('alice', 'talking', 3, { calls: [call()] }), view({ lostAt: T0 + 30_000 }));
    expect(row).toMatchObject({ age: 'as of 10:00:30', old: true, calls: ['from bob'] });
  });

  it('tells of a user whose site is out of touch since when', () => {
    const stale = { stale: true, staleSince: new Date(T0 + 5000).toISOString() };
    expect(rowOf(presence('alice', 'available', 3, stale), view())).toMatchObject({ age: 'as of 10:00:05', old: true });
  });

  it.each([
    [call({ direction: 'outgoing', peer: { uri: 'sip:bob@example.com', name: 'Bob B.' } }), 'to Bob B. · 1 min'],
    [call({ state: 'early', answeredAt: null }), 'from bob · 1 min · ringing'],
    [call({ state: 'early', answeredAt: null, direction: 'outgoing' }), 'to bob · 1 min · calling'],
    [call({ held: true }), 'from bob · 1 min · on hold'],
    [call({ state: 'terminating' }), 'from bob · 1 min · ending'],
    [call({ peer: { uri: 'tel:+4930123456' } }), 'from +4930123456 · 1 min'],
    [call({ peer: { uri: 'sip:example.com;x=y' } }), 'from example.com · 1 min'],
  ])('tells a call: %#', (document, words) => {
    expect(callWords(document, T0 + 65_000)).toBe(words);
  });

  it('tells no more than the direction where the token shows no peer', () => {
    const { peer: _, ...redacted } = call();
    expect(callWords(redacted, T0 + 65_000)).toBe('incoming · 1 min');
  });

  it('names users by the user part of their address', () => {
    expect(['sip:alice@example.com', 'sip:a%20b@[::1]', 'sip:%zz@ex'].map(userName)).toEqual(['alice', 'a b', '%zz']);
  });

  it('sorts names as people do', () => {
    const users = ['sip:line10@ex', 'sip:Line9@ex', 'sip:anna@ex', 'sip:anna@en'];
    expect(users.sort(compareUsers)).toEqual(['sip:anna@en', 'sip:anna@ex', 'sip:Line9@ex', 'sip:line10@ex']);
  });

  it('finds users by words of name, status and calls, and narrows to a status', () => {
    const row = rowOf(presence('alice', 'talking', 3, { calls: [call()] }), view());
    const found = (text: string, status?: Status) => passes(row, { text, status });
    expect([
      found(''),
      found('ALI'),
      found('talking bob'),
      found('bobby'),
      found('', 'talking'),
      found('ali', 'offline'),
    ]).toEqual([true, true, true, false, true, false]);
  });

  it('counts users by status', () => {
    const statuses = [
      ['a', 'talking'],
      ['b', 'talking'],
      ['c', 'offline'],
    ] as const;
    const board = new Map(statuses.map(([name, status]) => [name, presence(name, status, 1)]));
    expect([...countByStatus(board)]).toEqual([
      ['talking', 2],
      ['offline', 1],
    ]);
  });
});

describe('Offhook wallboard: session', () => {
  it('takes token and domain from the fragment, and leaves only the domain in the visible URL', () => {
    expect(readFragment('#token=a.b.c&domain=%5B%3A%3A1%5D')).toEqual({ token: 'a.b.c', domain: '[::1]' });
    expect(readFragment('')).toEqual({});
    expect(readFragment(visibleFragment('[::1]'))).toEqual({ domain: '[::1]' });
  });
});

describe('Offhook wallboard: page', () => {
  it('is up to date (if not: npm run wallboard)', () => {
    const script = join(import.meta.dirname, '../../worker/wallboard/generate.js');
    expect(spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('allows exactly its own script and style, and loads nothing from elsewhere', () => {
    const hash = (text: string | undefined) =>
      createHash('sha256')
        .update(text as string)
        .digest('base64');
    expect(page.csp).toContain(`script-src 'sha256-${hash(/<script>([\s\S]*?)<\/script>/.exec(page.html)?.[1])}'`);
    expect(page.csp).toContain(`style-src 'sha256-${hash(/<style>([\s\S]*?)<\/style>/.exec(page.html)?.[1])}'`);
    expect(page.html).not.toMatch(/(?:src|href)="(?!#|data:,)/);
    expect(page.html).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
  });

  it('has a lamp of its own shape for every status', () => {
    const shapes = Object.keys(STATUS_WORDS).map(
      (status) => new RegExp(`<symbol id="lamp-${status}"[^>]*>(.*?)</symbol>`).exec(page.html)?.[1],
    );
    expect(shapes).not.toContain(undefined);
    expect(new Set(shapes).size).toBe(shapes.length);
  });
});
