import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { boardOf, shardCount } from '../../worker/objects/shard.ts';
import type { PresenceDocument } from '../../worker/protocol/index.ts';
import { newDomain, newStream, okay, post, say } from './support/client.ts';
import { eventually, workerWithLease } from './support/lease.ts';
import { boardObject, boardObjects, hang } from './support/objects.ts';
import { makeWebhook, Receiver } from './support/receiver.ts';
import { TestWatcher } from './support/watcher.ts';

const LEASE = 1;
const SHARDS = shardCount(env.BOARD_SHARDS);
const worker = workerWithLease(LEASE);

/** Somebody who stands on that board. */
function streamOn(domain: string, shard: number) {
  for (;;) {
    const stream = newStream('u', domain);
    if (boardOf(stream.user, SHARDS) === `${domain}#${shard}`) return stream;
  }
}

/** A domain with users at a site of its own, on all of its boards: two on-line, one in a call, one off-line. */
async function domainAtSite() {
  const site = crypto.randomUUID();
  const domain = newDomain();
  const streams = Array.from({ length: 4 }, (_, i) => streamOn(domain, i % SHARDS));
  const [one, two, talks, away] = streams.map(({ user }) => user) as [string, string, string, string];
  const words = [say.online(), say.online(), say.talking('1'), say.online()];
  await worker.batch(
    site,
    streams.map((stream, i) => stream.next(words[i] as (typeof words)[0])),
  );
  await worker.batch(site, [(streams[3] as (typeof streams)[0]).next(say.offline())]);
  return { site, domain, users: { one, two, talks, away }, streams, object: env.SITE.getByName(site) };
}

/** Who is what in a domain: `talking stale`, by user. */
async function listed(domain: string, query = ''): Promise<Record<string, string>> {
  const response = await worker.request(`/v1/domains/${domain}/presence?limit=500${query}`);
  const { users } = (await response.json()) as { users: PresenceDocument[] };
  return Object.fromEntries(users.map((document) => [document.user, word(document)]));
}

const word = ({ status, stale }: PresenceDocument) => (stale ? `${status} stale` : status);
const isLost = (found: Record<string, string>) => Object.values(found).every((seen) => seen.endsWith('stale'));
const isBack = (found: Record<string, string>) => !Object.values(found).some((seen) => seen.endsWith('stale'));
const lost = ({ one, two, talks, away }: Awaited<ReturnType<typeof domainAtSite>>['users']) => ({
  [one]: 'available stale',
  [two]: 'available stale',
  [talks]: 'talking stale',
  [away]: 'unknown stale',
});

describe('Offhook leases: boards of a site that is lost', () => {
  it('list its users as stale or unknown within 5 s of the end of the lease, and as they were when it is back', async () => {
    const { site, domain, users } = await domainAtSite();
    const begun = Date.now();
    expect(await eventually(() => listed(domain), isLost)).toEqual(lost(users));
    expect(Date.now() - begun).toBeLessThan(LEASE * 1000 + 5000);
    expect(await listed(domain, '&status=unknown')).toEqual({ [users.away]: 'unknown stale' });
    expect(await listed(domain, '&status=offline')).toEqual({});
    await worker.batch(site, []);
    expect(await eventually(() => listed(domain), isBack)).toMatchObject({ [users.talks]: 'talking', [users.away]: 'offline' });
    expect(await listed(domain, '&status=offline')).toEqual({ [users.away]: 'offline' });
  });

  it('push it to who watches, once for each user, and once more when it is back; other users are not touched', async () => {
    const { site, domain, users } = await domainAtSite();
    const elsewhere = newStream('elsewhere', domain);
    await worker.batch(crypto.randomUUID(), [elsewhere.next(say.online())]);
    const own = await TestWatcher.open(`user=${encodeURIComponent(users.talks)}`);
    const all = await TestWatcher.open(`domain=${domain}`);
    const seen = (documents: PresenceDocument[]) =>
      Object.fromEntries(documents.map((document) => [document.user, word(document)]));
    const told = (await all.changes(4)).slice(0, 4);
    expect(seen(told)).toMatchObject({ [users.talks]: 'talking stale', [users.away]: 'unknown stale' });
    await own.changes(1);
    await worker.batch(site, []);
    expect(seen((await own.changes(2)).slice(1))).toEqual({ [users.talks]: 'talking' });
    const stale = (await all.changes(8)).filter(({ user }) => user !== elsewhere.user);
    expect(seen(stale)).toMatchObject({ [users.talks]: 'talking', [users.away]: 'offline' });
  });

  it('tell it also where board and site lost their memory, and write nothing to any user for it', async () => {
    const { site, domain, users, object } = await domainAtSite();
    const versions = async () =>
      Promise.all(
        boardObjects(domain).map((board) =>
          runInDurableObject(board, (_, { storage }) =>
            storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'users'").toArray().length === 0
              ? []
              : storage.sql.exec('SELECT user, version, status, seq, document FROM users').toArray(),
          ),
        ),
      );
    const before = await versions();
    await evictDurableObject(object);
    await eventually(
      () => listed(domain),
      (found) => Object.keys(found).length === 4 && isLost(found),
    );
    for (const board of boardObjects(domain)) await evictDurableObject(board);
    expect(await listed(domain)).toEqual(lost(users));
    expect(await versions()).toEqual(before);
    const watcher = await TestWatcher.open(`domain=${domain}`);
    expect(watcher.snapshot.every(({ presence }) => presence?.stale)).toBe(true);
    await worker.batch(site, []);
    await watcher.changes(4);
  });

  it('tell a watcher who comes back what became stale meanwhile, from memory and after it was lost', async () => {
    const { domain, users } = await domainAtSite();
    const query = `user=${encodeURIComponent(users.one)}`;
    const watcher = await TestWatcher.open(query);
    const { cursor } = watcher;
    await watcher.leave();
    await eventually(() => listed(domain), isLost);
    const resumed = await TestWatcher.open(`${query}&since=${cursor}`);
    expect((await resumed.changes(1)).map(word)).toEqual(['available stale']);
    await resumed.leave();
    for (const board of boardObjects(domain)) await evictDurableObject(board);
    const again = await TestWatcher.open(`${query}&since=${cursor}`);
    expect((await again.changes(1)).map(word)).toEqual(['available stale']);
    expect(again.frames[0]?.type).toBe('resumed');
  });

  it('tell it after a loss of memory so that who is cut off in the middle goes on with the rest', async () => {
    const [domain, site] = [newDomain(), crypto.randomUUID()];
    const streams = Array.from({ length: 7 }, () => newStream('u', domain));
    const board = boardObject((streams[0] as (typeof streams)[0]).user);
    const users = streams.map(({ user }) => user).filter((user) => boardObject(user).id.equals(board.id));
    await worker.batch(
      site,
      streams.map((stream) => stream.next(say.online())),
    );
    const query = users.map((user) => `user=${encodeURIComponent(user)}`).join('&');
    const watcher = await TestWatcher.open(query);
    const { cursor } = watcher;
    await watcher.leave();
    await board.siteStands(site, Date.now());
    await evictDurableObject(board);
    const resumed = await TestWatcher.open(`${query}&since=${cursor}`);
    await resumed.changes(users.length);
    // Only the first of the frames came through.
    const [, first] = resumed.frames;
    const again = await TestWatcher.open(`${query}&since=${first?.cursor}`);
    expect((await again.changes(users.length)).map(({ user }) => user).sort()).toEqual(users.toSorted());
    // Who got them all is told nothing twice.
    const last = await TestWatcher.open(`${query}&since=${resumed.cursor}`);
    expect(last.frames).toMatchObject([{ type: 'resumed', exact: true }]);
    for (const { socket } of [resumed, again, last]) socket.close();
  });

  it('tell it to webhooks, and to requests that wait: what is stale is a change, and fulfils nothing; what is back does', async () => {
    const { site, domain, users } = await domainAtSite();
    const [all, words] = [new Receiver(), new Receiver()];
    await makeWebhook({ url: all.url, domain });
    await makeWebhook({ url: words.url, changes: 'status', users: [users.one, users.away] });
    const told = ({ deliveries }: Receiver) =>
      deliveries
        .map(({ event }) => event.data as unknown as PresenceDocument)
        .map((document) => `${document.user} ${word(document)}`);
    await expect.poll(() => told(all).length, { timeout: 10_000 }).toBe(4);
    expect(new Set(told(all))).toEqual(new Set(Object.entries(lost(users)).map((pair) => pair.join(' '))));
    const waiting = post(`/v1/watches/${encodeURIComponent(users.one)}`, { until: 'available', wait: 30 });
    const [first] = await Promise.all([waiting.then((response) => okay<PresenceDocument>(response)), worker.batch(site, [])]);
    expect(word(first)).toBe('available');
    await expect.poll(() => told(all).length).toBe(8);
    expect(told(all).slice(4)).toEqual(expect.arrayContaining([`${users.talks} talking`, `${users.away} offline`]));
    // Of the one word: whom nothing is known of any more.
    await expect
      .poll(() => told(words).filter((text) => text.startsWith(users.away)))
      .toEqual([`${users.away} unknown stale`, `${users.away} offline`]);
  });

  it('lay it over what is told while the site is lost', async () => {
    const { site, domain, streams, users } = await domainAtSite();
    const epoch = 9;
    await eventually(() => listed(domain), isLost);
    const watcher = await TestWatcher.open(`user=${encodeURIComponent(users.one)}`);
    // An incarnation that has yet to reconcile.
    await worker.batch(site, [(streams[0] as (typeof streams)[0]).next(say.talking('2'))], epoch);
    expect((await watcher.changes(1)).map(word)).toEqual(['talking stale']);
    expect(await worker.presence(users.one)).toMatchObject({ status: 'talking', stale: true });
  });

  it('hear of it later where they did not answer, and the others at once', async () => {
    const { domain, users } = await domainAtSite();
    const release = await hang(boardObject(users.one), 'siteStands');
    const others = await eventually(
      () => listed(domain),
      (found) => [users.two, users.talks].every((user) => found[user]?.endsWith('stale')),
    );
    expect(others[users.one]).toBe('available');
    release();
    expect(await eventually(() => listed(domain), isLost)).toEqual(lost(users));
  }, 20_000);

  it('hear of it by an alarm where the object of the site is killed before it has told one that is new', async () => {
    const { site, domain, object } = await domainAtSite();
    await eventually(() => listed(domain), isLost);
    const { user } = newStream('new', newDomain());
    const name = boardOf(user, shardCount(env.BOARD_SHARDS));
    const release = await hang(boardObject(user), 'siteStands');
    await object.renew(site, 7, [name], LEASE * 1000);
    const at = (await runInDurableObject(object, (_, { storage }) => storage.getAlarm())) ?? Infinity;
    expect(at).toBeLessThanOrEqual(Date.now() + OBJECT_LIMITS.untoldAgain);
    release();
  });

  it('hear of it again where they failed, by the alarm of the site', async () => {
    const { domain, users } = await domainAtSite();
    const boards = boardObjects(domain);
    const failing = (value: unknown) =>
      Promise.all(boards.map((board) => runInDurableObject(board, (one) => void Object.assign(one, { siteStands: value }))));
    await failing('out of order');
    const at = await eventually(
      () => worker.presence(users.one),
      ({ stale }) => stale,
    );
    expect(at.stale).toBe(true);
    expect(isBack(await listed(domain))).toBe(true);
    for (const board of boards) await runInDurableObject(board, (one) => void Reflect.deleteProperty(one, 'siteStands'));
    expect(await eventually(() => listed(domain), isLost)).toEqual(lost(users));
  }, 10_000);
});
