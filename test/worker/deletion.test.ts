import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { bearer, newDomain, newStream, okay, presence, problemOf, report, request, say } from './support/client.ts';
import { EventReader } from './support/events.ts';
import { boardObject, hang, userObject } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver, webhook } from './support/receiver.ts';
import { TestWatcher } from './support/watcher.ts';

const forget = (user: string, headers: Record<string, string> = {}) =>
  request(`/v1/presence/${encodeURIComponent(user)}`, { method: 'DELETE', headers });
const listed = async (user: string) => (await boardObject(user).list('', 10)).map(({ version }) => version);

/** All that is stored in a user's object. */
const stored = (user: string) =>
  runInDurableObject(userObject(user), (_, { storage }) =>
    Object.fromEntries(
      ['record', 'history', 'forgotten'].map((table) => [table, storage.sql.exec(`SELECT * FROM ${table}`).toArray()]),
    ),
  );

/** Lets the object's second sweep come at once. */
const sweep = async (user: string) => {
  await runInDurableObject(userObject(user), (_, { storage }) => {
    const { leftover } = storage.sql.exec<{ leftover: string }>('SELECT leftover FROM forgotten').one();
    storage.sql.exec('UPDATE forgotten SET leftover = ?', JSON.stringify({ ...JSON.parse(leftover), until: 1 }));
  });
  await evictDurableObject(userObject(user));
  await runDurableObjectAlarm(userObject(user));
};

describe('Offhook DELETE /v1/presence/{user}', () => {
  it.each([false, true])('deletes the record, the history and the row of the board (evicted after: %s)', async (evicted) => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    expect((await forget(alice.user)).status).toBe(204);
    if (evicted) await evictDurableObject(userObject(alice.user));
    for (const path of ['', '/history', '/override']) {
      expect(await problemOf(await request(`/v1/presence/${alice.user}${path}`))).toBe('404');
    }
    expect(await listed(alice.user)).toEqual([]);
    expect(await okay(await request(`/v1/domains/${alice.user.split('@')[1]}/presence`))).toEqual({ users: [] });
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    expect(watcher.snapshot).toEqual([{ user: alice.user, presence: null }]);
    watcher.socket.close();
  });

  it('leaves one number in the end, and not the name', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    await forget(alice.user);
    await sweep(alice.user);
    expect(await stored(alice.user)).toEqual({ record: [], history: [], forgotten: [{ id: 1, version: 2, leftover: null }] });
  });

  it('may be repeated, and creates nothing for a user never seen', async () => {
    const { user } = newStream('nobody');
    for (let again = 0; again < 2; again++) expect((await forget(user)).status).toBe(204);
    const tables = await runInDurableObject(userObject(user), (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it('is followed by what a live site tells anew: a gap, a snapshot, and no version twice', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    await forget(alice.user);
    expect(await report([alice.next(say.idle('c1'))])).toMatchObject([{ verdict: 'gap', last: null }]);
    expect(await report([alice.next(say.snapshot([say.terminal()], []))])).toMatchObject([{ verdict: 'accepted', version: 3 }]);
    expect(await presence(alice.user)).toMatchObject({ status: 'available', calls: [], version: 3 });
    const { entries } = await okay<{ entries: object[] }>(await request(`/v1/presence/${alice.user}/history`));
    expect(entries).toMatchObject([{ version: 3 }]);
    await sweep(alice.user);
    expect(await listed(alice.user)).toEqual([3]);
    await forget(alice.user);
    expect(await report([alice.next(say.snapshot([], []))])).toMatchObject([{ version: 4 }]);
  });

  it('takes a user off the board again whom a request put back that was under way', async () => {
    const alice = newStream('alice', newDomain());
    const { handover } = await userObject(alice.user).apply(alice.user, 'site-a', [alice.next(say.online())]);
    await forget(alice.user);
    await boardObject(alice.user).put(handover?.changes ?? []);
    expect(await listed(alice.user)).toEqual([1]);
    await sweep(alice.user);
    expect(await listed(alice.user)).toEqual([]);
  });

  it('says when the board could not be reached, and tells it by alarm', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online())]);
    const wake = await hang(boardObject(alice.user), 'forget');
    const response = await forget(alice.user);
    expect([await problemOf(response), response.headers.get('retry-after')]).toEqual(['503', '5']);
    expect((await stored(alice.user)).record).toEqual([]);
    wake();
    await sweep(alice.user);
    expect(await listed(alice.user)).toEqual([]);
  });

  it.each([false, true])('takes the user out of what webhooks have waiting and dead (evicted before: %s)', async (evicted) => {
    const domain = newDomain();
    const [alice, bob] = [newStream('alice', domain), newStream('bob', domain)];
    const receiver = new Receiver();
    receiver.answer = () => 500;
    const { id } = await makeWebhook({ url: receiver.url, domain });
    await report([alice.next(say.online()), alice.next(say.talking('c1')), bob.next(say.online())]);
    await expect.poll(async () => (await webhook(id)).queue).toMatchObject({ waiting: 3, retrying: 2 });
    const users = () =>
      runInDurableObject(hookObject(id), (_, { storage }) => storage.sql.exec('SELECT DISTINCT user FROM events').toArray());
    if (evicted) await evictDurableObject(hookObject(id));
    expect((await forget(alice.user)).status).toBe(204);
    expect(await users()).toEqual([{ user: bob.user }]);
    expect((await webhook(id)).queue.waiting).toBe(1);
    // What is told of the user afterwards is kept, also by the second sweep.
    await report([alice.next(say.snapshot([say.terminal()], []))]);
    await expect.poll(async () => (await webhook(id)).queue.waiting).toBe(2);
    await sweep(alice.user);
    expect(await users()).toHaveLength(2);
    receiver.answer = () => 204;
  });

  it.each(['user', 'domain', 'events'])('is told to whoever watches, at every level of detail (%s)', async (kind) => {
    const domain = newDomain();
    const [alice, bob] = [newStream('alice', domain), newStream('bob', domain)];
    await report([alice.next(say.online()), bob.next(say.online())]);
    const query = kind === 'user' ? `user=${alice.user}` : `domain=${domain}`;
    for (const detail of ['full', 'busy-only'] as const) {
      const headers = await bearer({ domain, detail });
      const watcher = kind === 'events' ? await EventReader.open(query, headers) : await TestWatcher.open(query, headers);
      const told = () => watcher.told.filter(({ type }) => type !== 'snapshot');
      await watcher.until(() => watcher.told.length > 0);
      await forget(alice.user);
      await watcher.until(() => told().length > 0);
      // Once: what is left to do afterwards is none of a watcher's business.
      await sweep(alice.user);
      await report([alice.next(say.snapshot([say.terminal()], []))]);
      await watcher.until(() => told().length > 1);
      expect(told()).toMatchObject([
        { type: 'deleted', user: alice.user, cursor: expect.any(String) },
        { type: 'change', presence: { user: alice.user } },
      ]);
      await watcher.leave();
    }
  });

  it.each(['user', 'domain'])('is told to a watcher who comes back, instead of what was told of the user (%s)', async (kind) => {
    const domain = newDomain();
    const [alice, bob] = [newStream('alice', domain), newStream('bob', domain)];
    await report([alice.next(say.online()), bob.next(say.online())]);
    const query = kind === 'user' ? `user=${alice.user}&user=${bob.user}` : `domain=${domain}`;
    const before = await TestWatcher.open(query);
    await before.leave();
    await report([alice.next(say.talking('c1')), bob.next(say.talking('c2'))]);
    await forget(alice.user);
    await sweep(alice.user);
    const after = await TestWatcher.open(`${query}&since=${before.cursor}`);
    await after.until(() => after.frames.length >= 3);
    const [first, ...rest] = after.frames;
    expect(first).toMatchObject({ type: 'resumed', exact: true });
    expect(rest).toHaveLength(2);
    expect(rest).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'deleted', user: alice.user }),
        expect.objectContaining({ presence: expect.objectContaining({ user: bob.user, version: 2 }) }),
      ]),
    );
    // Nothing stored says who it was: without the memory of the board, whoever was away then gets all anew.
    await evictDurableObject(boardObject(alice.user));
    const last = await TestWatcher.open(`${query}&since=${before.cursor}`);
    expect(last.frames[0]).toMatchObject({ type: 'snapshot', reset: 'expired' });
    expect(last.snapshot.flatMap(({ presence }) => presence?.user ?? [])).toEqual([bob.user]);
    for (const watcher of [after, last]) watcher.socket.close();
  });

  it('wants the scope admin, and a token that covers the user', async () => {
    const { user } = newStream('alice');
    expect(await problemOf(await forget(user, await bearer({ scope: ['read', 'write', 'ingest'] })))).toBe('403');
    expect(await problemOf(await forget(user, await bearer({ domain: 'other.test' })))).toBe('403');
  });
});
