/** How esbuild makes one ES module of the Worker and all that it imports: with the conditions that wrangler uses for workerd. */
export const WORKER_BUNDLE = {
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2024',
  mainFields: ['module', 'main'] as string[],
  conditions: ['workerd', 'worker', 'browser'] as string[],
  external: ['cloudflare:*', 'node:*'] as string[],
} as const;
