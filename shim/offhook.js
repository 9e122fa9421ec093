#!/usr/bin/env node
// The command `offhook`. Plain JavaScript that an old Node runs too: the rest needs Node 24 (TypeScript as it is, node:sqlite),
// which the package `node` brings along. Started by an older one, this hands over to that. A checkout runs its TypeScript; the packed
// package has none, and runs dist/, as Node strips no types under node_modules.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  const source = new URL('./cli/main.ts', import.meta.url);
  const { main } = await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href);
  process.exit(await main(process.argv.slice(2)));
} else {
  const node = process.env.OFFHOOK_HANDED_OVER ? undefined : newerNode();
  if (node === undefined) {
    console.error(
      `offhook needs Node ${NEEDED} or newer, and this is ${process.version}. \`npm ci\` (with install scripts) brings one.`,
    );
    process.exit(1);
  }
  handOver(node);
}

/** The node binary of the package `node`, where its install script has put one. */
function newerNode() {
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin');
    return ['node', 'node.exe'].map((name) => join(folder, name)).find((file) => existsSync(file));
  } catch {
    return undefined;
  }
}

/** Runs this file again with another node: same arguments, streams, signals and exit code. It sees by its IPC channel when we die. */
function handOver(node) {
  const child = spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, OFFHOOK_HANDED_OVER: '1' },
  });
  child.on('error', (error) => {
    console.error(`offhook: ${node} cannot be run: ${error.message}`);
    process.exit(1);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
}
