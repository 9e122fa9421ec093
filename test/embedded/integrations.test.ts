import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_BUNDLE } from '../../shim/packaging/client-bundle.ts';
import { quietPort } from '../support/port.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { soon, until } from '../support/until.ts';
import { UpdateStream } from '../support/update-stream.ts';

const ROOT = join(import.meta.dirname, '../..');
const BOB = 'sip:bob@127.0.0.1';

let worker: RunningWorker;
let token: string;
let site: UpdateStream;
/** The blocks of code of the document by section ("1. Shell") and language, in their order. */
const blocks = new Map<string, string[]>();
let children: { readonly child: ChildProcess; readonly ended: Promise<unknown> }[] = [];

/** A folder of somebody who has installed the package, as far as the client goes: `exports` are those of package.json. */
beforeAll(async () => {
  const page = await readFile(join(ROOT, 'docs/integrations.md'), 'utf8');
  for (const [, title = '', section = ''] of page.matchAll(/^## (.*)\n([\s\S]*?)(?=^## |(?![\s\S]))/gm)) {
    for (const [, language = '', code = ''] of section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
      const key = `${title.slice(0, 1)} ${language}`;
      blocks.set(key, [...(blocks.get(key) ?? []), code]);
    }
  }
  worker = await startWorker(undefined, undefined, ['WEBHOOK_ALLOW_PRIVATE=on']);
  token = await worker.token('read', 'write');
  const installed = join(worker.folder, 'node_modules/offhook');
  await mkdir(join(installed, 'dist'), { recursive: true });
  await copyFile(join(ROOT, 'package.json'), join(installed, 'package.json'));
  const entryPoints = [join(ROOT, 'worker/client/index.ts')];
  buildSync({ ...CLIENT_BUNDLE, entryPoints, outfile: join(installed, 'dist/client.js') });
  site = new UpdateStream(worker.url, await worker.token('ingest'), 'office', [BOB]);
  await site.run(0);
}, 30_000);
afterEach(async () => {
  for (const { child, ended } of children) {
    // With what a shell has begun.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
  children = [];
});
afterAll(() => worker?.close());

/** A block of the document; `n` counts those of one section and language. */
function block(key: string, n = 0): string {
  const code = blocks.get(key)?.[n];
  if (code === undefined) throw new Error(`docs/integrations.md has no block ${key} ${n}`);
  return code;
}

function begin(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const own = { PATH: process.env.PATH, OFFHOOK_URL: worker.url, TOKEN: token, ...env };
  const child = spawn(command, args, { cwd: worker.folder, env: own, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const said = { out: '', err: '', ended, lines: () => said.out.split('\n').filter((line) => line !== '') };
  child.stdout.on('data', (data) => {
    said.out += data;
  });
  child.stderr.on('data', (data) => {
    said.err += data;
  });
  children.push({ child, ended });
  return said;
}

const shell = (code: string, env: Record<string, string> = {}) => begin('sh', ['-c', code], env);

async function program(name: string, code: string, env: Record<string, string> = {}) {
  await writeFile(join(worker.folder, name), code);
  return begin(process.execPath, [name], env);
}

/** Bob makes a call and ends it: calling, talking, terminating, available. */
const call = () => site.run(4);

describe('Offhook integrations: the programs of docs/integrations.md, as they stand there', { timeout: 30_000 }, () => {
  it('1: the shell sets an override, reads, asks why, takes it back; and is told when she is free', async () => {
    const run = shell(block('1 sh'));
    expect(await soon('it ends', run.ended)).toEqual([0, null]);
    const [set, presence, why] = run.lines().map((line) => JSON.parse(line));
    expect(set).toMatchObject({ activity: 'away', note: 'lunch' });
    expect(presence).toMatchObject({ user: 'sip:alice@127.0.0.1', status: 'away', override: { note: 'lunch' } });
    expect(why).toMatchObject({ user: 'sip:alice@127.0.0.1', text: expect.stringContaining('away') });
    const free = shell(block('1 sh', 1));
    const phone = new UpdateStream(worker.url, await worker.token('ingest'), 'home', ['sip:alice@127.0.0.1']);
    await phone.run(0);
    expect(await soon('it ends', free.ended)).toEqual([0, null]);
    expect(JSON.parse(free.out)).toMatchObject({ user: 'sip:alice@127.0.0.1', status: 'available' });
  });

  it('2: the page shows every change, is grey while it is cut off, and goes on', async () => {
    const code = /<script>\n([\s\S]*)<\/script>/.exec(block('2 html'))?.[1] as string;
    const list = { style: { opacity: 0 }, textContent: '' };
    const shown: string[] = [];
    const element = {
      style: list.style,
      set textContent(text: string) {
        list.textContent = text;
        const word = /bob@127\.0\.0\.1: (\w+)/.exec(text)?.[1];
        if (word !== undefined && word !== shown.at(-1)) shown.push(word);
      },
    };
    const opened: WebSocket[] = [];
    class Watched extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        opened.push(this);
      }
    }
    const again = Promise.withResolvers<() => void>();
    const document = { getElementById: (id: string) => (id === 'users' ? element : null) };
    const location = { hash: `#token=${token}&url=${encodeURIComponent(worker.url)}` };
    const browser = { document, location, URLSearchParams, WebSocket: Watched, setTimeout: again.resolve };
    runInContext(code, createContext(browser));
    await until('a snapshot', () => shown.at(-1) === 'available');
    opened[0]?.close();
    const connect = await soon('it is cut off', again.promise);
    expect(list.style.opacity).toBe(0.4);
    await call();
    expect(shown).toEqual(['available']);
    connect();
    await until('the last change', () => shown.at(-1) === 'available' && shown.length > 3);
    expect(shown).toEqual(['available', 'calling', 'talking', 'available']);
    expect(list.style.opacity).toBe(1);
    again.resolve(() => {});
    opened.at(-1)?.close();
  });

  it('3: Node with the typed client prints who is what, and every change', async () => {
    const run = await program('watch.mjs', block('3 js'));
    await until('a snapshot', () => run.out.includes(`${BOB} available\n`) || run.err.includes('Error'));
    const before = run.lines().length;
    await call();
    await until('the last change', () => run.lines().length > before + 2 && run.out.endsWith(`${BOB} available\n`));
    expect(run.lines().slice(before)).toEqual(expect.arrayContaining([`${BOB} calling`, `${BOB} talking`, `${BOB} available`]));
    expect(run.err).toBe('connecting \nlive \n');
  });

  it('4: the receiver takes deliveries of the webhook that was made, and no others', async () => {
    const port = String(await quietPort());
    const made = shell(block('4 sh'), { PORT: port });
    expect(await soon('it ends', made.ended)).toEqual([0, null]);
    const { id, secret } = JSON.parse(made.out) as { id: string; secret: string };
    const run = await program('receiver.mjs', block('4 js'), { PORT: port, WEBHOOK_SECRET: secret });
    const headers = { authorization: `Bearer ${token}` };
    await until('a test is delivered', async () => {
      const answer = await fetch(`${worker.url}/v1/webhooks/${id}/test`, { method: 'POST', headers });
      return ((await answer.json()) as { delivered: boolean }).delivered;
    });
    await call();
    await until('the last change', () => run.out.endsWith(`${BOB} available\n`));
    expect(run.lines()).toEqual(expect.arrayContaining(['a test', `${BOB} calling`, `${BOB} talking`]));
    expect((await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: '{}' })).status).toBe(401);
    await until('it says so', () => run.err === 'refused: headers\n');
  });

  it('5: curl and a program without any library read server-sent events', async () => {
    const curl = shell(block('5 sh'));
    const run = await program('events.mjs', block('5 js'));
    await until('a snapshot each', () => curl.out.includes('event: snapshot') && run.out.includes("type: 'snapshot'"));
    await call();
    for (const word of ['calling', 'talking', 'available']) {
      await until(word, () => curl.out.includes('event: change') && curl.out.includes(`"status":"${word}"`));
      await until(word, () => run.out.includes(`status: '${word}'`));
    }
    expect(curl.err + run.err).toBe('');
  });

  it('runs each block of code that the document has', () => {
    expect([...blocks].map(([key, { length }]) => `${key} ${length}`)).toEqual(
      expect.arrayContaining(['1 sh 2', '2 html 1', '3 js 1', '4 js 1', '4 sh 1', '5 sh 1', '5 js 1']),
    );
    expect(blocks.size).toBe(7);
  });
});
