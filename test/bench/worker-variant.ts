import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWorkerConfig, type WorkerConfig } from '../../shim/embedded/wrangler.ts';

/** A wrangler.toml that stands in the place of the product's own, in a folder that is to be removed at the end. */
export interface WorkerVariant {
  readonly file: string;
  readonly folder: string;
}

/** The Worker with another entry: `entry` gives its lines, of what wrangler.toml says. All else is as in the product. */
export async function workerVariant(entry: (config: WorkerConfig) => readonly string[]): Promise<WorkerVariant> {
  const root = join(import.meta.dirname, '../..');
  const config = await readWorkerConfig(join(root, 'wrangler.toml'));
  if (!config.ok) throw new Error(config.text);
  const folder = await mkdtemp(join(tmpdir(), 'offhook-'));
  await writeFile(join(folder, 'entry.ts'), [...entry(config.config), ''].join('\n'));
  const toml = await readFile(join(root, 'wrangler.toml'), 'utf8');
  const file = join(folder, 'wrangler.toml');
  await writeFile(file, toml.replace(/^main = .*$/m, 'main = "entry.ts"'));
  return { file, folder };
}

/** A file in `test/bench/worker/`, as a module to import. */
export const benchModule = (name: string): string => JSON.stringify(join(import.meta.dirname, 'worker', name));
