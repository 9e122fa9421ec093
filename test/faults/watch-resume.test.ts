import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresenceDocument } from '#protocol';
import { events, type FeedClient, webSocket } from '../support/feed-client.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { soon, until } from '../support/until.ts';
import { UpdateStream } from '../support/update-stream.ts';

let worker: RunningWorker;
let token: string;
beforeAll(async () => {
  worker = await startWorker();
  token = await worker.token('read', 'ingest');
}, 30_000);
afterAll(() => worker?.close());

/** A watcher that comes back from its cursor whenever it is cut off, and keeps all that it was told. */
class Follower {
  readonly told: PresenceDocument[] = [];
  readonly begun: string[] = [];
  readonly #open: (cursor: string) => FeedClient;
  #client: FeedClient;
  #taken = 0;
  #cursor = '';

  constructor(open: (cursor: string) => FeedClient) {
    this.#open = open;
    this.#client = open('');
  }

  /** Takes what has come, and connects again where the connection is gone. */
  poll(): void {
    const frames = this.#client.frames.slice(this.#taken);
    if (this.#taken === 0 && frames[0] !== undefined) this.begun.push(frames[0].type);
    this.#taken += frames.length;
    for (const frame of frames) {
      this.#cursor = frame.cursor;
      if (frame.type === 'change') this.told.push(frame.presence);
      if (frame.type === 'snapshot') this.told.push(...frame.users.flatMap(({ presence }) => presence ?? []));
    }
    if (this.#client.closed === undefined) return;
    this.#client = this.#open(this.#cursor);
    this.#taken = 0;
  }

  versions(user: string): number[] {
    return this.told.filter((document) => document.user === user).map(({ version }) => version);
  }

  leave(): void {
    this.#client.leave();
  }
}

async function killWorker(): Promise<void> {
  const { embedded, url } = worker;
  const pid = embedded.pid() as number;
  process.kill(pid, 'SIGKILL');
  const answers = () =>
    fetch(`${url}/healthz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  await until(
    'another workerd answers',
    async () => embedded.pid() !== undefined && embedded.pid() !== pid && (await answers()),
    20_000,
  );
}

describe('Offhook faults: kill -9 of the Worker under watchers', { timeout: 60_000 }, () => {
  it('leaves each of them, by WebSocket and by events, with the newest of every user, nothing twice and nothing backwards', async () => {
    const domain = 'watched.example';
    const users = Array.from({ length: 12 }, (_, i) => `sip:user${i}@${domain}`);
    const stream = new UpdateStream(worker.url, token, 'site', users);
    const followers = [
      new Follower((cursor) => webSocket(worker.url, token, `domain=${domain}`, cursor)),
      new Follower((cursor) => events(worker.url, token, `domain=${domain}`, cursor)),
      new Follower((cursor) => webSocket(worker.url, token, `user=${users[0]}`, cursor)),
    ];
    const poll = setInterval(() => {
      for (const follower of followers) follower.poll();
    }, 20);
    try {
      await until('all have begun', () => followers.every(({ begun }) => begun.length > 0));
      const running = stream.run(60);
      running.catch(() => {});
      for (const kill of [1, 2]) {
        await until('updates before the kill', () => stream.total > 150 * kill, 20_000);
        await killWorker();
      }
      await soon('the stream ends', running, 20_000);
      const reader = new Reader(worker.url, token);
      const documents = await reader.query(users);
      await until('everybody is told everything', () =>
        followers.every((follower, i) =>
          (i === 2 ? users.slice(0, 1) : users).every((user, n) => follower.versions(user).at(-1) === documents[n]?.version),
        ),
      );
      for (const [i, follower] of followers.entries()) {
        for (const user of i === 2 ? users.slice(0, 1) : users) {
          const versions = follower.versions(user);
          expect(versions, user).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
        }
        // Nobody had to begin anew.
        expect(follower.begun.slice(0, 3)).toEqual(['snapshot', 'resumed', 'resumed']);
      }
    } finally {
      clearInterval(poll);
      for (const follower of followers) follower.leave();
    }
  });
});
