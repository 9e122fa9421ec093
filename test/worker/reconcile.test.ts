import { describe, expect, it } from 'vitest';
import { digestOf, LIMITS, type ReconcileAnswer, type Update } from '../../worker/protocol/index.ts';
import { bearer, newDomain, newStream, okay, post, problemOf, request, say } from './support/client.ts';
import { eventually, workerWithLease } from './support/lease.ts';
import { hang, userObject } from './support/objects.ts';

const EPOCH = 5000;

/** A site that no other test uses, with users of a domain of its own, all told in one incarnation. */
async function siteOf(words: readonly Parameters<ReturnType<typeof newStream>['next']>[0][], lease = 3600) {
  const worker = workerWithLease(lease);
  const site = crypto.randomUUID();
  const domain = newDomain();
  const updates = words.map((word): Update => ({ ...newStream('u', domain).next(word), epoch: EPOCH }));
  const { results } = await worker.batch(site, updates, EPOCH);
  expect(results.every(({ verdict }) => verdict === 'accepted')).toBe(true);
  const reconcile = async (body: object) => {
    const response = await worker.post(`/v1/sites/${site}/reconcile`, { version: 1, epoch: EPOCH, ...body });
    return okay<ReconcileAnswer>(response);
  };
  const page = (users: Record<string, string>, from = 0, to: number = LIMITS.reconcileBuckets) => reconcile({ from, to, users });
  return { worker, site, domain, users: updates.map(({ user }) => user), reconcile, page };
}

const online = digestOf({ terminals: [say.terminal()], calls: [] });

describe('Offhook POST /v1/sites/{site}/reconcile', () => {
  it('names who differs, whom only the site knows, and whom only the Worker does', async () => {
    const { users, page } = await siteOf([say.online(), say.online(), say.talking('1')]);
    const [same = '', gone = '', changed = ''] = users;
    const other = `sip:new@${same.split('@')[1]}`;
    const { differ, more, lease } = await page({ [same]: online, [changed]: online, [other]: online });
    expect(differ.toSorted()).toEqual([gone, changed, other].sort());
    expect([more, lease.state]).toEqual([false, 'reconcile']);
  });

  it('compares no more than the buckets that were asked for', async () => {
    const { users, page } = await siteOf(Array.from({ length: 12 }, () => say.online()));
    const half = LIMITS.reconcileBuckets / 2;
    const named = [...(await page({}, 0, half)).differ, ...(await page({}, half)).differ];
    expect(named.sort()).toEqual([...users].sort());
  });

  it('knows the same digest for whatever order and for what it cut, and another one for any difference', async () => {
    const long = 'x'.repeat(600);
    const terminals = [say.terminal('sip:a@192.0.2.1', { userAgent: long }), say.terminal('sip:b@192.0.2.1')];
    const calls = [say.call('1', 'confirmed', { held: true }), say.call('2', 'early')];
    const { users, page } = await siteOf([say.snapshot(terminals, calls)]);
    const [user = ''] = users;
    const differs = async (held: Parameters<typeof digestOf>[0]) => (await page({ [user]: digestOf(held) })).differ.length === 1;
    expect(await differs({ terminals: terminals.toReversed(), calls: calls.toReversed() })).toBe(false);
    expect(await differs({ terminals, calls: calls.slice(1) })).toBe(true);
    expect(await differs({ terminals, calls: [say.call('1', 'confirmed'), say.call('2', 'early')] })).toBe(true);
    expect(await differs({ terminals: terminals.slice(1), calls })).toBe(true);
  });

  it('makes the site fresh again only with its last word, of that incarnation and that round', async () => {
    const { worker, site, users, page, reconcile } = await siteOf([say.online()], 1);
    const [user = ''] = users;
    await reconcile({ done: 1 });
    await eventually(
      () => worker.presence(user),
      ({ stale }) => stale,
    );
    const { lease } = await worker.batch(site, [], EPOCH);
    expect(lease).toMatchObject({ state: 'reconcile', round: 2 });
    await page({ [user]: online });
    expect(await worker.presence(user)).toMatchObject({ stale: true });
    expect(await reconcile({ done: 1 })).toMatchObject({ lease: { state: 'reconcile' } });
    expect(await reconcile({ done: 2 })).toMatchObject({ lease: { state: 'held' }, differ: [], more: false });
    expect(await worker.presence(user)).toMatchObject({ stale: false, version: 1 });
  });

  it('answers an old incarnation that it is superseded, and tells it nothing', async () => {
    const { worker, site, page } = await siteOf([say.online()]);
    await worker.batch(site, [], EPOCH + 1);
    expect(await page({})).toMatchObject({ lease: { state: 'superseded', epoch: EPOCH + 1 }, differ: [] });
  });

  it('ends as lost what a snapshot leaves out', async () => {
    const { worker, site, users } = await siteOf([say.talking('1')]);
    const [user = ''] = users;
    const snapshot = { ...say.snapshot([], []), user, epoch: EPOCH + 1, sequence: 1, previous: 0, at: Date.now() };
    await worker.batch(site, [snapshot], EPOCH + 1);
    const { entries } = await okay<{ entries: object[] }>(await request(`/v1/presence/${encodeURIComponent(user)}/history`));
    expect(entries[0]).toMatchObject({ callStatus: 'idle', reason: { cause: 'lost' }, cause: { status: 'snapshot' } });
  });

  it('tells a token of one domain nothing of users of another, and one of another site nothing at all', async () => {
    const { site, domain, users } = await siteOf([say.online()]);
    const body = { version: 1, epoch: EPOCH, from: 0, to: LIMITS.reconcileBuckets, users: {} };
    const as = async (claims: object) =>
      post(`/v1/sites/${site}/reconcile`, body, await bearer({ scope: ['ingest'], ...claims }));
    expect((await okay<ReconcileAnswer>(await as({ domain: 'other.test', site }))).differ).toEqual([]);
    expect((await okay<ReconcileAnswer>(await as({ domain: '*' }))).differ).toEqual(users);
    expect((await okay<ReconcileAnswer>(await as({ site, users: [`sip:other@${domain}`] }))).differ).toEqual([]);
    expect((await okay<ReconcileAnswer>(await as({ site, users }))).differ).toEqual(users);
    expect(await problemOf(await as({ site: 'another' }))).toBe('403 site');
    expect(await problemOf(await as({ domain: 'other.test' }))).toBe('403 site');
    expect((await as({ scope: ['read'] })).status).toBe(403);
  });

  it.each([
    ['a site that is no name', 'a b', {}, '400 site'],
    ['no incarnation', 'a', { epoch: undefined }, '422 epoch'],
    ['buckets that are none', 'a', { to: 5000 }, '422 to'],
    ['buckets upside down', 'a', { from: 8, to: 8 }, '422 to'],
    ['a digest that is none', 'a', { users: { 'sip:a@b': 'x' } }, '422 users.sip:a@b'],
    ['another version', 'a', { version: 2 }, '400 version'],
  ])('refuses %s', async (_, site, wrong, expected) => {
    const body = { version: 1, epoch: 1, from: 0, to: 1, users: {}, ...wrong };
    expect(await problemOf(await post(`/v1/sites/${encodeURIComponent(site)}/reconcile`, body))).toBe(expected);
  });

  it('reads the boards alone: no object of a user is woken', async () => {
    const { page, users } = await siteOf([say.online()]);
    const [user = ''] = users;
    const release = await hang(userObject(user), 'get');
    expect((await page({ [user]: online })).differ).toEqual([]);
    release();
  });
});

describe('Offhook POST /v1/sites/{site}/stop', () => {
  const stop = (states: string) => ({ version: 1, epoch: EPOCH, states });

  it('with `stay` renews the lease, and its users are stale when that has run out', async () => {
    const { worker, site, users, reconcile } = await siteOf([say.online()], 1);
    const [user = ''] = users;
    await reconcile({ done: 1 });
    const { lease } = await okay<ReconcileAnswer>(await worker.post(`/v1/sites/${site}/stop`, stop('stay')));
    expect(lease.state).toBe('held');
    await eventually(
      () => worker.presence(user),
      ({ stale }) => stale,
    );
  });

  it('with `leave` makes nobody stale by the silence that follows, until a new incarnation begins', async () => {
    const { worker, site, users, reconcile } = await siteOf([say.online()], 1);
    const [user = ''] = users;
    await reconcile({ done: 1 });
    const gone = {
      ...say.snapshot([], []),
      reason: { cause: 'stopped' },
      user,
      epoch: EPOCH,
      sequence: 2,
      previous: 1,
      at: Date.now(),
    };
    await worker.batch(site, [gone], EPOCH);
    await okay(await worker.post(`/v1/sites/${site}/stop`, stop('leave')));
    const end = Date.now() + 1500;
    await eventually(
      async () => {
        expect(await worker.presence(user)).toMatchObject({ status: 'offline', stale: false });
        return Date.now();
      },
      (now) => now > end,
    );
    const { entries } = await okay<{ entries: object[] }>(await request(`/v1/presence/${encodeURIComponent(user)}/history`));
    expect(entries[0]).toMatchObject({ reason: { cause: 'stopped' } });
    expect(await worker.batch(site, [], EPOCH)).toMatchObject({ lease: { state: 'superseded' } });
    expect(await worker.batch(site, [], EPOCH + 1)).toMatchObject({ lease: { state: 'reconcile', epoch: EPOCH + 1 } });
  });

  it('changes nothing for an old incarnation', async () => {
    const { worker, site } = await siteOf([say.online()]);
    await worker.batch(site, [], EPOCH + 1);
    const { lease } = await okay<ReconcileAnswer>(await worker.post(`/v1/sites/${site}/stop`, stop('leave')));
    expect(lease.state).toBe('superseded');
    expect(await worker.batch(site, [], EPOCH + 1)).toMatchObject({ lease: { state: 'reconcile' } });
  });

  it('refuses what it does not know', async () => {
    expect(await problemOf(await post('/v1/sites/a/stop', stop('vanish')))).toBe('422 states');
  });
});

describe('Offhook reconciliation: the first word after it', () => {
  it('goes on from what was found to be the same, with its own reason, and is a gap where that is not so', async () => {
    const { worker, site, users } = await siteOf([say.talking('1'), say.talking('1')]);
    const base = digestOf({ terminals: [], calls: [say.call('1', 'confirmed')] });
    const idle = (user = '', more = {}) => ({
      ...{ ...say.idle('1'), user, epoch: EPOCH + 1, sequence: 1, previous: 0, at: Date.now() },
      ...more,
    });
    const { results } = await worker.batch(site, [idle(users[0], { base }), idle(users[1], { base: online })], EPOCH + 1);
    expect(results.map(({ verdict }) => verdict)).toEqual(['accepted', 'gap']);
    const path = `/v1/presence/${encodeURIComponent(users[0] ?? '')}/history`;
    const { entries } = await okay<{ entries: object[] }>(await request(path));
    expect(entries[0]).toMatchObject({ callStatus: 'idle', reason: { cause: 'bye' } });
  });
});
