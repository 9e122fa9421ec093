import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { newDomain, newStream, report, say } from './support/client.ts';
import { boardObject } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver, webhook } from './support/receiver.ts';

const { hookParcel } = OBJECT_LIMITS;
afterEach(() => {
  Object.assign(OBJECT_LIMITS, { hookParcel });
});

/** Users of one board, on-line at a site of their own, and a webhook of theirs that was told so. */
async function stage(of: 'domain' | 'users', count: number) {
  const [domain, site] = [newDomain(), crypto.randomUUID()];
  const first = newStream('u', domain);
  const board = boardObject(first.user);
  const streams = [first];
  while (streams.length < count) {
    const stream = newStream('u', domain);
    if (boardObject(stream.user).id.equals(board.id)) streams.push(stream);
  }
  const users = streams.map(({ user }) => user);
  const receiver = new Receiver();
  const { id } = await makeWebhook({ url: receiver.url, ...(of === 'domain' ? { domain } : { users }) });
  await report(
    streams.map((stream) => stream.next(say.online())),
    site,
  );
  await expect.poll(() => receiver.deliveries.length).toBe(count);
  await expect.poll(async () => (await webhook(id)).queue.waiting).toBe(0);
  return { site, board, users, receiver, id };
}

/** Does something of which the board cannot tell the webhook before it loses its memory; its alarm tells it then. */
async function unheard(id: string, board: ReturnType<typeof boardObject>, act: () => Promise<void>): Promise<void> {
  await runInDurableObject(hookObject(id), (instance) => void Object.assign(instance, { take: 'out of order' }));
  await act();
  await runInDurableObject(hookObject(id), (instance) => void Reflect.deleteProperty(instance, 'take'));
  await evictDurableObject(board);
  await runDurableObjectAlarm(board);
}

describe('Offhook webhooks: a site that is lost and comes back', () => {
  it('is told by events with ids of their own, though the document is what it was before', async () => {
    const { site, board, receiver } = await stage('domain', 1);
    for (const since of [Date.now(), 0]) await board.siteStands(site, since);
    await expect.poll(() => receiver.deliveries.map(({ event }) => event.data.stale)).toEqual([false, true, false]);
    expect(receiver.deliveries[2]?.event.data).toEqual(receiver.deliveries[0]?.event.data);
    expect(new Set(receiver.deliveries.map(({ id }) => id)).size).toBe(3);
  });

  it.each(['domain', 'users'] as const)(
    'is told of all of its users after a loss of memory, however many go into one request (webhook of %s)',
    async (of) => {
      Object.assign(OBJECT_LIMITS, { hookParcel: 2 });
      const { site, board, users, receiver, id } = await stage(of, 5);
      await unheard(id, board, () => board.siteStands(site, Date.now()));
      await expect.poll(() => receiver.deliveries.length).toBe(10);
      const told = receiver.deliveries.slice(5).map(({ event }) => [event.data.user, event.data.stale]);
      expect(told.sort()).toEqual(users.map((user) => [user, true]).sort());
      // What was told is not told again, and what comes next is.
      await unheard(id, board, () => board.siteStands(site, 0));
      await expect.poll(() => receiver.deliveries.length).toBe(15);
      expect(new Set(receiver.deliveries.map((delivery) => delivery.id)).size).toBe(15);
    },
  );
});
