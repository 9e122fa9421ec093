import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { WORKER_BUNDLE } from './bundle-options.ts';

export type Bundle = { readonly ok: true; readonly code: string } | { readonly ok: false; readonly text: string };

/**
 * The Worker and all that it imports as one ES module, bundled with the conditions that wrangler uses for workerd. esbuild is gone when it
 * returns, and is not needed for a Worker that is JavaScript: that is bundled already (dist/worker.js).
 */
export function bundle(entry: string): Bundle {
  try {
    if (entry.endsWith('.js')) return { ok: true, code: readFileSync(entry, 'utf8') };
    const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
    const result = buildSync({
      entryPoints: [entry],
      write: false,
      logLevel: 'silent',
      ...WORKER_BUNDLE,
    });
    return { ok: true, code: (result.outputFiles[0] as { text: string }).text };
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
}
