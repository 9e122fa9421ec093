import { runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it } from 'vitest';
import { HOOK_LIMITS, type HookRecord } from '../../worker/hooks/index.ts';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { newDomain, newStream, okay, post, problemOf, report, say } from './support/client.ts';
import { boardObject, hang } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver, webhook } from './support/receiver.ts';

const { queue } = HOOK_LIMITS;
afterEach(() => {
  Object.assign(HOOK_LIMITS, { queue });
});

/** Somebody, and a webhook of theirs. */
async function stage() {
  const alice = newStream('alice', newDomain());
  const receiver = new Receiver();
  const { id } = await makeWebhook({ url: receiver.url, users: [alice.user] });
  return { alice, receiver, id, board: boardObject(alice.user) };
}

describe('Offhook webhooks: what bounds them', () => {
  it.each(['https://127.0.0.1/', 'http://hooks.example.com/'])(
    'nothing is sent to %s, though the webhook was made when that was allowed',
    async (url) => {
      const { alice, receiver, id } = await stage();
      await runInDurableObject(hookObject(id), (_, { storage }) => {
        const { body } = storage.sql.exec<{ body: string }>('SELECT body FROM hook').one();
        storage.sql.exec('UPDATE hook SET body = ?', JSON.stringify({ ...(JSON.parse(body) as HookRecord), url }));
      });
      await runInDurableObject(hookObject(id), (_, state) => state.abort('restarted')).catch(() => {});
      await report([alice.next(say.online())]);
      const reason = url.startsWith('http:') ? 'not-https' : 'private-address';
      await expect.poll(async () => (await webhook(id)).queue.lastFailure).toBe(reason);
      expect(receiver.deliveries).toEqual([]);
    },
  );

  it('a board sets its alarm with the change itself, so that whoever was not told is told after a kill', async () => {
    const { alice, id, board } = await stage();
    const release = await hang(hookObject(id), 'take');
    await report([alice.next(say.online())]);
    const at = await runInDurableObject(board, (_, { storage }) => storage.getAlarm());
    expect(at).toBeLessThanOrEqual(Date.now() + OBJECT_LIMITS.hookRepeat);
    release();
  });

  it('a board keeps how far a webhook has confirmed, and tells no more than that again', async () => {
    const { alice, id, board } = await stage();
    const confirmed = () =>
      runInDurableObject(board, (_, { storage }) => storage.sql.exec('SELECT seq FROM hooks WHERE id = ?', id).one().seq);
    const before = Number(await confirmed());
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    await expect.poll(confirmed).toBe(before + 2);
  });

  it('a replay of more than may wait is refused, and puts nothing in line', async () => {
    const { alice, receiver, id } = await stage();
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    await expect.poll(async () => receiver.versions.length === 2 && (await webhook(id)).queue.waiting).toBe(0);
    Object.assign(HOOK_LIMITS, { queue: 1 });
    const from = receiver.deliveries[0]?.id;
    expect(await problemOf(await post(`/v1/webhooks/${id}/replay`, { from }))).toBe('409');
    expect((await webhook(id)).queue.waiting).toBe(0);
    expect(await okay(await post(`/v1/webhooks/${id}/replay`, { from: receiver.deliveries[1]?.id }))).toEqual({ replayed: 1 });
  });

  it('a callback of a watch is not made for what may be old, and is as soon as it is known', async () => {
    const [alice, site] = [newStream('alice', newDomain()), crypto.randomUUID()];
    const receiver = new Receiver();
    const board = boardObject(alice.user);
    await report([alice.next(say.online()), alice.next(say.talking('c1'))], site);
    await board.siteStands(site, Date.now());
    // One that asks when it is so, and old; and one of before.
    const path = `/v1/watches/${alice.user}`;
    const made = (until: string) => post(path, { until, callback: receiver.url });
    expect((await made('talking')).status).toBe(201);
    const { id } = await (await made('available')).json<{ id: string }>();
    await report([alice.next(say.idle('c1'))], site);
    const heard = () =>
      runInDurableObject(hookObject(id), (_, { storage }) => storage.sql.exec('SELECT seq FROM boards').toArray().length);
    await expect.poll(heard).toBe(1);
    expect(receiver.deliveries).toEqual([]);
    await board.siteStands(site, 0);
    await expect.poll(() => receiver.deliveries.map(({ event }) => event.data.status)).toEqual(['available']);
  });
});
