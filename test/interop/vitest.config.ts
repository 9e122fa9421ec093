import { defineConfig } from 'vitest/config';

/** Tests against programs that others wrote, one file after another: they share the machine's two cores. */
export default defineConfig({
  test: {
    name: 'interop',
    include: ['test/interop/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
