import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

// The tools behind the tests shall not tell anybody that they ran.
process.env.WRANGLER_SEND_METRICS = 'false';
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';

/** What a test waits for has so long to come about, ms, on a busy machine too: it is the limit of a wait, and costs nothing where all is well. */
const waits = { poll: { timeout: 15_000 } };

/** Two projects: `node` for pure code, virtual network and real sockets; `workerd` for the Worker inside its own runtime. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/worker/**', 'test/interop/**', 'node_modules/**'],
          expect: waits,
        },
      },
      {
        plugins: [
          cloudflareTest({
            remoteBindings: false,
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                OFFHOOK_SECRET: 'the secret of the tests, which is long enough',
                BOARD_SHARDS: '3',
                SITE_LEASE: '3600',
              },
            },
          }),
        ],
        // One runtime holds all objects of a test: a busy machine takes its time over hundreds of commits.
        test: { name: 'workerd', include: ['test/worker/**/*.test.ts'], testTimeout: 30_000, expect: waits },
      },
    ],
  },
});
