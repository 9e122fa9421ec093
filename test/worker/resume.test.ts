import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { boardOf, boardsOf } from '../../worker/objects/shard.ts';
import { bearer, newDomain, newStream, report, say } from './support/client.ts';
import { documentText } from './support/document.ts';
import { boardObject, boardObjects, userObject } from './support/objects.ts';
import { TestWatcher, upgrade } from './support/watcher.ts';

/** Twelve users of a new domain, on-line, four on each of its boards. */
async function populated() {
  const domain = newDomain();
  const streams = [0, 1, 2].flatMap((shard) => Array.from({ length: 4 }, () => streamOn(domain, shard)));
  await report(streams.map((stream) => stream.next(say.online())));
  return { domain, streams };
}

function streamOn(domain: string, shard: number) {
  for (;;) {
    const stream = newStream('user', domain);
    if (boardOf(stream.user, 3) === `${domain}#${shard}`) return stream;
  }
}

const evictBoards = async (domain: string) => {
  for (const board of boardObjects(domain)) await evictDurableObject(board);
};

const versions = (watcher: TestWatcher) =>
  watcher.frames.flatMap((frame) => (frame.type === 'change' ? [`${frame.presence.user} ${frame.presence.version}`] : []));

const resumed = (watcher: TestWatcher) => watcher.frames.flatMap((frame) => (frame.type === 'resumed' ? [frame.exact] : []));

describe('Offhook watch: resume with since', () => {
  it.each(['user', 'domain'])('brings every change that was missed, in order, and none twice (%s)', async (kind) => {
    const { domain, streams } = await populated();
    const [alice] = streams as [(typeof streams)[0]];
    const query = kind === 'user' ? `user=${alice.user}` : `domain=${domain}`;
    const before = await TestWatcher.open(query);
    await report([alice.next(say.talking('c1'))]);
    await before.changes(1);
    await before.leave();
    await report([alice.next(say.terminating('c1')), alice.next(say.idle('c1'))]);
    const after = await TestWatcher.open(`${query}&since=${before.cursor}`);
    await report([alice.next(say.talking('c2'))]);
    await after.changes(3);
    expect(after.frames[0]).toMatchObject({ type: 'resumed', exact: true, cursor: before.cursor });
    expect(versions(after)).toEqual([3, 4, 5].map((version) => `${alice.user} ${version}`));
    after.socket.close();
  });

  it('goes on at each frame of a stream as well as at its end', async () => {
    const { domain, streams } = await populated();
    const first = await TestWatcher.open(`domain=${domain}`);
    await report(streams.map((stream) => stream.next(say.talking('c1'))));
    await report(streams.map((stream) => stream.next(say.idle('c1'))));
    await first.changes(24);
    const told = first.frames.filter(({ type }) => type === 'change');
    for (const at of [0, 7, 12, 23]) {
      const watcher = await TestWatcher.open(`domain=${domain}&since=${told[at]?.cursor}`);
      await watcher.changes(23 - at);
      const known = told.slice(0, at + 1).map((frame) => (frame.type === 'change' ? frame.presence : undefined));
      const all = [...known, ...(await watcher.changes(23 - at))].map((document) => `${document?.user} ${document?.version}`);
      expect(all.toSorted()).toEqual(versions(first).toSorted());
      watcher.socket.close();
    }
    first.socket.close();
  });

  it.each(['user', 'domain'])(
    'brings the newest of each changed user after the board lost its memory, and says so (%s)',
    async (kind) => {
      const { domain, streams } = await populated();
      const [alice, bob] = streams as [(typeof streams)[0], (typeof streams)[0]];
      const query = kind === 'user' ? `user=${alice.user}&user=${bob.user}` : `domain=${domain}`;
      const before = await TestWatcher.open(query);
      await before.leave();
      await report([alice.next(say.talking('c1')), alice.next(say.terminating('c1')), alice.next(say.idle('c1'))]);
      await evictBoards(domain);
      const after = await TestWatcher.open(`${query}&since=${before.cursor}`);
      await report([bob.next(say.talking('c1'))]);
      await after.changes(2);
      expect(resumed(after)).toEqual([false]);
      expect(versions(after)).toEqual([`${alice.user} 4`, `${bob.user} 2`]);
      // What comes next is exact again.
      await after.leave();
      await report([alice.next(say.talking('c2'))]);
      const last = await TestWatcher.open(`${query}&since=${after.cursor}`);
      await last.changes(1);
      expect([resumed(last), versions(last)]).toEqual([[true], [`${alice.user} 5`]]);
      last.socket.close();
    },
  );

  it('brings nothing where nothing was missed, also after a loss of memory and of boards that nothing was ever told', async () => {
    const domain = newDomain();
    const empty = await TestWatcher.open(`domain=${domain}`);
    await empty.leave();
    await evictBoards(domain);
    const still = await TestWatcher.open(`domain=${domain}&since=${empty.cursor}`);
    expect(still.frames).toMatchObject([{ type: 'resumed', exact: true }]);
    const alice = newStream('alice', domain);
    await report([alice.next(say.online())]);
    await still.changes(1);
    await still.leave();
    for (const cursor of [still.cursor, empty.cursor]) {
      const watcher = await TestWatcher.open(`domain=${domain}&since=${cursor}`);
      if (cursor === empty.cursor) await watcher.changes(1);
      expect(watcher.frames[0]).toMatchObject({ type: 'resumed', exact: true });
      watcher.socket.close();
    }
  });

  it('tells those who are still connected nothing twice when the board loses its memory', async () => {
    const { domain, streams } = await populated();
    const watcher = await TestWatcher.open(`domain=${domain}`);
    await report(streams.map((stream) => stream.next(say.talking('c1'))));
    await evictBoards(domain);
    await report(streams.map((stream) => stream.next(say.idle('c1'))));
    await watcher.changes(24);
    expect(new Set(versions(watcher)).size).toBe(24);
    watcher.socket.close();
  });
});

describe('Offhook watch: a cursor that cannot be gone on from', () => {
  const open = async (query: string, since: string, headers: Record<string, string> = {}) => {
    const watcher = await TestWatcher.open(`${query}&since=${since}`, headers);
    const resets = new Set(watcher.frames.map((frame) => (frame.type === 'snapshot' ? frame.reset : 'none')));
    const { length } = watcher.snapshot;
    watcher.socket.close();
    return [...resets, length];
  };

  it('is of another watch: a fresh snapshot, and the word foreign', async () => {
    const { domain, streams } = await populated();
    const [alice, bob] = streams as [(typeof streams)[0], (typeof streams)[0]];
    const cursorOf = async (query: string, headers: Record<string, string> = {}) => {
      const watcher = await TestWatcher.open(query, headers);
      watcher.socket.close();
      return watcher.cursor;
    };
    const whole = await cursorOf(`domain=${domain}`);
    expect(await open(`domain=${domain}`, await cursorOf(`domain=${newDomain()}`))).toEqual(['foreign', 12]);
    expect(await open(`user=${alice.user}`, whole)).toEqual(['foreign', 1]);
    const one = await cursorOf(`user=${alice.user}`);
    expect(await open(`user=${alice.user}&user=${bob.user}`, one)).toEqual(['foreign', 2]);
    // Who sees less now than then would go on with what it may not see any more, and the other way round.
    expect(await open(`domain=${domain}`, whole, await bearer({ detail: 'busy-only' }))).toEqual(['foreign', 12]);
    // The order in which users are named is nothing.
    const both = await cursorOf(`user=${alice.user}&user=${bob.user}`);
    const again = await TestWatcher.open(`user=${bob.user}&user=${alice.user}&since=${both}`);
    expect(again.frames).toMatchObject([{ type: 'resumed' }]);
    again.socket.close();
  });

  it('does not open what the token does not cover', async () => {
    const { domain } = await populated();
    const watcher = await TestWatcher.open(`domain=${domain}`);
    watcher.socket.close();
    const response = await upgrade(`domain=${domain}&since=${watcher.cursor}`, await bearer({ domain: 'other.test' }));
    expect(response.status).toBe(403);
  });

  it('is from within a snapshot: a fresh one, and the word incomplete', async () => {
    const { domain } = await populated();
    const watcher = await TestWatcher.open(`domain=${domain}`);
    watcher.socket.close();
    const cursors = watcher.frames.map(({ cursor }) => cursor);
    expect(await open(`domain=${domain}`, cursors[0] as string)).toEqual(['incomplete', 12]);
    expect(await open(`domain=${domain}`, cursors[1] as string)).toEqual(['incomplete', 12]);
  });

  it.each(['user', 'domain'])('is older than what can be told: a fresh snapshot, and the word expired (%s)', async (kind) => {
    const { domain, streams } = await populated();
    const [alice] = streams as [(typeof streams)[0]];
    const query = kind === 'user' ? `user=${alice.user}` : `domain=${domain}`;
    const watcher = await TestWatcher.open(query);
    await watcher.leave();
    // A user went from the board meanwhile: who goes on would keep them for ever.
    await boardObject(alice.user).put([{ user: 'sip:gone', version: 1, status: 'offline', text: '{}', visible: true }]);
    await boardObject(alice.user).drop('sip:gone');
    expect(await open(query, watcher.cursor)).toEqual(['expired', kind === 'user' ? 1 : 12]);
  });

  it('is of an earlier life of the storage, or of a number not given yet: a fresh snapshot, and the word expired', async () => {
    const { domain, streams } = await populated();
    const [alice] = streams as [(typeof streams)[0]];
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    await watcher.leave();
    const ahead = `${watcher.cursor.slice(0, -8)}AAAA0000`;
    expect(await open(`user=${alice.user}`, ahead)).toEqual(['expired', 1]);
    await runInDurableObject(
      boardObject(alice.user),
      (_, { storage }) => void storage.sql.exec('UPDATE feed SET epoch = epoch + 1'),
    );
    await evictBoards(domain);
    expect(await open(`user=${alice.user}`, watcher.cursor)).toEqual(['expired', 1]);
  });

  it.each(['x', 'A', '"><script>', 'A'.repeat(16), 'A'.repeat(18), 'Ä'.repeat(30), `B${'A'.repeat(29)}`, 'A'.repeat(9000)])(
    'is none at all: a problem that names it (%#)',
    async (since) => {
      const response = await upgrade(`user=alice@example.com&since=${encodeURIComponent(since)}`);
      expect([response.status, await response.json()]).toMatchObject([400, { field: 'since' }]);
    },
  );

  it('has any other bytes where the marks are: never more than a snapshot', async () => {
    const { domain } = await populated();
    const watcher = await TestWatcher.open(`domain=${domain}`);
    watcher.socket.close();
    const head = watcher.cursor.slice(0, -39);
    for (const marks of [
      '-'.repeat(39),
      '_'.repeat(39),
      'A'.repeat(39),
      `${'A'.repeat(12)}C`.repeat(3),
      'z0-_AbC'.repeat(6).slice(0, 39),
    ]) {
      expect((await open(`domain=${domain}`, head + marks))[1]).toBe(12);
    }
  });
});

describe('Offhook watch: users that a board does not know', () => {
  it('are asked for themselves, so that after a change of the number of boards nobody shows as never seen', async () => {
    const domain = newDomain();
    const alice = newStream('alice', domain);
    await report([alice.next(say.online())]);
    // As after a change of the number: the user was told to another board.
    const former = boardsOf(domain, 3).find((board) => board !== boardOf(alice.user, 3));
    await boardObject(alice.user).drop(alice.user);
    await runInDurableObject(
      userObject(alice.user),
      (_, { storage }) => void storage.sql.exec('UPDATE record SET board = ?', former),
    );
    await evictDurableObject(userObject(alice.user));
    const whole = await TestWatcher.open(`domain=${domain}`);
    expect(whole.snapshot).toEqual([]);
    const named = await TestWatcher.open(`user=${alice.user}&user=nobody@${domain}`);
    expect(named.snapshot.map(({ presence }) => presence?.status)).toEqual(expect.arrayContaining(['available', undefined]));
    await report([alice.next(say.talking('c1'))]);
    for (const watcher of [named, whole]) await watcher.until(() => versions(watcher).includes(`${alice.user} 2`));
    // The new watcher hears of the change alone; those who watch the domain did not know the user.
    expect([versions(named).length, versions(whole).length]).toEqual([1, 2]);
    for (const watcher of [named, whole]) watcher.socket.close();
  });
});

describe('Offhook watch: what is not read', () => {
  /** Makes a board send a watcher more than the limit of what may be unread. */
  const flood = async (user: string, count: number, from = 2) => {
    for (let version = from; version < from + count; version++) {
      const text = documentText(user, version, 'available', 60_000);
      await boardObject(user).put([{ user, version, status: 'available', text, visible: true }]);
    }
  };

  it.each(['user', 'domain'])('is asked for, and a watcher who answers goes on (%s)', async (kind) => {
    const { domain, streams } = await populated();
    const [alice] = streams as [(typeof streams)[0]];
    const watcher = await TestWatcher.open(kind === 'user' ? `user=${alice.user}` : `domain=${domain}`);
    let answering = true;
    watcher.socket.addEventListener('message', ({ data }) => {
      if (answering && String(data).startsWith('{"type":"check"')) watcher.socket.send('ack');
    });
    await flood(alice.user, 60);
    await watcher.until(() => versions(watcher).length === 60);
    expect(watcher.frames.filter(({ type }) => type === 'check').length).toBeGreaterThan(5);
    expect(watcher.closed).toBeUndefined();
    answering = false;
    watcher.socket.close();
  });

  it.each(['user', 'domain'])(
    'cuts a watcher who does not answer for long, with a reason; it goes on from its cursor (%s)',
    async (kind) => {
      const { domain, streams } = await populated();
      const [alice] = streams as [(typeof streams)[0]];
      const query = kind === 'user' ? `user=${alice.user}` : `domain=${domain}`;
      const watcher = await TestWatcher.open(query);
      await flood(alice.user, 10);
      await watcher.changes(10);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + OBJECT_LIMITS.watcherAnswer });
      try {
        await flood(alice.user, 20, 12);
        await watcher.until(() => watcher.closed !== undefined);
      } finally {
        vi.useRealTimers();
      }
      expect(watcher.closed).toEqual({ code: 4008, reason: 'too slow: too much is not read' });
      expect(watcher.frames.filter(({ type }) => type === 'check')).toHaveLength(1);
      const seen = versions(watcher).length;
      expect(seen).toBeLessThan(30);
      const again = await TestWatcher.open(`${query}&since=${watcher.cursor}`);
      await again.changes(30 - seen);
      expect([...versions(watcher), ...versions(again)]).toEqual(Array.from({ length: 30 }, (_, i) => `${alice.user} ${i + 2}`));
      again.socket.close();
    },
  );

  it('cuts nobody for a burst that is no larger than may wait', async () => {
    const { streams } = await populated();
    const [alice] = streams as [(typeof streams)[0]];
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    await flood(alice.user, 100);
    await watcher.changes(100);
    expect(watcher.closed).toBeUndefined();
    await flood(alice.user, 60, 102);
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed?.code).toBe(4008);
  });

  it('does not count where it was asked for: what was missed may be more than the limit', async () => {
    const { domain, streams } = await populated();
    const [alice] = streams as [(typeof streams)[0]];
    for (const query of [`user=${alice.user}`, `domain=${domain}`]) {
      const before = await TestWatcher.open(query);
      await before.leave();
      await flood(alice.user, 30, query.startsWith('user') ? 2 : 40);
      const after = await TestWatcher.open(`${query}&since=${before.cursor}`);
      await after.changes(30);
      expect(after.closed).toBeUndefined();
      after.socket.close();
    }
  });

  it('lets nobody answer without end what was not asked', async () => {
    const { user } = newStream('alice');
    for (const query of [`user=${user}`, `domain=${newDomain()}`]) {
      const watcher = await TestWatcher.open(query);
      for (let i = 0; i <= OBJECT_LIMITS.watcherAcks; i++) watcher.socket.send('ack');
      await watcher.until(() => watcher.closed !== undefined);
      expect(watcher.closed).toEqual({ code: 1008, reason: 'nothing was asked' });
    }
  });
});
