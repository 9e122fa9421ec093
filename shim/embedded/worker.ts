import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { bundle } from './bundle.ts';
import { workerdConfig } from './capnp.ts';
import { type Process, runWorkerd } from './process.ts';
import { readWorkerConfig } from './wrangler.ts';

export interface EmbeddedOptions {
  /** wrangler.toml of the Worker. */
  readonly wrangler: string;
  /** Folder for configuration, bundle and the objects' storage; made where it is missing. */
  readonly folder: string;
  readonly host: string;
  /** 0 takes a free one, which is then kept over restarts. */
  readonly port: number;
  /** Signs access tokens; given to workerd in its environment. */
  readonly secret: string;
  /** The secret before, while it is being replaced. */
  readonly secretPrevious?: string | undefined;
  /** Variables (`NAME=value`) in the place of those that wrangler.toml sets. */
  readonly vars?: readonly string[] | undefined;
  readonly log: Log;
  /** First and longest pause before workerd is started again after it died, ms. */
  readonly backoff?: { readonly min: number; readonly max: number };
}

/** The Worker running on a workerd of our own. */
export interface EmbeddedWorker {
  /** `http://127.0.0.1:8787`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Of the workerd now running; undefined between two. */
  pid(): number | undefined;
  /** How many times workerd had to be started again. */
  restarts(): number;
  /** Ends workerd; resolves when it is gone. */
  close(): Promise<void>;
}

export type EmbeddedStart =
  | { readonly ok: true; readonly worker: EmbeddedWorker }
  | { readonly ok: false; readonly reason: 'port' | 'worker'; readonly text: string };

/** A workerd that ran for so long counts as healthy: the next pause is the first again, ms. */
const HEALTHY = 30_000;

/** Bundles the Worker, starts workerd, and starts it again at the same port whenever it dies. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedStart> {
  const config = await readWorkerConfig(options.wrangler);
  if (!config.ok) return { ok: false, reason: 'worker', text: config.text };
  const vars = withVars(config.config.vars, options.vars ?? []);
  if (!vars.ok) return { ok: false, reason: 'worker', text: vars.text };
  const code = bundle(config.config.main);
  if (!code.ok) return { ok: false, reason: 'worker', text: code.text };
  const busy = await portProblem(options.host, options.port);
  if (busy !== undefined) return { ok: false, reason: 'port', text: busy };

  const storage = join(options.folder, 'storage');
  await mkdir(storage, { recursive: true, mode: 0o700 });
  const configFile = join(options.folder, 'workerd.capnp');
  const previous = options.secretPrevious;
  const secrets = { OFFHOOK_SECRET: options.secret, ...(previous === undefined ? {} : { OFFHOOK_SECRET_PREVIOUS: previous }) };
  const place = { listen: hostPort(options.host, options.port), module: 'index.js', storage, secrets: Object.keys(secrets) };
  await writeFile(join(options.folder, 'index.js'), code.code);
  await writeFile(configFile, workerdConfig({ ...config.config, vars: vars.vars }, place));

  const closing = new AbortController();
  const run = (port: number) => runWorkerd(configFile, hostPort(options.host, port), secrets, options.log, closing.signal);
  const first = await run(options.port);
  if (!first.ok) return { ok: false, reason: 'worker', text: first.text };
  return { ok: true, worker: supervise(first.process, run, closing, options) };
}

type Vars = { readonly [name: string]: string };

/** Only variables that the Worker has can be set: another name would do nothing, unnoticed. */
function withVars(known: Vars, given: readonly string[]): { ok: true; vars: Vars } | { ok: false; text: string } {
  const set = given.map((one): [string, string] => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]);
  const unknown = set.find(([name]) => !Object.hasOwn(known, name));
  if (unknown)
    return { ok: false, text: `worker-vars: the Worker has no variable ${unknown[0]}: ${Object.keys(known).join(', ')}` };
  return { ok: true, vars: { ...known, ...Object.fromEntries(set) } };
}

function supervise(
  first: Process,
  run: (port: number) => ReturnType<typeof runWorkerd>,
  closing: AbortController,
  options: EmbeddedOptions,
): EmbeddedWorker {
  const { min, max } = options.backoff ?? { min: 100, max: 5000 };
  let current: Process | undefined = first;
  let restarts = 0;
  let pause = min;
  const aborted = new Promise<void>((resolve) => closing.signal.addEventListener('abort', () => resolve(), { once: true }));

  const loop = async () => {
    while (!closing.signal.aborted) {
      if (current) {
        const startedAt = performance.now();
        const how = await current.ended;
        current = undefined;
        if (closing.signal.aborted) return;
        if (performance.now() - startedAt >= HEALTHY) pause = min;
        options.log.error('workerd ended; starting it again', { how, pause });
      }
      await wait(pause, aborted);
      if (closing.signal.aborted) return;
      pause = Math.min(pause * 2, max);
      const next = await run(first.port);
      if (next.ok) {
        current = next.process;
        restarts += 1;
        if (closing.signal.aborted) await current.stop();
      } else options.log.error(next.text, { pause });
    }
  };
  const ended = loop();
  return {
    url: `http://${hostPort(reachable(options.host), first.port)}`,
    port: first.port,
    pid: () => current?.pid,
    restarts: () => restarts,
    async close() {
      closing.abort();
      await current?.stop();
      await ended;
    },
  };
}

function wait(ms: number, aborted: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    aborted.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** `::1`, 8787 -> `[::1]:8787` */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** An address at which a listener on `host` is reached from this machine. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** Tries the address, as workerd's own words for a busy one are hard to read. */
function portProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(listenProblem(error, host, port)));
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}

/** Why an address cannot be listened at, in words. */
function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): string {
  const where = `HTTP ${hostPort(host, port)}`;
  if (error.code === 'EADDRINUSE') return `${where}: port ${port} is in use by another program`;
  if (error.code === 'EACCES') return `${where}: port ${port} needs rights that this process does not have`;
  if (error.code === 'EADDRNOTAVAIL') return `${where}: ${host} is no address of this machine`;
  return `${where}: ${error.message}`;
}
