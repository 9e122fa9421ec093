import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbedded } from '../../shim/embedded/worker.ts';
import { CLIENT_BUNDLE } from '../../shim/packaging/client-bundle.ts';
import {
  type Offhook,
  OffhookProblem,
  offhook,
  verifyWebhook,
  type WatchCondition,
  type WatchEvent,
} from '../../worker/client/index.ts';
import { type CuttingProxy, cuttingProxy } from '../support/cutting-proxy.ts';
import { type RunningWorker, SILENT, startWorker } from '../support/product.ts';
import { soon, until } from '../support/until.ts';
import { UpdateStream } from '../support/update-stream.ts';
import { fixtureWorker } from './fixture.ts';

let worker: RunningWorker;
let proxy: CuttingProxy;
let receiver: Server;
let token: string;
/** What the receiver of webhooks was sent. */
const delivered: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
/** The requests of `client`, `GET /v1/presence/...`. */
const asked: string[] = [];
let client: Offhook;

beforeAll(async () => {
  receiver = createServer(async (request, response) => {
    delivered.push({ headers: request.headers, body: Buffer.concat(await request.toArray()).toString() });
    response.writeHead(204).end();
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  worker = await startWorker(undefined, undefined, ['WEBHOOK_ALLOW_PRIVATE=on']);
  proxy = await cuttingProxy(worker.url);
  token = await worker.token('admin');
  client = offhook({
    url: worker.url,
    token,
    fetch(url, init) {
      asked.push(`${init.method ?? 'GET'} ${new URL(url).pathname}`);
      return fetch(url, init);
    },
  });
}, 30_000);
afterAll(async () => {
  await proxy?.close();
  await worker?.close();
  receiver?.closeAllConnections();
  receiver?.close();
});

const stream = (domain: string, ...names: string[]) =>
  new UpdateStream(
    worker.url,
    token,
    `site-${domain}`,
    names.map((name) => `sip:${name}@${domain}`),
  );

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('Offhook client against a Worker: reading and writing', { timeout: 30_000 }, () => {
  const [alice, bob] = ['sip:alice@read.example', 'sip:bob@read.example'] as const;
  const carol = 'sip:carol@free.example';

  it('reads what is, what was, what changed and why', async () => {
    await stream('read.example', 'alice', 'bob').run(3);
    expect(await client.presence('alice@read.example')).toMatchObject({ user: alice, callStatus: 'terminating' });
    expect(await client.presence('nobody@read.example')).toBeNull();
    expect(await client.query([bob, 'nobody@read.example'])).toMatchObject([{ user: bob }, { code: 40402 }]);
    expect((await all(client.list('read.example', { limit: 1 }))).map(({ user }) => user)).toEqual([alice, bob]);
    const pages = await all(client.history(alice, { limit: 3 }).pages());
    expect(pages.map(({ entries }) => entries.map(({ version }) => version))).toEqual([[4, 3, 2], [1]]);
    const before = pages[0]?.entries[1]?.at as string;
    expect(await client.presence(alice, { at: before })).toMatchObject({ callStatus: 'talking', asOf: { at: before } });
    expect(await client.presence(alice, { at: new Date(0) })).toBeNull();
    expect((await client.why(alice))?.callStatus).toMatchObject({ value: 'terminating', dialogs: [{ direction: 'outgoing' }] });
    const { etag } = await client.presenceIfChanged(alice);
    expect(await client.presenceIfChanged(alice, etag)).toEqual({ changed: false, etag });
    await client.override(alice).set({ activity: 'away' });
    expect(await client.presenceIfChanged(alice, etag)).toMatchObject({ changed: true, presence: { user: alice } });
  });

  it('sets overrides and takes them back, waits for a user, has a URL told, and forgets', async () => {
    await stream('free.example', 'carol').run(0);
    const mine = client.override(carol);
    const by = { by: 'application', application: 'calendar' } as const;
    expect(await mine.set({ ...by, activity: 'dnd', note: 'away', expiresIn: 60 })).toMatchObject({
      activity: 'dnd',
      effective: true,
    });
    expect(await mine.list()).toMatchObject([{ application: 'calendar' }]);
    await expect(mine.clear({ ...by, ifMatch: '"0"' })).rejects.toMatchObject({ kind: 'precondition-failed', status: 412 });
    const free = client.whenFree(carol, { until: ['available', 'ringing'] });
    expect(await client.whenFree(carol, { until: 'offline', within: 1 })).toBeNull();
    const callback = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/free`;
    const made = await client.callWhenFree(carol, { callback, until: 'available' });
    if (made.fulfilled) throw new Error('she is not free');
    expect(await client.callback(made.watch.id)).toMatchObject({ user: carol, until: ['available'] });
    await mine.clear(by);
    expect(await free).toMatchObject({ user: carol, status: 'available' });
    const told = await until('the callback', () => delivered.find(({ body }) => body.includes('watch.fulfilled')));
    expect(await verifyWebhook(made.watch.secret, told.headers, told.body)).toMatchObject({
      ok: true,
      event: { type: 'watch.fulfilled', data: { user: carol } },
    });
    const other = await client.callWhenFree(carol, { callback, until: 'away' });
    if (other.fulfilled) throw new Error('she is not away');
    await client.cancelCallback(other.watch.id);
    await expect(client.callback(other.watch.id)).rejects.toMatchObject({ kind: 'no-such-watch' });
    await client.forget(carol);
    expect(await client.presence(carol)).toBeNull();
  });

  it('makes webhooks, looks after them, and verifies what they deliver with both secrets of a rotation', async () => {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    const { webhooks } = client;
    const { id, secret } = await webhooks.create({ url, domain: 'hook.example', statuses: ['talking'] });
    expect(await webhooks.list('hook.example')).toMatchObject([{ id, state: 'active' }]);
    expect(await webhooks.pause(id)).toMatchObject({ state: 'paused' });
    const fresh = await webhooks.newSecret(id);
    expect(await webhooks.test(id)).toMatchObject({ delivered: true, status: 204 });
    const { headers, body } = delivered.at(-1) as (typeof delivered)[number];
    for (const one of [secret, fresh.secret]) {
      expect(await verifyWebhook(one, headers, body)).toMatchObject({ ok: true, event: { data: { webhook: id } } });
    }
    expect(await verifyWebhook(secret, headers, body.replace('test', 'tost'))).toMatchObject({ ok: false });
    expect(await webhooks.resume(id)).toMatchObject({ state: 'active' });
    expect(await all(webhooks.deadLetters(id))).toEqual([]);
    expect(await webhooks.replay(id, { deadLetters: true })).toBe(0);
    expect(await webhooks.get(id)).toMatchObject({ statuses: ['talking'], queue: { waiting: 0 } });
    await webhooks.delete(id);
    await expect(webhooks.get(id)).rejects.toMatchObject({ kind: 'no-such-webhook' });
  });

  it('has a method for every request of presence, watching and webhooks that the Worker describes', async () => {
    const events = offhook({
      url: worker.url,
      token,
      WebSocket: null,
      fetch(url, init) {
        asked.push(`GET ${new URL(url).pathname}`);
        return fetch(url, init);
      },
    });
    for await (const _ of events.watch({ domain: 'read.example' })) break;
    const { paths } = (await (await fetch(`${worker.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { tags?: string[] }>>;
    };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { tags }]) => ['Presence', 'Watching', 'Webhooks'].includes(tags?.[0] ?? ''))
        .map(([method]) => ({ method: method.toUpperCase(), path })),
    );
    expect(described.length).toBeGreaterThan(20);
    const missing = described.filter(({ method, path }) => {
      const pattern = new RegExp(`^${method} ${path.replace(/\{\w+\}/g, '[^/]+')}$`);
      return !asked.some((one) => pattern.test(one));
    });
    // By WebSocket, below.
    expect(missing).toEqual([{ method: 'GET', path: '/v1/watch' }]);
  });
});

/** Numbers between 0 and 1 that are the same at each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Watches until `isAll` is satisfied with what was told. */
async function follow(made: Offhook, domain: string, isAll: (events: readonly WatchEvent[]) => boolean) {
  const told: WatchEvent[] = [];
  const conditions: WatchCondition[] = [];
  const watch = made.watch({ domain }, { onState: (condition) => conditions.push(condition) });
  for await (const event of watch) {
    told.push(event);
    if (isAll(told)) break;
  }
  return { told, conditions };
}

describe('Offhook client against a Worker: a watch that is cut off', { timeout: 30_000 }, () => {
  it.each([
    { way: 'a WebSocket', options: {}, domain: 'sockets.example', bytes: 1_500 },
    { way: 'server-sent events', options: { WebSocket: null }, domain: 'events.example', bytes: 6_000 },
  ])('by $way, wherever it is cut, is told every change once and in order', async ({ options, domain, bytes }) => {
    const names = ['alice', 'bob', 'carol', 'dave'];
    const steps = 24;
    const site = stream(domain, ...names);
    await site.run(0);
    const chance = numbers(7);
    // Each connection is cut: within the handshake, within the snapshot, or within the changes after it. What a WebSocket sends is compressed.
    proxy.cutAfter = () => Math.ceil(chance() * bytes);
    const cutsBefore = proxy.cuts;
    const seen = new Map<string, number>();
    const watching = new AbortController();
    const watch = offhook({ url: proxy.url, token, ...options }).watch({ domain }, { signal: watching.signal, onState: hurry });
    function hurry({ state }: WatchCondition): void {
      if (state === 'lost') setTimeout(() => watch.retry(), 5);
    }
    let resumed = 0;
    const reading = (async () => {
      for await (const event of watch) {
        if (event.type === 'snapshot') {
          for (const { user, presence } of event.users) seen.set(user, presence?.version ?? 0);
        } else if (event.type === 'resumed') {
          expect(event.exact).toBe(true);
          resumed += 1;
        } else if (event.type === 'presence') {
          const { user, version } = event.presence;
          expect(version, user).toBe((seen.get(user) as number) + 1);
          seen.set(user, version);
        }
      }
    })();
    await until('a snapshot', () => seen.size === names.length);
    await site.run(steps);
    await until('all is told', () => [...site.acknowledged].every(([user, { version }]) => seen.get(user) === version));
    watching.abort();
    await soon('the loop ends', reading);
    proxy.cutAfter = () => undefined;
    expect(resumed).toBeGreaterThan(3);
    expect(proxy.cuts - cutsBefore).toBeGreaterThan(resumed);
  });

  it('tells that it is lost and live again, and goes on from a cursor of an earlier watch', async () => {
    const site = stream('state.example', 'alice');
    await site.run(0);
    const first = await follow(client, 'state.example', () => true);
    const { cursor } = first.told[0] as WatchEvent;
    await site.run(2);
    const conditions: WatchCondition[] = [];
    let cut = true;
    proxy.cutAfter = () => (cut ? 40 : undefined);
    const made = offhook({ url: proxy.url, token });
    const watch = made.watch({ users: ['alice@state.example'] }, { since: cursor, onState: (one) => conditions.push(one) });
    const told: WatchEvent[] = [];
    const reading = (async () => {
      for await (const event of watch) told.push(event);
    })();
    await until('it is lost', () => conditions.some(({ state }) => state === 'lost'));
    cut = false;
    watch.retry();
    await until('it is live', () => conditions.at(-1)?.state === 'live');
    // The cursor is one of a watch of the whole domain.
    expect(told).toMatchObject([{ type: 'snapshot', reset: 'foreign', users: [{ user: 'sip:alice@state.example' }] }]);
    watch.close();
    await soon('the loop ends', reading);
    const on = client.watch({ domain: 'state.example' }, { since: cursor });
    const events: WatchEvent[] = [];
    for await (const event of on) {
      events.push(event);
      if (event.type === 'presence' && event.presence.status === 'talking') break;
    }
    expect(events.map((event) => (event.type === 'presence' ? event.presence.status : event.type))).toEqual([
      'resumed',
      'calling',
      'talking',
    ]);
  });

  it('reads events where a proxy lets no WebSocket through', async () => {
    await stream('blocked.example', 'alice').run(0);
    proxy.refuses = /^upgrade: *websocket/im;
    const { told, conditions } = await follow(offhook({ url: proxy.url, token }), 'blocked.example', () => true);
    proxy.refuses = undefined;
    expect(told).toMatchObject([{ type: 'snapshot', users: [{ user: 'sip:alice@blocked.example' }] }]);
    expect(conditions.map(({ state }) => state)).toEqual(['connecting', 'live']);
  });

  it('throws what the Worker refuses, and why', async () => {
    const foreign = offhook({ url: worker.url, token: 'a.b.c' });
    const refused = await follow(foreign, 'x.example', () => true).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OffhookProblem);
    expect(refused).toMatchObject({ status: 401, kind: 'invalid-token' });
    const nobody = client.watch({ users: ['not an address'] });
    await expect(nobody[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'bad-user', field: 'user' });
  });
});

/** A Worker of somebody else, which uses the client. */
const READER = `
import { offhook } from './index.ts';
export class User {}
export default {
  async fetch(request) {
    const { url, token } = await request.json();
    const client = offhook({ url, token });
    const found = [await client.presence('alice@inside.example')];
    for await (const event of client.watch({ domain: 'inside.example' })) {
      found.push(event);
      if (event.type === 'presence') break;
      await client.override('alice@inside.example').set({ activity: 'dnd' });
    }
    return Response.json(found);
  },
};
`;

describe('Offhook client within a Worker', { timeout: 30_000 }, () => {
  it('reads, sets and watches by WebSocket', async () => {
    await stream('inside.example', 'alice').run(0);
    const stdin = { contents: READER, resolveDir: join(import.meta.dirname, '../../worker/client') };
    const [bundle] = buildSync({ ...CLIENT_BUNDLE, stdin, write: false }).outputFiles;
    const fixture = await fixtureWorker(bundle?.text, 'WEBHOOK_ALLOW_PRIVATE = "on"');
    const place = { wrangler: fixture.wrangler, folder: join(fixture.folder, 'state'), host: '127.0.0.1', port: 0 };
    const started = await startEmbedded({ ...place, secret: 's'.repeat(40), log: SILENT, vars: ['WEBHOOK_ALLOW_PRIVATE=on'] });
    if (!started.ok) throw new Error(started.text);
    // Through a proxy that lets WebSockets alone through: what is told of changes did not come by events.
    proxy.refuses = /^GET \/v1\/events/;
    const body = JSON.stringify({ url: proxy.url, token });
    const answer = await fetch(started.worker.url, { method: 'POST', body });
    expect(await answer.json()).toMatchObject([
      { status: 'available' },
      { type: 'snapshot', users: [{ user: 'sip:alice@inside.example', presence: { status: 'available' } }] },
      { type: 'presence', presence: { status: 'dnd' } },
    ]);
    proxy.refuses = undefined;
    await started.worker.close();
    await fixture.remove();
  });
});
