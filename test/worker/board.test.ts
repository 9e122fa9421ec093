import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { boardOf, boardsOf, shardCount } from '../../worker/objects/shard.ts';
import { within } from '../../worker/objects/within.ts';
import type { PresenceDocument } from '../../worker/protocol/index.ts';
import { newDomain, newStream, okay, report, request, say } from './support/client.ts';
import { documentText } from './support/document.ts';
import { boardObject, boardObjects, userObject } from './support/objects.ts';

interface Page {
  readonly users: PresenceDocument[];
  readonly cursor?: string;
}

const list = async (domain: string, query = '') => okay<Page>(await request(`/v1/domains/${domain}/presence?${query}`));

/** Reports one user after another online, and every third talking. */
async function populate(domain: string, count: number): Promise<string[]> {
  const streams = Array.from({ length: count }, (_, i) => newStream(`user${i}`, domain));
  await report(streams.map((stream) => stream.next(say.online())));
  await report(streams.filter((_, i) => i % 3 === 0).map((stream) => stream.next(say.talking('c1'))));
  return streams.map(({ user }) => user).sort();
}

/** Makes a board's `put` fail until the function returned is called. */
async function breakBoard(user: string): Promise<() => Promise<void>> {
  const board = boardObject(user);
  const patch = (value: unknown) => runInDurableObject(board, (instance) => void Object.assign(instance, { put: value }));
  await patch('out of order');
  return () => runInDurableObject(board, (instance) => void Reflect.deleteProperty(instance, 'put'));
}

describe('Offhook listing of a domain over its boards', () => {
  it('is in the order of the users, page by page, over several boards, also after eviction', async () => {
    const domain = newDomain();
    const users = await populate(domain, 20);
    expect(new Set(users.map((user) => boardOf(user, 3))).size).toBe(3);
    for (const board of boardObjects(domain)) await evictDurableObject(board);
    const seen: string[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const page: Page = await list(domain, `limit=6${cursor && `&cursor=${cursor}`}`);
      expect(page.users.length).toBeLessThanOrEqual(6);
      seen.push(...page.users.map(({ user }) => user));
      cursor = page.cursor;
    }
    expect(seen).toEqual(users);
  });

  it('tells a user once who stands on two boards for a moment', async () => {
    const domain = newDomain();
    const user = `sip:alice@${domain}`;
    const text = documentText(user, 1);
    for (const board of boardObjects(domain)) await board.put([{ user, version: 1, status: 'available', text, visible: true }]);
    expect((await list(domain)).users).toHaveLength(1);
  });

  it('goes on where one board alone holds the whole page', async () => {
    const domain = newDomain();
    const names = ['a', 'b', 'c'].map((name) => `sip:${name}@${domain}`);
    const changes = names.map((user) => ({
      user,
      version: 1,
      status: 'available',
      text: documentText(user, 1),
      visible: true,
    }));
    await boardObjects(domain)[0]?.put(changes);
    const first = await list(domain, 'limit=2');
    const second = await list(domain, `limit=2&cursor=${first.cursor}`);
    expect([...first.users, ...second.users].map(({ user }) => user)).toEqual(names);
    expect(second.cursor).toBeUndefined();
  });

  it('tells only those of a status', async () => {
    const domain = newDomain();
    await populate(domain, 9);
    const { users, cursor } = await list(domain, 'status=talking');
    expect(users.map(({ status }) => status)).toEqual(['talking', 'talking', 'talking']);
    expect(cursor).toBeUndefined();
  });

  it('is empty for a domain never seen, and creates nothing for it', async () => {
    const domain = newDomain();
    expect(await list(domain)).toEqual({ users: [] });
    for (const board of boardObjects(domain)) {
      const tables = await runInDurableObject(board, (_, { storage }) =>
        storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
      );
      expect(tables.filter(({ name }) => !String(name).startsWith('_cf'))).toEqual([]);
    }
  });
});

describe('Offhook boards', () => {
  it('ignore a version that is not newer than theirs', async () => {
    const alice = newStream('alice', newDomain());
    const board = boardObject(alice.user);
    const change = (version: number, status: string) => ({
      user: alice.user,
      version,
      status,
      text: JSON.stringify({ status }),
      visible: true,
    });
    await board.put([change(2, 'talking')]);
    await evictDurableObject(board);
    for (const late of [change(1, 'ringing'), change(2, 'offline')]) {
      await board.put([late]);
      expect(await board.list('', 10)).toEqual([{ user: alice.user, version: 2, text: '{"status":"talking"}' }]);
    }
    await board.put([change(3, 'held'), change(1, 'ringing')]);
    expect(await board.list('', 10)).toEqual([{ user: alice.user, version: 3, text: '{"status":"held"}' }]);
  });

  it('store what arrives together, each answered', async () => {
    const domain = newDomain();
    const board = boardObjects(domain)[0];
    const names = Array.from({ length: 50 }, (_, i) => `sip:u${i}@${domain}`);
    await Promise.all(names.map((user) => board?.put([{ user, version: 1, status: 'available', text: '{}', visible: true }])));
    expect(await board?.list('', 100)).toHaveLength(50);
  });

  it('are found by a hash that does not change', () => {
    expect(boardOf('sip:alice@example.com', 4)).toBe('example.com#0');
    expect(boardsOf('example.com', 2)).toEqual(['example.com#0', 'example.com#1']);
    expect(['1', '64', '0', '65', 'x', undefined].map(shardCount)).toEqual([1, 64, 4, 4, 4, 4]);
  });

  it.each([false, true])('are repaired by alarm when they missed a change (evicted before: %s)', async (evicted) => {
    const domain = newDomain();
    const alice = newStream('alice', domain);
    await report([alice.next(say.online())]);
    const repair = await breakBoard(alice.user);
    expect(await report([alice.next(say.talking('c1'))])).toMatchObject([{ verdict: 'accepted', version: 2 }]);
    expect((await list(domain)).users).toMatchObject([{ version: 1 }]);
    await repair();
    if (evicted) await evictDurableObject(userObject(alice.user));
    expect(await runDurableObjectAlarm(userObject(alice.user))).toBe(true);
    expect((await list(domain)).users).toMatchObject([{ version: 2, status: 'talking' }]);
  });

  it('are tried again, later and later, while they cannot be reached', async () => {
    const alice = newStream('alice', newDomain());
    const repair = await breakBoard(alice.user);
    await report([alice.next(say.online())]);
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      const wait = await runInDurableObject(
        userObject(alice.user),
        async (_, { storage }) => ((await storage.getAlarm()) ?? 0) - Date.now(),
      );
      waits.push(Math.round(wait / 1_000));
      await runDurableObjectAlarm(userObject(alice.user));
    }
    await repair();
    expect(waits).toEqual([1, 2, 4]);
  });

  it('are not waited for without end', async () => {
    await expect(within(1, new Promise(() => {}))).rejects.toThrow('no answer within 1 ms');
    await expect(within(60_000, Promise.resolve('told'))).resolves.toBe('told');
  });

  it('are told again by a user whose memory was lost, so that a crash between commit and board heals', async () => {
    const domain = newDomain();
    const alice = newStream('alice', domain);
    const update = alice.next(say.online());
    await report([update]);
    // As after a crash: the user has it, the board does not.
    await runInDurableObject(boardObject(alice.user), (_, { storage }) => void storage.sql.exec('DELETE FROM users'));
    await evictDurableObject(userObject(alice.user));
    expect(await report([update])).toMatchObject([{ verdict: 'duplicate' }]);
    expect((await list(domain)).users).toMatchObject([{ user: alice.user, version: 1 }]);
  });

  it('do not bring back what they held of a user who is told to another board now', async () => {
    const domain = newDomain();
    const boards = boardObjects(domain);
    const told = [
      [1, 'talking'],
      [3, 'offline'],
      [2, 'available'],
    ] as const;
    for (const [i, [version, status]] of told.entries()) {
      const text = documentText(`sip:alice@${domain}`, version, status);
      await boards[i]?.put([{ user: `sip:alice@${domain}`, version, status, text, visible: true }]);
    }
    expect((await list(domain)).users).toMatchObject([{ version: 3, status: 'offline' }]);
  });

  it('forget a user who moved to another board, the number of boards having changed', async () => {
    const domain = newDomain();
    const alice = newStream('alice', domain);
    await report([alice.next(say.online())]);
    const former = boardObjects(domain).find((_, i) => boardOf(alice.user, 3) !== `${domain}#${i}`);
    await former?.put([{ user: alice.user, version: 1, status: 'available', text: '{}', visible: true }]);
    const name = boardsOf(domain, 3).find((board) => board !== boardOf(alice.user, 3));
    await runInDurableObject(
      userObject(alice.user),
      (_, { storage }) => void storage.sql.exec('UPDATE record SET board = ?', name),
    );
    await evictDurableObject(userObject(alice.user));
    await report([alice.next(say.talking('c1'))]);
    expect(await former?.list('', 10)).toEqual([]);
    expect((await list(domain)).users).toMatchObject([{ version: 2 }]);
  });
});
