import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedWorker, startEmbedded } from '../../shim/embedded/worker.ts';
import type { Log } from '../../shim/log.ts';
import { alive, type Fixture, fixtureWorker, until } from './fixture.ts';

const SECRET = 's'.repeat(40);
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

let fixture: Fixture;
let worker: EmbeddedWorker | undefined;

beforeEach(async () => {
  fixture = await fixtureWorker();
});
afterEach(async () => {
  await worker?.close();
  worker = undefined;
  await fixture.remove();
});

const options = (port = 0) => ({
  wrangler: fixture.wrangler,
  folder: join(fixture.folder, 'state'),
  host: '127.0.0.1',
  port,
  secret: SECRET,
  log,
  backoff: { min: 10, max: 100 },
});

async function start(): Promise<EmbeddedWorker> {
  const started = await startEmbedded(options());
  if (!started.ok) throw new Error(started.text);
  worker = started.worker;
  return worker;
}

async function get(path: string): Promise<string> {
  const answer = await fetch(`${(worker as EmbeddedWorker).url}${path}`);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.text();
}

const got = (path: string) => get(path).catch(() => undefined);

describe('Offhook embedded workerd', { timeout: 30_000 }, () => {
  it('serves the bundled Worker with the bindings of wrangler.toml, and the secret is in no file', async () => {
    await start();
    expect(JSON.parse(await get('/env'))).toEqual({ secret: SECRET, shards: '4' });
    for (const file of ['workerd.capnp', 'index.js']) {
      expect(await readFile(join(options().folder, file), 'utf8')).not.toContain(SECRET);
    }
  });

  it('is started again at the same port after kill -9, with every acknowledged write and with alarms, due ones too', async () => {
    const { pid, port } = await start();
    const first = pid() as number;
    for (let i = 1; i <= 20; i += 1) await get(`/put?i=${i}`);
    await get('/arm?user=b&ms=150');
    process.kill(first, 'SIGKILL');
    const stored = await until(() => got('/all'));
    expect(JSON.parse(stored)).toHaveLength(20);
    await until(async () => ((await got('/all?user=b')) === '["alarm"]' ? true : undefined));
    expect([worker?.port, worker?.restarts()]).toEqual([port, 1]);
    expect(pid()).not.toBe(first);
    expect(await alive(first)).toBe(false);
  });

  it('closes in good time with a WebSocket open, and is gone then', async () => {
    await start();
    const socket = new WebSocket(`${worker?.url.replace('http', 'ws')}/watch`);
    const echo = new Promise((resolve) => {
      socket.onopen = () => socket.send('there');
      socket.onmessage = (event) => resolve(event.data);
    });
    expect(await echo).toBe('there');
    const pid = worker?.pid() as number;
    const ended = new Promise((resolve) => {
      socket.onclose = resolve;
    });
    await worker?.close();
    await ended;
    expect(await alive(pid)).toBe(false);
  });

  it('ends when the process that started it is killed hard', async () => {
    const script = `
      import { startEmbedded } from ${JSON.stringify(join(import.meta.dirname, '../../shim/embedded/worker.ts'))};
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const started = await startEmbedded({ ...${JSON.stringify(options())}, log });
      console.log(started.worker.pid());
    `;
    await writeFile(join(fixture.folder, 'parent.mjs'), script);
    const parent = spawn(process.execPath, [join(fixture.folder, 'parent.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    expect(await alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(async () => ((await alive(pid)) ? undefined : true));
  });

  it('names the port that another program has', async () => {
    const other = createServer();
    const port: number = await new Promise((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
    });
    const started = await startEmbedded(options(port));
    await new Promise((resolve) => other.close(resolve));
    expect(started).toEqual({
      ok: false,
      reason: 'port',
      text: `HTTP 127.0.0.1:${port}: port ${port} is in use by another program`,
    });
  });

  it('says what is wrong with a Worker that cannot be bundled, or that workerd refuses', async () => {
    await writeFile(join(fixture.folder, 'index.js'), 'import "./missing.ts"');
    expect(await startEmbedded(options())).toMatchObject({
      ok: false,
      reason: 'worker',
      text: expect.stringContaining('missing.ts'),
    });
    await writeFile(join(fixture.folder, 'index.js'), 'throw new Error("broken Worker")');
    expect(await startEmbedded(options())).toMatchObject({
      ok: false,
      reason: 'worker',
      text: expect.stringContaining('broken Worker'),
    });
  });

  it('says what is missing in wrangler.toml', async () => {
    await writeFile(fixture.wrangler, 'name = "x"\nmain = "index.js"\n');
    const started = await startEmbedded(options());
    expect(started).toMatchObject({ ok: false, reason: 'worker', text: expect.stringContaining('compatibility_date') });
  });
});
