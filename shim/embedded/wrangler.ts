import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'smol-toml';

/** What wrangler.toml says of the Worker, as far as workerd needs it: the one place for both deployments. */
export interface WorkerConfig {
  /** Entry point, absolute. */
  readonly main: string;
  /** `2026-11-01` */
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** `[vars]`: text bindings. */
  readonly vars: { readonly [name: string]: string };
  /** Durable Object classes and the bindings they are reached by. */
  readonly objects: readonly { readonly binding: string; readonly className: string }[];
}

export type ReadWorkerConfig =
  | { readonly ok: true; readonly config: WorkerConfig }
  | { readonly ok: false; readonly text: string };

/** Reads wrangler.toml. What it does not carry over (routes, other kinds of bindings) does not exist in this Worker. */
export async function readWorkerConfig(file: string): Promise<ReadWorkerConfig> {
  try {
    return { ok: true, config: workerConfig(parse(await readFile(file, 'utf8')), dirname(file)) };
  } catch (error) {
    return { ok: false, text: `${file}: ${(error as Error).message}` };
  }
}

function workerConfig(toml: Record<string, unknown>, folder: string): WorkerConfig {
  const table = (value: unknown) => (value ?? {}) as Record<string, unknown>;
  const bindings = table(toml.durable_objects).bindings ?? [];
  if (!Array.isArray(bindings)) throw new Error('durable_objects.bindings must be a list');
  return {
    main: resolve(folder, word(toml.main, 'main')),
    compatibilityDate: word(toml.compatibility_date, 'compatibility_date'),
    compatibilityFlags: ((toml.compatibility_flags ?? []) as unknown[]).map((flag) => word(flag, 'compatibility_flags')),
    vars: Object.fromEntries(Object.entries(table(toml.vars)).map(([name, value]) => [name, text(value, `vars.${name}`)])),
    objects: bindings.map((row) => ({
      binding: word(table(row).name, 'durable_objects.bindings name'),
      className: word(table(row).class_name, 'durable_objects.bindings class_name'),
    })),
  };
}

function word(value: unknown, name: string): string {
  if (value === '') throw new Error(`${name} must be a text`);
  return text(value, name);
}

/** A variable may be empty. */
function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new Error(`${name} must be a text`);
  return value;
}
