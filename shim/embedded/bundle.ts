import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

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
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'neutral',
      target: 'es2024',
      mainFields: ['module', 'main'],
      conditions: ['workerd', 'worker', 'browser'],
      external: ['cloudflare:*', 'node:*'],
      logLevel: 'silent',
    });
    return { ok: true, code: (result.outputFiles[0] as { text: string }).text };
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
}
