import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sign } from 'hono/jwt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaseAnswer, PresenceDocument } from '#protocol';
import { backupStore, restoreStore } from '../../shim/embedded/backup.ts';
import { readSecret } from '../../shim/embedded/secret.ts';
import { type EmbeddedWorker, startEmbedded } from '../../shim/embedded/worker.ts';
import { SILENT } from '../support/product.ts';
import { until } from '../support/until.ts';
import { UpdateStream } from '../support/update-stream.ts';

const WRANGLER = join(import.meta.dirname, '../../wrangler.toml');
const SECRET = 'a-secret-of-a-test-which-is-long-enough';
const NOW = Date.UTC(2026, 10, 24);
const USERS = Array.from({ length: 8 }, (_, n) => `sip:u${n}@example.com`);

let folder: string;
let running: EmbeddedWorker[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-'));
  running = [];
});
afterEach(async () => {
  for (const worker of running) await worker.close();
  await rm(folder, { recursive: true, force: true });
});

const mine = async () => {};
const token = (...scope: string[]) => sign({ scope, domain: '*', iat: 1_700_000_000 }, SECRET, 'HS256');

async function run(stateDir: string): Promise<EmbeddedWorker> {
  const place = { wrangler: WRANGLER, folder: join(stateDir, 'worker'), host: '127.0.0.1', port: 0 };
  const started = await startEmbedded({ ...place, secret: SECRET, log: SILENT });
  if (!started.ok) throw new Error(started.text);
  running.push(started.worker);
  return started.worker;
}

async function documents(url: string): Promise<PresenceDocument[]> {
  const headers = { authorization: `Bearer ${await token('read')}` };
  const get = async (user: string) => (await fetch(`${url}/v1/presence/${encodeURIComponent(user)}`, { headers })).json();
  return (await Promise.all(USERS.map(get))) as PresenceDocument[];
}

async function listed(url: string): Promise<PresenceDocument[]> {
  const headers = { authorization: `Bearer ${await token('read')}` };
  const response = await fetch(`${url}/v1/domains/example.com/presence`, { headers });
  return ((await response.json()) as { users: PresenceDocument[] }).users;
}

describe('Offhook backup of a self-hosted Worker', { timeout: 60_000 }, () => {
  it('is made while updates come, and brings all back that was acknowledged before', async () => {
    const [old, copy, fresh] = ['old', 'copy', 'new'].map((name) => join(folder, name)) as [string, string, string];
    const worker = await run(old);
    await writeFile(join(old, 'secret'), `${SECRET}\n`, { mode: 0o600 });
    const stream = new UpdateStream(worker.url, await token('ingest'), 'north', USERS);
    const streaming = stream.run(60);
    await until('updates', () => stream.total > 100);
    const before = USERS.map((user) => stream.acknowledged.get(user)?.version ?? 0);
    expect(await backupStore(old, copy, NOW)).toMatchObject({
      ok: true,
      manifest: { format: 1, at: '2026-11-24T00:00:00.000Z' },
    });
    await streaming;
    await worker.close();

    await mkdir(fresh);
    expect(await restoreStore(copy, fresh, mine)).toMatchObject({ ok: true });
    expect(await readSecret(fresh)).toEqual({ ok: true, secret: SECRET });
    const restored = await run(fresh);
    // Boards were copied first: none is ahead of a user, whose next change it would pass over.
    const onBoards = new Map((await listed(restored.url)).map(({ user, version }) => [user, version]));
    const found = await documents(restored.url);
    found.forEach(({ user, version }, n) => {
      expect(version, user).toBeGreaterThanOrEqual(before[n] as number);
      expect(onBoards.get(user), user).toBeLessThanOrEqual(version);
    });
    await until('the boards know what the users know', async () =>
      (await listed(restored.url)).every(
        ({ user, version }) => found.find((document) => document.user === user)?.version === version,
      ),
    );
  });

  it('has each site compare anew what it holds: it told more than the backup has, and nobody tells it so', async () => {
    const [old, copy, fresh] = ['old', 'copy', 'new'].map((name) => join(folder, name)) as [string, string, string];
    const epoch = NOW;
    const say = async (url: string, path: string, body: object) => {
      const headers = { authorization: `Bearer ${await token('ingest')}`, 'content-type': 'application/json' };
      const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ version: 1, epoch, ...body }) });
      return ((await response.json()) as { lease: LeaseAnswer }).lease;
    };
    const beat = (url: string) => say(url, '/v1/updates', { site: 'north', sentAt: Date.now(), updates: [] });
    const worker = await run(old);
    const { round } = await beat(worker.url);
    await say(worker.url, '/v1/sites/north/reconcile', { done: round });
    expect(await beat(worker.url)).toMatchObject({ state: 'held', round });
    await backupStore(old, copy, NOW);
    await worker.close();
    await mkdir(fresh);
    expect(await restoreStore(copy, fresh, mine)).toMatchObject({ ok: true });
    expect(await beat((await run(fresh)).url)).toMatchObject({ state: 'reconcile', round: round + 1 });
  });

  it('is restored for whoever the state folder is of, all of it: root would keep from the service what it restores', async () => {
    const [copy, to] = [join(folder, 'copy'), join(folder, 'to')];
    await mkdir(join(copy, 'worker/storage/offhook-User'), { recursive: true });
    await writeFile(join(copy, 'worker/storage/offhook-User/a.sqlite'), '');
    for (const name of ['secret', 'secret-previous', 'users.sqlite']) await writeFile(join(copy, name), '');
    await writeFile(join(copy, 'backup.json'), JSON.stringify({ format: 1, at: '', files: 1 }));
    await mkdir(to);
    const given: string[] = [];
    await restoreStore(copy, to, async (path) => void given.push(path.replace('storage.partial', 'storage')));
    const made = await readdir(to, { recursive: true });
    expect(given.toSorted()).toEqual(made.map((name) => join(to, name)).toSorted());
    expect(made).toHaveLength(7);
  });

  it('is refused where there is nothing to copy, or something in its place already', async () => {
    await mkdir(join(folder, 'empty'));
    expect(await backupStore(join(folder, 'empty'), join(folder, 'copy'), NOW)).toMatchObject({ ok: false });
    await mkdir(join(folder, 'full/worker/storage'), { recursive: true });
    await mkdir(join(folder, 'copy'));
    expect(await backupStore(join(folder, 'full'), join(folder, 'copy'), NOW)).toEqual({
      ok: false,
      text: `${join(folder, 'copy')} is there already`,
    });
  });

  it('is taken back only whole, and never over a store', async () => {
    const [part, to] = [join(folder, 'part'), join(folder, 'to')];
    await mkdir(join(part, 'worker/storage/offhook-User'), { recursive: true });
    await mkdir(to);
    expect(await restoreStore(part, to, mine)).toMatchObject({ ok: false, text: expect.stringContaining('is no whole backup') });
    await writeFile(join(part, 'backup.json'), JSON.stringify({ format: 1, at: '', files: 1 }));
    expect(await restoreStore(part, to, mine)).toMatchObject({
      ok: false,
      text: expect.stringContaining('0 databases instead of 1'),
    });
    await writeFile(join(part, 'backup.json'), JSON.stringify({ format: 2, files: 0 }));
    expect(await restoreStore(part, to, mine)).toMatchObject({ ok: false, text: expect.stringContaining('not known here') });
    await writeFile(join(part, 'backup.json'), JSON.stringify({ format: 1, at: '', files: 0 }));
    expect(await restoreStore(part, to, mine)).toMatchObject({ ok: true });
    expect(existsSync(join(to, 'worker/storage.partial'))).toBe(false);
    expect(await restoreStore(part, to, mine)).toMatchObject({ ok: false, text: expect.stringContaining('is there already') });
  });
});
