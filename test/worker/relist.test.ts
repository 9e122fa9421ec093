import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import * as places from '../../worker/objects/places.ts';
import { boardOf } from '../../worker/objects/shard.ts';
import { domainOf } from '../../worker/protocol/index.ts';
import { ROUTE_LIMITS } from '../../worker/routes/limits.ts';
import type { RelistPlace } from '../../worker/routes/schema/relist.ts';
import { bearer, newDomain, newStream, okay, post, problemOf, report, request, say } from './support/client.ts';
import { documentText } from './support/document.ts';
import { boardObject, boardObjects, userObject } from './support/objects.ts';
import { makeWebhook, Receiver } from './support/receiver.ts';
import { TestWatcher } from './support/watcher.ts';

const { relistUsers } = ROUTE_LIMITS;
afterEach(() => {
  Object.assign(ROUTE_LIMITS, { relistUsers });
});

type Relisted = { listed: number; cursor?: string };
const relist = (domain: string, body: object, headers: Record<string, string> = {}) =>
  post(`/v1/domains/${domain}/relist`, body, headers);

/** Boards that a domain had before there were three. */
const board = (domain: string, shard: RelistPlace['shard']) => places.boardObject(env, `${domain}#${shard}`);

/** Users of a new domain who stand on boards 3 and 4, as when there were five; a watcher of the domain does not see them. */
async function stage(count: number) {
  const domain = newDomain();
  const streams = Array.from({ length: count }, () => newStream('user', domain));
  await report(streams.map((stream) => stream.next(say.online())));
  for (const [i, { user }] of streams.entries()) {
    const shard = 3 + (i % 2);
    const [row] = await boardObject(user).list('', 1, undefined, [user]);
    const text = row?.text as string;
    await board(domain, shard).put([{ user, version: 1, status: 'available', text, visible: true }]);
    await boardObject(user).drop(user);
    await runInDurableObject(
      userObject(user),
      (_, { storage }) => void storage.sql.exec('UPDATE record SET board = ?', `${domain}#${shard}`),
    );
    await evictDurableObject(userObject(user));
  }
  return { domain, first: (streams[0] as (typeof streams)[0]).user, users: streams.map(({ user }) => user).sort() };
}

const listed = async (domain: string) =>
  (await okay<{ users: { user: string }[] }>(await request(`/v1/domains/${domain}/presence`))).users.map(({ user }) => user);
const left = async (domain: string) =>
  (await Promise.all([3, 4].map((shard) => board(domain, shard).list('', 100)))).flat().map(({ user }) => user);

/** Asks until there is no cursor; how many requests, and how many users they told of. */
async function relistAll(domain: string, former = 5): Promise<number[]> {
  const told: number[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const answer: Relisted = await okay<Relisted>(await relist(domain, { former, ...(cursor && { cursor }) }));
    told.push(answer.listed);
    cursor = answer.cursor;
  }
  return told;
}

describe('Offhook relisting after the number of boards was lowered', () => {
  it('lists by the boards of now whom nobody could see, tells who watches, and leaves nobody behind', async () => {
    Object.assign(ROUTE_LIMITS, { relistUsers: 2 });
    const { domain, users } = await stage(6);
    // A row of somebody of whom nothing is known any more.
    const nobody = `sip:nobody@${domain}`;
    await board(domain, 4).put([{ user: nobody, version: 1, status: 'offline', text: documentText(nobody, 1), visible: true }]);
    const watcher = await TestWatcher.open(`domain=${domain}`);
    expect([await listed(domain), watcher.snapshot]).toEqual([[], []]);
    expect(await relistAll(domain)).toEqual([2, 1, 2, 2, 0]);
    expect([await listed(domain), await left(domain)]).toEqual([users, []]);
    expect((await watcher.changes(6)).map(({ user }) => user).sort()).toEqual(users);
    watcher.socket.close();
    // Again, and where there were no more boards than there are, there is nothing to do.
    expect([await relistAll(domain), await relistAll(domain, 3), await listed(domain)]).toEqual([[0], [0], users]);
  });

  it('has webhooks told by the boards of now, at once', async () => {
    const receiver = new Receiver();
    // The first board lists all webhooks of the domain: she stands on another.
    let alice = newStream('alice', newDomain());
    while (boardOf(alice.user, 3).endsWith('#0')) alice = newStream('alice', newDomain());
    const { id } = await makeWebhook({ url: receiver.url, users: [alice.user] });
    // As after a change of the number: this board does not know it.
    await boardObject(alice.user).detachHook(id);
    await boardObjects(domainOf(alice.user))[0]?.attachHook({
      id,
      board: `${domainOf(alice.user)}#0`,
      kind: 'webhook',
      users: [],
    });
    await report([alice.next(say.online())]);
    expect(await relistAll(domainOf(alice.user))).toEqual([0]);
    await report([alice.next(say.talking('c1'))]);
    await expect.poll(() => receiver.versions).toEqual([2]);
  });

  it('says where somebody could not be reached, and goes on when it is asked again', async () => {
    const { domain, users, first: user } = await stage(2);
    await runInDurableObject(userObject(user), (instance) => void Object.assign(instance, { show: 'out of order' }));
    expect(await problemOf(await relist(domain, { former: 5 }))).toBe('503');
    expect(await left(domain)).toContain(user);
    await runInDurableObject(userObject(user), (instance) => void Reflect.deleteProperty(instance, 'show'));
    await relistAll(domain);
    expect([await listed(domain), await left(domain)]).toEqual([users, []]);
  });

  it('is for administrators of the whole domain, audited once, and takes no other number or cursor', async () => {
    const domain = newDomain();
    const by = async (claims: Parameters<typeof bearer>[0]) =>
      problemOf(await relist(domain, { former: 5 }, await bearer(claims)));
    expect(await by({ scope: ['read', 'write', 'ingest'] })).toBe('403');
    expect(await by({ domain: newDomain() })).toBe('403');
    expect(await by({ users: [`sip:alice@${domain}`] })).toBe('403');
    for (const body of [{}, { former: 0 }, { former: 65 }])
      expect(await problemOf(await relist(domain, body))).toBe('422 former');
    expect(await problemOf(await relist(domain, { former: 5, cursor: 'x' }))).toBe('422 cursor');
    await relist(domain, { former: 5 });
    const { entries } = await okay<{ entries: object[] }>(await request('/v1/audit', { headers: await bearer({ domain }) }));
    expect(entries.filter((entry) => 'act' in entry && entry.act === 'domain.relist')).toMatchObject([
      { domain, note: '5 boards' },
    ]);
  });
});
