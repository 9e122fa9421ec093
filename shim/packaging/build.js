// Makes dist/: what the packed package runs, since Node strips no types under node_modules. `npm pack` runs it (`prepack`).
// main.js and its parts: the commands; worker.js and wrangler.toml: the Worker, for `offhook start` and for `wrangler deploy`;
// client.js and client.d.ts: `offhook/client`.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { WORKER_BUNDLE } from '../embedded/bundle-options.ts';
import { CLIENT_BUNDLE } from './client-bundle.ts';
import { bundleDeclarations } from './declarations.js';

const root = join(import.meta.dirname, '../..');
const file = (...parts) => join(root, ...parts);
const { dependencies } = JSON.parse(readFileSync(file('package.json'), 'utf8'));
const dist = file('dist');

rmSync(dist, { recursive: true, force: true });

// Each command in a file of its own, as it is loaded when it runs. What npm installs is not packed into them.
buildSync({
  entryPoints: { main: file('shim/cli/main.ts') },
  outdir: dist,
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: Object.keys(dependencies),
  legalComments: 'none',
  logLevel: 'warning',
});

// As wrangler bundles it: the Worker runs without node_modules.
buildSync({
  entryPoints: { worker: file('worker/index.ts') },
  outdir: dist,
  logLevel: 'warning',
  ...WORKER_BUNDLE,
});

const wrangler = readFileSync(file('wrangler.toml'), 'utf8');
const packed = wrangler.replace(/^main = .*$/m, 'main = "worker.js"');
if (packed === wrangler) throw new Error('wrangler.toml has no main to replace');
writeFileSync(join(dist, 'wrangler.toml'), packed);

buildSync({
  entryPoints: { client: file('worker/client/index.ts') },
  outdir: dist,
  logLevel: 'warning',
  ...CLIENT_BUNDLE,
});
execFileSync(process.execPath, [file('node_modules/typescript/bin/tsc'), '-b', file('worker/client')], { stdio: 'inherit' });
writeFileSync(join(dist, 'client.d.ts'), bundleDeclarations(file('node_modules/.cache/tsc/worker/client/index.d.ts')));
