import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const OFFHOOK = join(import.meta.dirname, '../../shim/offhook.js');

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-worker-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  await rm(folder, { recursive: true, force: true });
});

/** Runs `offhook` with these arguments; what it says, and its exit code at the end. */
function offhook(...args: string[]) {
  const child = spawn(process.execPath, [OFFHOOK, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (data) => {
    said.out += data;
  });
  child.stderr.on('data', (data) => {
    said.err += data;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const found = /http:\S+(?=;)/.exec(said.out)?.[0];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(said.err)));
  });
  url.catch(() => {});
  return { child, said, ended, url };
}

const at = (name: string) => ['--state-dir', join(folder, name)];

async function listing(url: string, name: string): Promise<number> {
  const made = offhook('token', '--scope', 'read', ...at(name));
  expect(await made.ended, made.said.err).toBe(0);
  const headers = { authorization: `Bearer ${made.said.out.trim()}` };
  return (await fetch(`${url}/v1/domains/example.com/presence`, { headers })).status;
}

describe('Offhook worker', { timeout: 60_000 }, () => {
  it('runs the Worker alone, keeps its secret, and is backed up while it runs and brought back elsewhere', async () => {
    const first = offhook('worker', '--http-port=0', '--worker-vars=BOARD_SHARDS=2', ...at('first'));
    const url = await first.url;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await listing(url, 'first')).toBe(200);
    const backup = offhook('backup', join(folder, 'copy'), ...at('first'));
    expect(await backup.ended, backup.said.err).toBe(0);
    const busy = offhook('restore', join(folder, 'copy'), ...at('first'));
    expect([await busy.ended, busy.said.err]).toEqual([1, expect.stringContaining('in use by another offhook')]);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);

    const restore = offhook('restore', join(folder, 'copy'), ...at('second'));
    expect(await restore.ended, restore.said.err).toBe(0);
    const second = offhook('worker', '--http-port=0', ...at('second'));
    expect(await listing(await second.url, 'second')).toBe(200);
  });

  it('refuses a variable that the Worker does not have, and names those that it has', async () => {
    const run = offhook('worker', '--http-port=0', '--worker-vars=BORD_SHARDS=2', ...at('first'));
    expect(await run.ended).toBe(1);
    expect(run.said.err).toMatch(/the Worker has no variable BORD_SHARDS: .*BOARD_SHARDS/);
  });

  it.each(['backup', 'restore'])('wants to be told a folder: %s', async (name) => {
    const run = offhook(name);
    expect([await run.ended, run.said.err]).toEqual([2, `offhook ${name}: a folder is needed first: offhook ${name} FOLDER\n`]);
  });
});
