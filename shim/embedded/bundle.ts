import { buildSync } from 'esbuild';

export type Bundle = { readonly ok: true; readonly code: string } | { readonly ok: false; readonly text: string };

/** The Worker and all that it imports as one ES module, bundled with the conditions that wrangler uses for workerd. esbuild is gone when it returns. */
export function bundle(entry: string): Bundle {
  try {
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
