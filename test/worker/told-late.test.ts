import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import * as places from '../../worker/objects/places.ts';
import { boardOf, boardsOf } from '../../worker/objects/shard.ts';
import { newDomain, newStream, post, report, say } from './support/client.ts';
import { boardObject, hang, userObject } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver } from './support/receiver.ts';
import { TestWatcher } from './support/watcher.ts';

const { boardTimeout } = OBJECT_LIMITS;
afterEach(() => {
  vi.useRealTimers();
  Object.assign(OBJECT_LIMITS, { boardTimeout });
});

describe('Offhook boards that hear of something late', () => {
  it('push a user whom they do not know, and whose object answers only after a watch was opened', async () => {
    Object.assign(OBJECT_LIMITS, { boardTimeout: 20 });
    const alice = newStream('alice', newDomain());
    await userObject(alice.user).apply(alice.user, 'site-a', [alice.next(say.online())]);
    const release = await hang(userObject(alice.user), 'read');
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    expect(watcher.snapshot).toEqual([{ user: alice.user, presence: null }]);
    release();
    expect(await watcher.changes(1)).toMatchObject([{ user: alice.user, status: 'available' }]);
    watcher.socket.close();
  });

  it('forget a user who moved to another board also where the object lost its memory before they could be told', async () => {
    const domain = newDomain();
    const alice = newStream('alice', domain);
    const { user } = alice;
    await report([alice.next(say.online())]);
    const name = boardsOf(domain, 3).find((board) => board !== boardOf(user, 3)) as string;
    const former = places.boardObject(env, name);
    await former.put([{ user, version: 1, status: 'available', text: '{}', visible: true }]);
    await runInDurableObject(userObject(user), (_, { storage }) => void storage.sql.exec('UPDATE record SET board = ?', name));
    await evictDurableObject(userObject(user));
    await runInDurableObject(former, (board) => void Object.assign(board, { drop: 'out of order' }));
    await report([alice.next(say.talking('c1'))]);
    await evictDurableObject(userObject(user));
    await runInDurableObject(former, (board) => void Reflect.deleteProperty(board, 'drop'));
    expect(await former.list('', 10)).toHaveLength(1);
    await runDurableObjectAlarm(userObject(user));
    expect(await former.list('', 10)).toEqual([]);
    expect((await boardObject(user).list('', 10)).map(({ version }) => version)).toEqual([2]);
    // From the next change on nobody need be told any more.
    await report([alice.next(say.idle('c1'))]);
    const stored = await runInDurableObject(userObject(user), (_, { storage }) =>
      storage.sql.exec('SELECT board FROM record').one(),
    );
    expect(stored).toEqual({ board: boardOf(user, 3) });
  });

  it('end their alarm only when a webhook that is being told has answered: an alarm whose process dies comes again', async () => {
    const alice = newStream('alice', newDomain());
    const { id } = await makeWebhook({ url: new Receiver().url, users: [alice.user] });
    const release = await hang(hookObject(id), 'take');
    await report([alice.next(say.online())]);
    let ended = false;
    const alarm = runInDurableObject(boardObject(alice.user), async (board) => {
      await board.alarm();
      ended = true;
    });
    await hookObject(id).view();
    expect(ended).toBe(false);
    release();
    await alarm;
  });

  it('tell a watch that they did not know of what it waits for when it asks, within the hour', async () => {
    const alice = newStream('alice', newDomain());
    const receiver = new Receiver();
    const made = await post(`/v1/watches/${alice.user}`, { until: 'available', callback: receiver.url, expiresIn: 7_200 });
    const { id } = await made.json<{ id: string }>();
    await boardObject(alice.user).detachHook(id);
    await report([alice.next(say.online())]);
    expect(receiver.deliveries).toEqual([]);
    vi.setSystemTime(Date.now() + 3_600_000);
    // It asks, and then delivers.
    for (let n = 0; n < 2; n++) await runDurableObjectAlarm(hookObject(id));
    expect(receiver.deliveries.map(({ event }) => event.type)).toEqual(['watch.fulfilled']);
  });
});
