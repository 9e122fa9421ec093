import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresenceDocument } from '#protocol';
import { killWorker } from '../support/kill.ts';
import { quietPort } from '../support/port.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { until } from '../support/until.ts';
import { UpdateStream } from '../support/update-stream.ts';

interface Delivered {
  readonly headers: IncomingHttpHeaders & Record<string, string>;
  readonly body: string;
  readonly event: { readonly type: string; readonly data: PresenceDocument };
}

/** A receiver on loopback. It answers what `answer` says; undefined for never. */
class Loopback {
  readonly deliveries: Delivered[] = [];
  readonly server: Server;
  answer: (delivery: Delivered, path: string) => number | undefined = () => 204;

  constructor() {
    this.server = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      const delivery = { headers: request.headers as Delivered['headers'], body, event: JSON.parse(body) };
      this.deliveries.push(delivery);
      const status = this.answer(delivery, request.url ?? '');
      if (status !== undefined)
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('x'.repeat(10_000));
    });
  }

  static async listen(): Promise<Loopback> {
    const loopback = new Loopback();
    await once(loopback.server.listen(0, '127.0.0.1'), 'listening');
    receivers.push(loopback);
    return loopback;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  of(user: string): Delivered[] {
    return this.deliveries.filter(({ event }) => event.data.user === user);
  }
}

interface Made {
  readonly id: string;
  readonly secret: string;
}

let worker: RunningWorker;
let headers: Record<string, string>;
const receivers: Loopback[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  worker = await startWorker(undefined, undefined, ['WEBHOOK_ALLOW_PRIVATE=on']);
  headers = { authorization: `Bearer ${await worker.token('admin')}`, 'content-type': 'application/json' };
}, 30_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await worker?.close();
  for (const { server } of receivers) {
    server.closeAllConnections();
    server.close();
  }
});

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await fetch(`${worker.url}${path}`, init);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const make = (receiver: Loopback, domain: string) => ask<Made>('POST', '/v1/webhooks', { url: receiver.url, domain });

async function stream(domain: string, ...names: string[]): Promise<UpdateStream> {
  const users = names.map((name) => `sip:${name}@${domain}`);
  return new UpdateStream(worker.url, await worker.token('ingest'), `site-${domain}`, users);
}

/** The signature by the words of the specification: "HMAC-SHA256 of `id.timestamp.body`, the key being the base64 after `whsec_`". */
function signature(secret: string, { headers, body }: Delivered): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

describe('Offhook webhooks by the Standard Webhooks specification', { timeout: 40_000 }, () => {
  it('is verified by the library of the specification, by its words, and by both secrets while one is replaced', async () => {
    const receiver = await Loopback.listen();
    const { id, secret } = await make(receiver, 'signed.example');
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await (await stream('signed.example', 'alice')).run(0);
    const first = await until('a delivery', () => receiver.deliveries[0]);
    expect(first.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-signature': signature(secret, first) });
    expect(new Webhook(secret).verify(first.body, first.headers)).toMatchObject({ data: { user: 'sip:alice@signed.example' } });
    expect(() => new Webhook(secret).verify(`${first.body} `, first.headers)).toThrow();

    const rotated = await ask<{ secret: string }>('POST', `/v1/webhooks/${id}/secret`, { keepFor: 60 });
    expect(await ask('POST', `/v1/webhooks/${id}/test`)).toMatchObject({ delivered: true, status: 204 });
    const second = receiver.deliveries[1] as Delivered;
    expect(second.headers['webhook-signature']).toBe(`${signature(rotated.secret, second)} ${signature(secret, second)}`);
    for (const one of [secret, rotated.secret]) {
      expect(new Webhook(one).verify(second.body, second.headers)).toMatchObject({ type: 'webhook.test' });
    }
    await ask('POST', `/v1/webhooks/${id}/secret`, { keepFor: 0 });
    await ask('POST', `/v1/webhooks/${id}/test`);
    const third = receiver.deliveries[2] as Delivered;
    for (const one of [secret, rotated.secret]) expect(() => new Webhook(one).verify(third.body, third.headers)).toThrow();
  });

  it('is received by the example of docs/webhooks.md', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/webhooks.md'), 'utf8');
    const code = /```js\n(.*?)```/s.exec(page)?.[1] as string;
    const file = join(worker.folder, 'receiver.mjs');
    await writeFile(file, code);
    const port = await quietPort();
    const body = { url: `http://127.0.0.1:${port}/`, domain: 'documented.example' };
    const { id, secret } = await ask<Made>('POST', '/v1/webhooks', body);
    const run = (secret: string) => {
      const env = { PATH: process.env.PATH, WEBHOOK_SECRET: secret, PORT: String(port) };
      const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const said: string[] = [];
      child.stdout.on('data', (data) => said.push(String(data)));
      return { child, said };
    };
    const tested = () =>
      until('an answer', async () => {
        const told = await ask<{ delivered: boolean; status?: number }>('POST', `/v1/webhooks/${id}/test`);
        return told.status === undefined ? undefined : told;
      });
    const wrong = run(`whsec_${Buffer.alloc(32).toString('base64')}`);
    expect(await tested()).toMatchObject({ delivered: false, status: 401 });
    wrong.child.kill('SIGKILL');
    await once(wrong.child, 'close');
    const right = run(secret);
    expect(await tested()).toMatchObject({ delivered: true, status: 204 });
    await (await stream('documented.example', 'alice')).run(0);
    await until('the change', () => right.said.join('').includes('presence.changed sip:alice@documented.example available'));
    expect(wrong.said).toEqual([]);
  });
});

describe('Offhook webhooks over real sockets', { timeout: 60_000 }, () => {
  it.concurrent('5xx is tried again, the user waits in order, others go on', async () => {
    const receiver = await Loopback.listen();
    let failures = 2;
    receiver.answer = ({ event }) => (event.data.user === 'sip:alice@failing.example' && failures-- > 0 ? 500 : 200);
    await make(receiver, 'failing.example');
    await (await stream('failing.example', 'alice', 'bob')).run(3);
    await until('bob is told all', () => receiver.of('sip:bob@failing.example').length === 4);
    await until('alice is told all', () => receiver.of('sip:alice@failing.example').length === 6, 40_000);
    const hers = receiver.of('sip:alice@failing.example');
    expect(hers.map(({ event }) => event.data.version)).toEqual([1, 1, 1, 2, 3, 4]);
    expect(new Set(hers.slice(0, 3).map((one) => one.headers['webhook-id'])).size).toBe(1);
  });

  it.concurrent('who never answers is given up after ten seconds, and holds up nobody else', async () => {
    const receiver = await Loopback.listen();
    receiver.answer = ({ event }) => (event.data.user === 'sip:alice@slow.example' ? undefined : 200);
    const { id } = await make(receiver, 'slow.example');
    await (await stream('slow.example', 'alice', 'bob')).run(4);
    await until('bob is told all', () => receiver.of('sip:bob@slow.example').length === 5);
    expect(receiver.of('sip:alice@slow.example')).toHaveLength(1);
    const view = () => ask<{ queue: { lastFailure: string | null } }>('GET', `/v1/webhooks/${id}`);
    await until('given up', async () => (await view()).queue.lastFailure === 'timeout', 20_000);
    await ask('DELETE', `/v1/webhooks/${id}`);
  });

  it.concurrent('410 disables, and a redirect is a failure that is not followed', async () => {
    const [gone, moved] = [await Loopback.listen(), await Loopback.listen()];
    gone.answer = () => 410;
    const paths: string[] = [];
    moved.answer = (_, path) => (paths.push(path) === 0 ? 204 : 302);
    const made = [await make(gone, 'over.example'), await make(moved, 'over.example')];
    await (await stream('over.example', 'alice')).run(0);
    type View = { state: string; deadLetters: number; queue: { lastFailure: string | null } };
    const views = () => Promise.all(made.map(({ id }) => ask<View>('GET', `/v1/webhooks/${id}`)));
    await until('both have answered', async () => {
      const [first, second] = (await views()) as [View, View];
      return first.state === 'disabled' && first.deadLetters === 1 && second.queue.lastFailure === 'HTTP 302';
    });
    expect(paths).toEqual(['/hook']);
    for (const { id } of made) await ask('DELETE', `/v1/webhooks/${id}`);
  });

  it.concurrent('a watch is answered when the user is free, by the request itself or by a signed callback', async () => {
    const receiver = await Loopback.listen();
    const user = 'sip:alice@free.example';
    const site = await stream('free.example', 'alice');
    await site.run(2);
    const path = `/v1/watches/${user}`;
    const waiting = ask<PresenceDocument>('POST', path, { until: 'available', wait: 30 });
    const { secret } = await ask<Made>('POST', path, { until: ['available'], callback: receiver.url });
    await site.run(4);
    expect(await waiting).toMatchObject({ user, status: 'available' });
    const delivery = await until('the callback', () => receiver.deliveries[0]);
    expect(new Webhook(secret).verify(delivery.body, delivery.headers)).toMatchObject({
      type: 'watch.fulfilled',
      data: { status: 'available' },
    });
    expect(await ask('POST', path, { until: 'available', wait: 30 })).toMatchObject({ status: 'available' });
    expect(await ask('POST', path, { until: 'talking', wait: 1 })).toBeUndefined();
  });
});

describe('Offhook webhooks when workerd is killed', { timeout: 60_000 }, () => {
  it('every user is told the last state, in order, and what is told twice has the same id', async () => {
    const receiver = await Loopback.listen();
    await make(receiver, 'killed.example');
    const names = Array.from({ length: 10 }, (_, i) => `u${i}`);
    const site = await stream('killed.example', ...names);
    const running = site.run(40);
    for (const least of [50, 150]) {
      await until('some are told', () => receiver.deliveries.length > least);
      await killWorker(worker);
    }
    await running;
    const told = (user: string) => receiver.of(user).map(({ event }) => event.data.version);
    await until(
      'the last state of each',
      () => [...site.acknowledged].every(([user, { version }]) => told(user).includes(version)),
      40_000,
    );
    for (const [user] of site.acknowledged) {
      const once = [...new Set(told(user))];
      expect(once, user).toEqual(once.toSorted((a, b) => a - b));
      const ids = new Map(receiver.of(user).map(({ event, headers }) => [event.data.version, headers['webhook-id']]));
      for (const { event, headers } of receiver.of(user)) expect(headers['webhook-id']).toBe(ids.get(event.data.version));
    }
  });
});
