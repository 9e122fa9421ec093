import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { boardOf, shardCount } from '../../worker/objects/shard.ts';
import type { PresenceDocument } from '../../worker/protocol/index.ts';
import { newDomain, newStream, okay, presence, report, request, say } from './support/client.ts';
import { boardObject, hang, userObject } from './support/objects.ts';
import { TestWatcher } from './support/watcher.ts';

/** The versions that the board of a user has. */
const versions = async (user: string) => (await boardObject(user).list('', 10)).map(({ version }) => version);

describe('Offhook handing changes over to the request that brought the report', () => {
  it('heals when the request dies before the board was told: the site repeats itself', async () => {
    const alice = newStream('alice', newDomain());
    const update = alice.next(say.online());
    // As of a request that was cut off: the user has it, nobody tells the board.
    await userObject(alice.user).apply(alice.user, 'site-a', [update]);
    expect(await versions(alice.user)).toEqual([]);
    expect(await report([update])).toMatchObject([{ verdict: 'duplicate' }]);
    expect(await versions(alice.user)).toEqual([1]);
  });

  it('heals when the site begins anew instead, though its snapshot changes nothing', async () => {
    const alice = newStream('alice', newDomain());
    const since = Date.now();
    const online = { ...alice.next(say.online('sip:a@1', { since })), at: since };
    await userObject(alice.user).apply(alice.user, 'site-a', [online]);
    const snapshot = say.snapshot([say.terminal('sip:a@1', { since })], []);
    await report([{ ...online, ...snapshot, epoch: online.epoch + 1 }]);
    expect(await versions(alice.user)).toEqual([1]);
  });

  it('heals by the next alarm, and by the next wake-up', async () => {
    for (const evicted of [false, true]) {
      const alice = newStream('alice', newDomain());
      await userObject(alice.user).apply(alice.user, 'site-a', [alice.next(say.talking('c1'))]);
      if (evicted) {
        await evictDurableObject(userObject(alice.user));
        await userObject(alice.user).get();
        await expect.poll(() => versions(alice.user)).toEqual([1]);
      } else {
        await runDurableObjectAlarm(userObject(alice.user));
        expect(await versions(alice.user)).toEqual([1]);
      }
    }
  });

  it('loses no change and no order where several sites report at the same time', async () => {
    const alice = newStream('alice');
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    const first = await userObject(alice.user).apply(alice.user, 'site-a', [alice.next(say.online())]);
    // The second site overtakes the first.
    await report([newStreamOf(alice.user).next(say.talking('c1'))], 'site-b');
    if (first.handover !== undefined) await boardObject(alice.user).put(first.handover.changes);
    await report([alice.next(say.talking('c2'))]);
    expect((await watcher.changes(3)).map(({ version, calls }) => [version, calls.length])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    expect(watcher.frames).toHaveLength(4);
    watcher.socket.close();
  });

  it('keeps boards and objects the same, every change told once and in order, under four sites at once', async () => {
    const domain = newDomain();
    const watcher = await TestWatcher.open(`domain=${domain}`);
    const users = Array.from({ length: 10 }, (_, i) => `sip:user${i}@${domain}`);
    const rounds = 10;
    const site = async (name: string) => {
      const streams = users.map(newStreamOf);
      for (let round = 0; round < rounds; round++) {
        const word = round % 2 ? say.idle(name) : say.talking(name);
        const updates = streams.map((stream) => stream.next(word));
        expect(new Set((await report(updates, name)).map(({ verdict }) => verdict))).toEqual(new Set(['accepted']));
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(site));
    const told = await watcher.changes(4 * rounds * users.length);
    for (const user of users) {
      const versions = told.filter((change) => change.user === user).map(({ version }) => version);
      expect(versions).toEqual(Array.from({ length: 4 * rounds }, (_, i) => i + 1));
      const { users: listed } = await okay<{ users: PresenceDocument[] }>(await request(`/v1/domains/${domain}/presence`));
      expect(listed.find((document) => document.user === user)).toEqual(await presence(user));
    }
    watcher.socket.close();
  });

  it('hands over nothing a second time once the site goes on', async () => {
    const alice = newStream('alice');
    for (const word of [say.online(), say.early('c1'), say.talking('c1')]) {
      const { handover } = await userObject(alice.user).apply(alice.user, 'site-a', [alice.next(word)]);
      expect(handover).toMatchObject({ board: boardOf(alice.user, 3), changes: [{ user: alice.user, visible: true }] });
    }
  });

  it('tells a board of a whole batch in a few requests', async () => {
    const domain = newDomain();
    const streams = Array.from({ length: 60 }, (_, i) => newStream(`user${i}`, domain)).filter(
      ({ user }) => boardOf(user, 3) === `${domain}#0`,
    );
    const board = boardObject(streams[0]?.user as string);
    let puts = 0;
    await runInDurableObject(board, (instance) => {
      const methods = Object.getPrototypeOf(instance) as { put(this: object, changes: unknown): Promise<void> };
      const { put } = methods;
      methods.put = function (changes) {
        if (this === instance) puts += 1;
        return put.call(this, changes);
      };
    });
    const wake = await hang(board, 'put');
    const reported = report(streams.map((stream) => stream.next(say.online())));
    await expect.poll(async () => (await userObject(streams.at(-1)?.user as string).get())?.version).toBe(1);
    wake();
    await reported;
    expect(puts).toBeLessThan(4);
    expect((await board.list('', 100)).length).toBe(streams.length);
  });

  it('tells the board of all users of a batch at once, and of those who are ready while one is slow', async () => {
    const domain = newDomain();
    const shards = shardCount(env.BOARD_SHARDS);
    const board = boardOf(`sip:alice0@${domain}`, shards);
    const streams = Array.from({ length: 60 }, (_, i) => newStream(`alice${i}`, domain))
      .filter(({ user }) => boardOf(user, shards) === board)
      .slice(0, 8);
    const slow = streams[3] as (typeof streams)[number];
    const groups: number[] = [];
    const object = boardObject(slow.user);
    await runInDurableObject(object, (instance) => {
      const methods = Object.getPrototypeOf(instance) as { put(this: object, changes: unknown[]): Promise<void> };
      const { put } = methods;
      methods.put = function (changes) {
        if (this === instance) groups.push(changes.length);
        return put.call(this, changes);
      };
    });
    await report(streams.map((stream) => stream.next(say.online())));
    expect(groups).toEqual([streams.length]);
    const wake = await hang(userObject(slow.user), 'apply');
    const reported = report(streams.map((stream) => stream.next(say.talking('c1'))));
    await expect.poll(() => groups.length).toBe(2);
    wake();
    await reported;
    expect(groups).toEqual([streams.length, streams.length - 1, 1]);
  });
});

/** The stream of another site about a user. */
function newStreamOf(user: string) {
  const stream = newStream('other');
  return { next: (word: Parameters<typeof stream.next>[0]) => ({ ...stream.next(word), user }) };
}
