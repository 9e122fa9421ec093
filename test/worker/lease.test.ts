import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import { ROUTE_LIMITS } from '../../worker/routes/limits.ts';
import { newStream, say } from './support/client.ts';
import { eventually, workerWithLease } from './support/lease.ts';
import { hang, userObject } from './support/objects.ts';

const LEASE = 1;
const worker = workerWithLease(LEASE);

/** A site that no other test uses, and one user online there. */
async function siteWithUser() {
  const site = crypto.randomUUID();
  const stream = newStream('leased');
  const { results } = await worker.batch(site, [stream.next(say.online())]);
  expect(results).toMatchObject([{ verdict: 'accepted' }]);
  return { site, stream, user: stream.user, object: env.SITE.getByName(site) };
}

/** Rows written to a site's object by its own SQL so far. */
const rows = (object: DurableObjectStub) =>
  runInDurableObject(object, (_, { storage }) => ({
    lease: storage.sql.exec('SELECT * FROM lease').toArray(),
    boards: storage.sql.exec('SELECT * FROM boards').toArray(),
  }));

const { siteTimeout } = ROUTE_LIMITS;
afterEach(() => {
  Object.assign(ROUTE_LIMITS, { siteTimeout });
});

describe('Offhook leases: a site that falls silent', () => {
  it('is out of touch when its lease has run out, and so are its users in each read', async () => {
    const { user } = await siteWithUser();
    expect(await worker.presence(user)).toMatchObject({ status: 'available', stale: false });
    const begun = Date.now();
    const stale = await eventually(
      () => worker.presence(user),
      (found) => found.stale,
    );
    expect(stale).toMatchObject({ status: 'available', terminalStatus: 'online', stale: true, version: 1 });
    expect(Date.parse(stale.staleSince ?? '') - begun).toBeLessThanOrEqual(LEASE * 1000);
    expect(Date.now() - begun).toBeLessThan(LEASE * 1000 + 5000);
    const { users } = await (await worker.post('/v1/presence/query', { users: [user] })).json<{ users: unknown[] }>();
    expect(users).toEqual([stale]);
  });

  it('has a tag of its own in ETag, and the one from before when it is back', async () => {
    const { site, user } = await siteWithUser();
    const path = `/v1/presence/${encodeURIComponent(user)}`;
    const fresh = (await worker.request(path)).headers.get('etag') as string;
    const read = () => worker.request(path, { headers: { 'if-none-match': fresh } });
    expect((await read()).status).toBe(304);
    const stale = await eventually(read, ({ status }) => status === 200);
    expect(await stale.json()).toMatchObject({ stale: true });
    expect(stale.headers.get('etag')).not.toBe(fresh);
    await worker.batch(site, []);
    expect((await read()).status).toBe(304);
  });

  it('makes unknown whom it alone reported and of whom nothing is live', async () => {
    const { site, stream, user } = await siteWithUser();
    await worker.batch(site, [stream.next(say.offline())]);
    expect(await worker.presence(user)).toMatchObject({ status: 'offline', stale: false });
    const lost = await eventually(
      () => worker.presence(user),
      (found) => found.stale,
    );
    expect(lost).toMatchObject({ status: 'unknown', terminalStatus: 'offline', since: lost.staleSince });
  });

  it('does not touch what another site reports', async () => {
    const { user } = await siteWithUser();
    const other = newStream('elsewhere');
    const site = crypto.randomUUID();
    await worker.batch(site, [other.next(say.online())]);
    await eventually(
      async () => {
        await worker.batch(site, []);
        return worker.presence(user);
      },
      (found) => found.stale,
    );
    expect(await worker.presence(other.user)).toMatchObject({ status: 'available', stale: false });
  });

  it('stays in touch by batches without updates, and writes no row for them', async () => {
    const { site, user, object } = await siteWithUser();
    const before = await rows(object);
    const end = Date.now() + 2 * LEASE * 1000;
    await eventually(
      async () => {
        expect(await worker.batch(site, [])).toMatchObject({ results: [], lease: { state: 'held', duration: LEASE * 1000 } });
        expect(await worker.presence(user)).toMatchObject({ stale: false });
        return Date.now();
      },
      (now) => now > end,
    );
    expect(await rows(object)).toEqual(before);
  });

  it('is out of touch also where its object lost its memory meanwhile, and not for ever in doubt', async () => {
    const { user, object } = await siteWithUser();
    await evictDurableObject(object);
    const begun = Date.now();
    await eventually(
      () => worker.presence(user),
      (found) => found.stale,
    );
    expect(Date.now() - begun).toBeLessThan(LEASE * 1000 + 5000);
    await evictDurableObject(object);
    expect(await worker.presence(user)).toMatchObject({ stale: true });
  });

  it('is in touch where it spoke again before its object, which lost its memory, had to decide', async () => {
    const { site, user, object } = await siteWithUser();
    await evictDurableObject(object);
    expect(await object.renew(site, undefined, [], LEASE * 1000)).toMatchObject({ state: 'held' });
    await evictDurableObject(object);
    expect(await object.standing()).toMatchObject({ since: null });
    expect(await worker.presence(user)).toMatchObject({ stale: false });
  });

  it('is out of touch for readers where its object cannot be asked and its lease, as far as is known, has run out', async () => {
    Object.assign(ROUTE_LIMITS, { siteTimeout: 100 });
    const { user, object } = await siteWithUser();
    expect(await worker.presence(user)).toMatchObject({ stale: false });
    const release = await hang(object, 'standing');
    const begun = Date.now();
    const stale = await eventually(
      () => worker.presence(user),
      (found) => found.stale,
    );
    expect(Date.parse(stale.staleSince ?? '')).toBeLessThanOrEqual(begun + LEASE * 1000);
    expect(Date.now() - begun).toBeLessThan(LEASE * 1000 + 5000);
    release();
    // So it is where nothing at all is known of it.
    const other = newStream('asked-for');
    const site = crypto.randomUUID();
    await userObject(other.user).apply(other.user, site, [other.next(say.online())]);
    const again = await hang(env.SITE.getByName(site), 'standing');
    expect(await worker.presence(other.user)).toMatchObject({ status: 'available', stale: true });
    again();
  }, 15_000);

  it('that left as planned is out of touch again by its next lease, however short that is', async () => {
    const { site, stream, user } = await siteWithUser();
    await worker.batch(site, [], 1);
    await worker.batch(site, [stream.next(say.offline())], 1);
    await worker.post(`/v1/sites/${site}/stop`, { version: 1, epoch: 1, states: 'leave' });
    // What was known of it by that word is over, and it is asked.
    await scheduler.wait(LEASE * 1000 + 100);
    expect(await worker.presence(user)).toMatchObject({ status: 'offline', stale: false });
    const begun = Date.now();
    await worker.batch(site, [{ ...newStream('x').next(say.online()), user, epoch: Date.now() + 1000 }], 2);
    await eventually(
      () => worker.presence(user),
      (found) => found.stale,
    );
    expect(Date.now() - begun).toBeLessThan(LEASE * 1000 + 5000);
  }, 15_000);

  it('leaves no rows behind where a site is asked for that was never heard', async () => {
    const object = env.SITE.getByName(crypto.randomUUID());
    expect(await object.standing()).toBeNull();
    const tables = await runInDurableObject(object, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it('remembers each board on which a user of the site stands, once', async () => {
    const { site, stream, object } = await siteWithUser();
    await worker.batch(site, [stream.next(say.talking('1'))]);
    expect(await object.boards()).toHaveLength(1);
    const users = Array.from({ length: 20 }, () => newStream('many').next(say.online()));
    await worker.batch(site, users);
    expect(await object.boards()).toHaveLength(3);
    await evictDurableObject(object);
    expect(await object.boards()).toHaveLength(3);
  });
});

describe('Offhook leases: incarnations of a site', () => {
  it('answers an old incarnation `stale`, for users too of whom the new one has said nothing yet', async () => {
    const site = crypto.randomUUID();
    const known = newStream('known');
    expect(await worker.batch(site, [known.next(say.online())], 2000)).toMatchObject({
      lease: { state: 'reconcile', epoch: 2000 },
    });
    const old = newStream('old');
    const { results, lease } = await worker.batch(site, [{ ...old.next(say.online()), epoch: 1000 }], 1000);
    expect(results).toEqual([{ sequence: 1, verdict: 'stale', last: { epoch: 2000, sequence: 0 } }]);
    expect(lease).toMatchObject({ state: 'superseded', epoch: 2000 });
    expect((await worker.request(`/v1/presence/${encodeURIComponent(old.user)}`)).status).toBe(404);
    expect(await worker.presence(known.user)).toMatchObject({ status: 'available' });
  });

  it('answers so too where the new one was heard elsewhere, and the old one was the latest when it was heard here', async () => {
    const site = crypto.randomUUID();
    const object = env.SITE.getByName(site);
    await worker.batch(site, [], 2000);
    await worker.post(`/v1/sites/${site}/reconcile`, { version: 1, epoch: 2000, done: 1 });
    expect(await worker.batch(site, [], 2000)).toMatchObject({ lease: { state: 'held' } });
    expect(await object.renew(site, 3000, [], LEASE * 1000)).toMatchObject({ state: 'reconcile' });
    // What was heard here is believed for a moment.
    await scheduler.wait((LEASE * 1000) / 6);
    const late = newStream('late');
    const { results } = await worker.batch(site, [{ ...late.next(say.online()), epoch: 2000 }], 2000);
    expect(results).toMatchObject([{ verdict: 'stale', last: { epoch: 3000 } }]);
    expect((await worker.request(`/v1/presence/${encodeURIComponent(late.user)}`)).status).toBe(404);
  });
});
