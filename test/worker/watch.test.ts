import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { boardOf } from '../../worker/objects/shard.ts';
import { bearer, newDomain, newStream, report, say, token } from './support/client.ts';
import { documentText } from './support/document.ts';
import { boardObject, boardObjects } from './support/objects.ts';
import { TestWatcher, upgrade } from './support/watcher.ts';

describe('FIG. 13 watching users by WebSocket', () => {
  it('gives a snapshot, null for a user never seen, then every change in order, also those in the middle of a batch', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    const bob = newStream('bob');
    const watcher = await TestWatcher.open(`user=${alice.user}&user=${bob.user}`);
    expect(new Map(watcher.snapshot.map(({ user, presence }) => [user, presence?.status]))).toEqual(
      new Map([
        [alice.user, 'available'],
        [bob.user, undefined],
      ]),
    );
    await report([alice.next(say.talking('c1')), alice.next(say.terminating('c1')), alice.next(say.idle('c1'))]);
    expect((await watcher.changes(3)).map(({ callStatus, version }) => `${callStatus} ${version}`)).toEqual([
      'talking 2',
      'terminating 3',
      'idle 4',
    ]);
    await report([bob.next(say.online())]);
    expect((await watcher.changes(4))[3]).toMatchObject({ user: bob.user, version: 1 });
    watcher.socket.close();
  });

  it('tells nothing of users who are not watched, and nothing twice', async () => {
    const alice = newStream('alice');
    const bob = newStream('bob');
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    const update = alice.next(say.online());
    await report([bob.next(say.online()), update]);
    await report([update, alice.next(say.talking('c1'))]);
    expect((await watcher.changes(2)).map(({ user, version }) => [user, version])).toEqual([
      [alice.user, 1],
      [alice.user, 2],
    ]);
    watcher.socket.close();
  });

  it('does not tell of a refresh that only moves the expiry', async () => {
    const alice = newStream('alice');
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    const expires = Date.now() + 60_000;
    for (const later of [0, 10_000]) await report([alice.next(say.online('sip:a@1', { expires: expires + later }))]);
    await report([alice.next(say.talking('c1'))]);
    expect((await watcher.changes(2)).map(({ version }) => version)).toEqual([1, 3]);
    watcher.socket.close();
  });
});

describe('FIG. 13 watching a domain by WebSocket', () => {
  it('joins the boards of the domain: one snapshot, the last frame of which says so, and the changes of all', async () => {
    const domain = newDomain();
    const streams = Array.from({ length: 12 }, (_, i) => newStream(`user${i}`, domain));
    expect(new Set(streams.map(({ user }) => boardOf(user, 3))).size).toBe(3);
    await report(streams.map((stream) => stream.next(say.online())));
    const watcher = await TestWatcher.open(`domain=${domain}`);
    expect(watcher.frames.map((frame) => frame.type === 'snapshot' && frame.more)).toEqual([true, true, false]);
    expect(watcher.snapshot.map(({ user }) => user).sort()).toEqual(streams.map(({ user }) => user).sort());
    await report(streams.map((stream) => stream.next(say.talking('c1'))));
    expect(new Set((await watcher.changes(12)).map(({ user }) => user)).size).toBe(12);
    watcher.socket.close();
  });

  it('goes on after the boards hibernated', async () => {
    const domain = newDomain();
    const alice = newStream('alice', domain);
    await report([alice.next(say.online())]);
    const whole = await TestWatcher.open(`domain=${domain}`);
    const named = await TestWatcher.open(`user=${alice.user}`);
    for (const board of boardObjects(domain)) await evictDurableObject(board);
    await report([alice.next(say.talking('c1'))]);
    for (const watcher of [whole, named]) {
      expect((await watcher.changes(1)).map(({ status, version }) => [status, version])).toEqual([['talking', 2]]);
      watcher.socket.close();
    }
  });

  it('gives a large board in frames of bounded size', async () => {
    const domain = newDomain();
    const board = boardObjects(domain)[0];
    const count = OBJECT_LIMITS.snapshotUsers + 1;
    for (let i = 0; i < count; i++) {
      const user = `sip:user${i}@${domain}`;
      void board?.put([{ user, version: 1, status: 'available', text: documentText(user, 1), visible: true }]);
    }
    await expect.poll(async () => (await board?.list('', count))?.length).toBe(count);
    const watcher = await TestWatcher.open(`domain=${domain}`);
    const snapshots = watcher.frames.filter((frame) => frame.type === 'snapshot');
    const sizes = snapshots.map(({ users }) => users.length);
    expect(sizes.sort((a, b) => b - a)).toEqual([500, 1, 0, 0]);
    expect(new Set(watcher.snapshot.map(({ user }) => user)).size).toBe(count);
    watcher.socket.close();
  });

  it('gives large documents in frames of bounded size', async () => {
    const domain = newDomain();
    const board = boardObjects(domain)[0];
    for (let i = 0; i < 5; i++) {
      const user = `sip:user${i}@${domain}`;
      const text = documentText(user, 1, 'available', OBJECT_LIMITS.snapshotText / 2);
      await board?.put([{ user, version: 1, status: 'available', text, visible: true }]);
    }
    const watcher = await TestWatcher.open(`domain=${domain}`);
    expect(watcher.snapshot).toHaveLength(5);
    for (const frame of watcher.frames) expect(JSON.stringify(frame).length).toBeLessThan(OBJECT_LIMITS.snapshotText);
    expect(watcher.frames.filter((frame) => frame.type === 'snapshot' && !frame.more)).toEqual([watcher.frames.at(-1)]);
    watcher.socket.close();
    const named = await TestWatcher.open([0, 1, 2, 3, 4].map((i) => `user=user${i}@${domain}`).join('&'));
    expect(named.snapshot).toHaveLength(5);
    named.socket.close();
  });

  it('ends when one board is lost, so that the watcher comes back for a fresh snapshot', async () => {
    const domain = newDomain();
    const watcher = await TestWatcher.open(`domain=${domain}`);
    const [board] = boardObjects(domain);
    if (board !== undefined) await evictDurableObject(board, { webSockets: 'close' });
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed?.code).toBeGreaterThan(1000);
  });
});

describe('Offhook watchers', () => {
  it.each(['user', 'domain'])('get pong for ping (%s)', async (kind) => {
    const { user } = newStream('alice');
    const watcher = await TestWatcher.open(kind === 'user' ? `user=${user}` : `domain=${newDomain()}`);
    watcher.socket.send('ping');
    await watcher.until(() => watcher.texts.length > 0);
    expect(watcher.texts).toEqual(['pong']);
    watcher.socket.close();
  });

  it.each([
    ['user', 'hello', 1008],
    ['domain', 'hello', 1008],
    ['user', 'x'.repeat(OBJECT_LIMITS.watcherMessage + 1), 1009],
    ['domain', new Uint8Array(OBJECT_LIMITS.watcherMessage + 1), 1009],
  ] as const)('are closed for saying anything else (%s, %#)', async (kind, message, code) => {
    const { user } = newStream('alice');
    const watcher = await TestWatcher.open(kind === 'user' ? `user=${user}` : `domain=${newDomain()}`);
    watcher.socket.send(message);
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed?.code).toBe(code);
  });

  it('see no more than their token may', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    const open = async (detail: 'busy-only' | 'direction' | 'full') =>
      TestWatcher.open(`user=${alice.user}`, await bearer({ detail }));
    const watchers = [await open('busy-only'), await open('direction'), await open('full')];
    await evictDurableObject(boardObject(alice.user));
    await report([alice.next(say.talking('c1'))]);
    const seen = [];
    for (const watcher of watchers) {
      const [change] = await watcher.changes(1);
      seen.push([watcher.snapshot[0]?.presence?.terminals.length, change?.calls.length, change?.calls[0]?.peer?.uri]);
      watcher.socket.close();
    }
    expect(seen).toEqual([
      [0, 0, undefined],
      [1, 1, undefined],
      [1, 1, 'sip:bob@example.com'],
    ]);
  });

  it('are closed instead of told when their token has ended', async () => {
    const alice = newStream('alice');
    const exp = Math.floor(Date.now() / 1000) + 2;
    const watcher = await TestWatcher.open(`user=${alice.user}`, await bearer({ exp }));
    await runInDurableObject(boardObject(alice.user), (_, state) => {
      for (const socket of state.getWebSockets()) {
        const attachment = socket.deserializeAttachment() as { until: number };
        if (attachment.until === exp * 1000) socket.serializeAttachment({ ...attachment, until: Date.now() - 1 });
      }
    });
    await evictDurableObject(boardObject(alice.user));
    await report([alice.next(say.online())]);
    await watcher.until(() => watcher.closed !== undefined);
    expect([watcher.closed?.code, watcher.frames.length]).toEqual([1008, 1]);
  });

  it('leave nothing behind when they go', async () => {
    const { user } = newStream('alice');
    const watcher = await TestWatcher.open(`user=${user}`);
    const board = boardObject(user);
    const rows = () =>
      runInDurableObject(
        board,
        (_, { storage }) => storage.sql.exec('SELECT id FROM watches WHERE instr(users, ?) > 0', user).toArray().length,
      );
    expect(await rows()).toBe(1);
    watcher.socket.close(1000);
    await expect.poll(rows).toBe(0);
  });

  it('leave nothing behind when the process that held their sockets died', async () => {
    const { user } = newStream('alice');
    const [gone, kept] = [await TestWatcher.open(`user=${user}`), await TestWatcher.open(`user=${user}`)];
    const board = boardObject(user);
    // As after a crash: one socket is there no more, and nobody was told that it closed.
    await runInDurableObject(board, (_, state) => {
      const [first] = state.getWebSockets().filter((socket) => {
        const { id } = socket.deserializeAttachment() as { id: string };
        return state.storage.sql.exec('SELECT id FROM watches WHERE id = ? AND instr(users, ?) > 0', id, user).toArray().length;
      });
      first?.serializeAttachment(null);
    });
    await evictDurableObject(board);
    const rows = await runInDurableObject(
      board,
      (_, { storage }) => storage.sql.exec('SELECT id FROM watches WHERE instr(users, ?) > 0', user).toArray().length,
    );
    expect(rows).toBe(1);
    for (const watcher of [gone, kept]) watcher.socket.close();
  });

  it('may send the token as a sub-protocol, as browsers have to', async () => {
    const { user } = newStream('alice');
    const response = await upgrade(`user=${user}`, {
      authorization: '',
      'sec-websocket-protocol': `offhook.v1, offhook.token.${await token({ scope: ['read'] })}`,
    });
    expect([response.status, response.headers.get('sec-websocket-protocol')]).toEqual([101, 'offhook.v1']);
    const watcher = new TestWatcher(response.webSocket as WebSocket);
    await watcher.until(() => watcher.frames.length > 0);
    watcher.socket.close();
  });

  it('are refused above the limit of a board', async () => {
    const domain = newDomain();
    const board = env.BOARD.getByName(`${domain}#0`);
    await runInDurableObject(board, (_, state) => {
      Object.defineProperty(state, 'getWebSockets', { value: () => new Array(OBJECT_LIMITS.watchers), configurable: true });
    });
    const response = await upgrade(`domain=${domain}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([503, 'application/problem+json']);
  });
});
