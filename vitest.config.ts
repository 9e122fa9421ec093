import { defineConfig } from 'vitest/config';

/** Two projects: `node` for pure code, virtual network and real sockets; `workerd` for the Worker inside its own runtime. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/worker/**', 'test/interop/**', 'node_modules/**'],
        },
      },
    ],
  },
});
