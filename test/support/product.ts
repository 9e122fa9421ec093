import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sign } from 'hono/jwt';
import type { Scope } from '#protocol';
import { readSettings, SHIM_SETTINGS, type ShimSettings, showProblems } from '../../shim/config.ts';
import { type EmbeddedOptions, type EmbeddedWorker, startEmbedded } from '../../shim/embedded/worker.ts';
import type { Log } from '../../shim/log.ts';
import { type ShimStatus, startShim } from '../../shim/shim.ts';

export interface Address {
  readonly address: string;
  readonly port: number;
}

/** A Worker on a workerd of its own, on a free port, with fresh state. */
export interface RunningWorker {
  readonly url: string;
  readonly embedded: EmbeddedWorker;
  /** A folder for whatever runs beside it; removed at the end. */
  readonly folder: string;
  token(...scope: Scope[]): Promise<string>;
  close(): Promise<void>;
}

/** Worker and shim, both on free ports, in this process but for workerd. */
export interface Product extends RunningWorker {
  readonly sip: Address;
}

/** With the one shim that was started for it. */
export interface StartedProduct extends Product {
  status(): ShimStatus;
}

const ROOT = join(import.meta.dirname, '../..');
const nothing = () => {};
export const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/**
 * `wrangler`: the file that says what the Worker is; the product's own where none is given. `vars`: variables in the place of its own.
 * `backoff`: pauses before workerd is started again, ms; the product's own where none are given.
 */
export async function startWorker(
  log: Log = SILENT,
  wrangler = join(ROOT, 'wrangler.toml'),
  vars: readonly string[] = [],
  backoff?: EmbeddedOptions['backoff'],
): Promise<RunningWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'offhook-'));
  const secret = randomBytes(48).toString('base64url');
  const place = { wrangler, folder: join(folder, 'worker'), host: '127.0.0.1', port: 0 };
  const start = await startEmbedded({ ...place, secret, vars, log, ...(backoff === undefined ? {} : { backoff }) });
  if (!start.ok) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(start.text);
  }
  return {
    url: start.worker.url,
    embedded: start.worker,
    folder,
    token: (...scope) => sign({ scope, domain: '*', iat: Math.floor(Date.now() / 1000) }, secret, 'HS256'),
    async close() {
      await start.worker.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Settings of a shim on a free port in front of that Worker; `flags` as on the command line. */
export async function shimSettings(worker: RunningWorker, flags: readonly string[]): Promise<ShimSettings> {
  const own = ['--sip-port=0', `--state-dir=${join(worker.folder, 'shim')}`, `--worker-url=${worker.url}`, '--log-level=warn'];
  const env = { OFFHOOK_TOKEN: await worker.token('ingest') };
  const settings = readSettings(SHIM_SETTINGS, [...own, ...flags], env);
  if (!settings.ok) throw new Error(showProblems(settings.problems));
  return settings.settings;
}

export async function startProduct(flags: readonly string[], log: Log = SILENT, wrangler?: string): Promise<StartedProduct> {
  const worker = await startWorker(log, wrangler);
  try {
    const shim = await startShim(await shimSettings(worker, flags), log);
    const sip = shim.addresses.find(({ transport }) => transport === 'udp');
    if (!sip) throw new Error('the shim listens at no UDP address');
    return {
      ...worker,
      sip,
      status: () => shim.status(),
      async close() {
        await shim.close();
        await worker.close();
      },
    };
  } catch (error) {
    await worker.close();
    throw error;
  }
}
