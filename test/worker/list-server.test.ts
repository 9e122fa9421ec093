import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { boardOf } from '../../worker/objects/shard.ts';
import { bearer, newDomain, newStream, post, problemOf, report, request, say } from './support/client.ts';
import { boardObjects, hang, listServer } from './support/objects.ts';
import { TestWatcher, upgrade } from './support/watcher.ts';

/** A user on each board of a new domain, on-line. */
async function populated() {
  const domain = newDomain();
  const streams = [0, 1, 2].map((shard) => {
    for (;;) {
      const stream = newStream('user', domain);
      if (boardOf(stream.user, 3) === `${domain}#${shard}`) return stream;
    }
  });
  await report(streams.map((stream) => stream.next(say.online())));
  return { domain, streams };
}

const told = (watcher: TestWatcher) =>
  watcher.frames.flatMap((frame) => (frame.type === 'change' ? [`${frame.presence.user} ${frame.presence.version}`] : []));

/** When a token expires, s since 1970: in a moment. */
const soon = () => Math.floor(Date.now() / 1000) + 2;

/** How many sockets each board of a domain has. */
const sockets = (domain: string) =>
  Promise.all(boardObjects(domain).map((board) => runInDurableObject(board, (_, state) => state.getWebSockets().length)));

const { watchers, watchersByToken } = OBJECT_LIMITS;
afterEach(() => {
  Object.assign(OBJECT_LIMITS, { watchers, watchersByToken });
});

describe('RFC 4662 a list server: all who watch a domain of several boards', () => {
  it('watches each board once for all of them, and tells each every change once, with a cursor that all can go on from', async () => {
    const { domain, streams } = await populated();
    const watchers = await Promise.all([1, 2, 3, 4, 5].map(() => TestWatcher.open(`domain=${domain}`)));
    const busy = await TestWatcher.open(`domain=${domain}`, await bearer({ detail: 'busy-only' }));
    await report(streams.map((stream) => stream.next(say.talking('c1'))));
    for (const watcher of watchers) await watcher.changes(3);
    // One for those with all details, and one for the other.
    await expect.poll(() => sockets(domain)).toEqual([2, 2, 2]);
    await report(streams.map((stream) => stream.next(say.idle('c1'))));
    for (const watcher of [...watchers, busy]) {
      await watcher.changes(6);
      expect(new Set(told(watcher)).size).toBe(6);
    }
    const [{ user }] = streams as [(typeof streams)[0]];
    const path = `/v1/presence/${encodeURIComponent(user)}`;
    const seen = busy.frames.findLast((frame) => frame.type === 'change' && frame.presence.user === user);
    expect(seen).toHaveProperty(
      'presence',
      await (await request(path, { headers: await bearer({ detail: 'busy-only' }) })).json(),
    );
    expect(new Set(watchers.map(({ cursor }) => cursor)).size).toBe(1);
    const metrics = await request(`/metrics?domain=${domain}`, { headers: await bearer({ scope: ['admin'] }) });
    expect(await metrics.text()).toContain(`offhook_watches{domain="${domain}"} 12\n`);
    for (const { socket } of [...watchers, busy]) socket.close();
    await expect.poll(() => sockets(domain)).toEqual([0, 0, 0]);
  });

  it('that is lost closes their sockets, and they go on from their cursor', async () => {
    const { domain, streams } = await populated();
    const before = [await TestWatcher.open(`domain=${domain}`), await TestWatcher.open(`domain=${domain}`)];
    await report(streams.map((stream) => stream.next(say.talking('c1'))));
    for (const watcher of before) await watcher.changes(3);
    await runInDurableObject(listServer(domain), (_, state) => state.abort('restarting')).catch(() => {});
    for (const watcher of before) await watcher.until(() => watcher.closed !== undefined);
    await report(streams.map((stream) => stream.next(say.idle('c1'))));
    const after = await TestWatcher.open(`domain=${domain}&since=${before[0]?.cursor}`);
    await after.changes(3);
    expect(after.frames[0]).toMatchObject({ type: 'resumed', exact: true });
    expect(new Set(told(after)).size).toBe(3);
    after.socket.close();
  });

  it('loses those who follow a board that is lost, and no others', async () => {
    const { domain } = await populated();
    const watchers = [await TestWatcher.open(`domain=${domain}`), await TestWatcher.open(`domain=${domain}`)];
    await expect.poll(() => sockets(domain)).toEqual([1, 1, 1]);
    const [board] = boardObjects(domain);
    await runInDurableObject(board as NonNullable<typeof board>, (_, state) => {
      for (const socket of state.getWebSockets()) socket.close(1012, 'restarting');
    });
    for (const watcher of watchers) {
      await watcher.until(() => watcher.closed !== undefined);
      expect(watcher.closed).toEqual({ code: 1012, reason: 'restarting' });
    }
  });

  it('closes a watch whose token is revoked at once, and lets others be', async () => {
    const { domain, streams } = await populated();
    const jti = crypto.randomUUID();
    const other = await TestWatcher.open(`domain=${domain}`);
    const watcher = await TestWatcher.open(`domain=${domain}`, await bearer({ scope: ['read'], jti }));
    // It is known to be watched as soon as its first watch is.
    const known = async () =>
      runInDurableObject(
        env.ACCESS.getByName('access'),
        (_, { storage }) => storage.sql.exec('SELECT board FROM watched WHERE board = ?', `${domain}#list0`).toArray().length,
      );
    await expect.poll(known).toBe(1);
    expect((await post('/v1/tokens/revocations', { jti })).status).toBe(201);
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed).toEqual({ code: 1008, reason: 'the token was revoked' });
    await report([(streams[0] as (typeof streams)[0]).next(say.talking('c1'))]);
    expect(await other.changes(1)).toHaveLength(1);
    other.socket.close();
  });

  it('closes a watch whose token expires, though nothing changes', async () => {
    const { domain } = await populated();
    const exp = soon();
    const watcher = await TestWatcher.open(`domain=${domain}`, await bearer({ scope: ['read'], exp }));
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed).toEqual({ code: 1008, reason: 'the token has expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
  });

  it('answers 503 where there is no room, with it or at a board, and keeps nothing open', async () => {
    const { domain } = await populated();
    const first = await TestWatcher.open(`domain=${domain}`);
    Object.assign(OBJECT_LIMITS, { watchers: 1 });
    expect(await problemOf(await upgrade(`domain=${domain}`))).toBe('503');
    expect(await sockets(domain)).toEqual([1, 1, 1]);
    first.socket.close();
  });

  it('has room for so many of one token, also where they come at once, and then still for others', async () => {
    const { domain } = await populated();
    Object.assign(OBJECT_LIMITS, { watchersByToken: 2 });
    const open = async (jti: string) => upgrade(`domain=${domain}`, await bearer({ scope: ['read'], jti }));
    const jti = crypto.randomUUID();
    const answers = await Promise.all([open(jti), open(jti), open(jti)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([101, 101, 503]);
    expect((await open(jti)).status).toBe(503);
    answers.push(await open(crypto.randomUUID()));
    expect(answers.at(-1)?.status).toBe(101);
    for (const { webSocket } of answers) {
      webSocket?.accept();
      webSocket?.close();
    }
    await expect.poll(() => sockets(domain)).toEqual([0, 0, 0]);
  });

  it('keeps nothing open at the boards where one of them fails', async () => {
    const { domain } = await populated();
    const boards = boardObjects(domain);
    await runInDurableObject(boards[1] as (typeof boards)[0], (board) => {
      Object.assign(board, { fetch: () => Promise.reject(new Error('out of order')) });
    });
    expect((await upgrade(`domain=${domain}`)).status).toBe(500);
    await expect.poll(() => sockets(domain)).toEqual([0, 0, 0]);
    expect(await listServer(domain).counts()).toEqual({ watches: 0 });
  });

  it('closes a watch whose token expires, though the list of revoked tokens cannot be read', async () => {
    const { domain } = await populated();
    const watcher = await TestWatcher.open(`domain=${domain}`, await bearer({ scope: ['read'], exp: soon() }));
    const access = env.ACCESS.getByName('access');
    const release = await hang(access, 'watched');
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed).toEqual({ code: 1008, reason: 'the token has expired' });
    release();
  }, 8_000);

  it('answers pings, and closes whoever says anything else', async () => {
    const { domain } = await populated();
    const watcher = await TestWatcher.open(`domain=${domain}`);
    watcher.socket.send('ping');
    await watcher.until(() => watcher.texts.includes('pong'));
    watcher.socket.send('hello');
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed?.code).toBe(1008);
  });
});
