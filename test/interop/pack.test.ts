import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { access, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestText } from '../support/sip-text.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
/** Packing, and the installation from the registry or npm's cache, ms. */
const INSTALL = 180_000;

let folder: string;
let offhook: string;
const env = { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_update_notifier: 'false' };

/** As a new user does it: an empty folder, and the packed file alone. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-pack-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  const name = (await readdir(folder)).find((each) => each.endsWith('.tgz')) as string;
  expect(stdout).toContain(name);
  const site = join(folder, 'site');
  await mkdir(site);
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join('..', name)], { cwd: site, env });
  offhook = join(site, 'node_modules/.bin/offhook');
}, INSTALL);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function installed(): Promise<string[]> {
  const files = await readdir(join(folder, 'site/node_modules/offhook'), { recursive: true });
  return files.map((file) => file.replaceAll('\\', '/'));
}

describe('Offhook as npm pack makes it', { timeout: 60_000 }, () => {
  it('holds no test and no TypeScript but the declarations of the client, and what a site needs: commands, Worker, service file, documents', async () => {
    const files = await installed();
    expect(files.filter((file) => /\.ts$|(^|\/)test\//.test(file))).toEqual(['dist/client.d.ts']);
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/client.js',
        'dist/main.js',
        'dist/worker.js',
        'dist/wrangler.toml',
        'docs/offhook.example.toml',
        'shim/packaging/offhook.service',
        'shim/packaging/offhook-worker.service',
        'LICENSE',
      ]),
    );
    await expect(access(join(folder, 'site/node_modules/vitest'))).rejects.toThrow();
  });

  it('has the commands', async () => {
    expect((await run(offhook, ['--help'], { env })).stdout).toMatch(/^ {2}shim /m);
    const secret = { ...env, OFFHOOK_SECRET: 'k'.repeat(32) };
    expect((await run(offhook, ['token'], { env: secret })).stdout).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  it('has a typed client, against which a strict program compiles without the types of anything else', async () => {
    const site = join(folder, 'site');
    await writeFile(join(site, 'node.d.ts'), 'declare const process: { readonly argv: string[] };');
    await copyFile(join(ROOT, 'test/interop/consumer.ts'), join(site, 'consumer.mts'));
    const strict = [
      '--strict',
      '--target',
      'es2022',
      '--lib',
      'es2022,dom',
      '--types',
      '',
      '--outDir',
      '.',
      'consumer.mts',
      'node.d.ts',
    ];
    for (const module of [
      ['--module', 'esnext', '--moduleResolution', 'bundler'],
      ['--module', 'node16'],
    ]) {
      const compiled = run(join(ROOT, 'node_modules/.bin/tsc'), [...module, ...strict], { cwd: site, env });
      await compiled.catch(({ stdout }: { stdout: string }) => expect.fail(stdout));
    }
  });

  it('runs the whole product: a telephone registers, and presence and the client tell so', async () => {
    const child = spawn(offhook, ['start', '--http-port=0', '--sip-port=0'], {
      cwd: join(folder, 'site'),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    try {
      const { sip, curl, token } = await greeting(child);
      expect(await register(sip)).toBe(200);
      const headers = { authorization: `Bearer ${token}` };
      const users = await until('presence tells of the telephone', async () => {
        const { users } = (await (await fetch(curl, { headers })).json()) as { users: object[] };
        return users.length > 0 && users;
      });
      expect(users).toMatchObject([{ user: 'sip:bob@127.0.0.1', status: 'available' }]);
      const url = new URL(curl).origin;
      const consumer = await run(process.execPath, ['consumer.mjs', url, token, 'bob@127.0.0.1'], { cwd: join(folder, 'site') });
      expect(consumer.stdout.split('\n')).toEqual([
        ...['sip:bob@127.0.0.1 available', 'null', '[ 1, 40402 ]', '1 undefined', 'bad-parameter status', ''],
      ]);
      const status = await run(offhook, ['status'], { cwd: join(folder, 'site'), env });
      expect(status.stdout).toMatch(/^Bindings {6}1,/m);
    } finally {
      child.kill('SIGTERM');
    }
    expect((await ended)[0]).toBe(0);
  });
});

/** What `offhook start` prints once all is up. */
async function greeting(child: ChildProcess): Promise<{ sip: number; curl: string; token: string }> {
  let [out, err] = ['', ''];
  child.stdout?.on('data', (data) => {
    out += data;
  });
  child.stderr?.on('data', (data) => {
    err += data;
  });
  await until('it runs', () => out.includes('Ctrl-C') || child.exitCode !== null, 30_000);
  const part = (pattern: RegExp) => pattern.exec(out)?.[1] ?? err;
  return { sip: Number(part(/SIP +[\d.]+:(\d+)/)), curl: part(/curl .*' (http:\S+)/), token: part(/Bearer (\S+)'/) };
}

async function register(sip: number): Promise<number> {
  const phone = createSocket('udp4');
  phone.bind(0, '127.0.0.1');
  await once(phone, 'listening');
  const { port } = phone.address();
  const text = requestText('REGISTER', {
    uri: 'sip:127.0.0.1',
    via: `SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bKpack`,
    from: '<sip:bob@127.0.0.1>;tag=a',
    to: '<sip:bob@127.0.0.1>',
    headers: [`Contact: <sip:bob@127.0.0.1:${port}>`],
  });
  phone.send(text, sip, '127.0.0.1');
  const [reply] = await once(phone, 'message');
  phone.close();
  return Number(/^SIP\/2\.0 (\d+)/.exec(String(reply))?.[1]);
}
