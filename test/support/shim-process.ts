import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Address, RunningWorker } from './product.ts';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');

/** A shim in a process of its own, as `offhook shim` runs it. */
export interface ShimProcess {
  readonly pid: number;
  readonly sip: Address;
  /** What it logged. */
  readonly log: readonly string[];
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a shim that reports to that Worker; state in a folder beside it, the same at every start. Resolves when it listens. */
export async function startShimProcess(worker: RunningWorker, port: number, flags: readonly string[]): Promise<ShimProcess> {
  const place = [`--sip-port=${port}`, `--state-dir=${join(worker.folder, 'shim')}`, `--worker-url=${worker.url}`];
  const child = spawn(NODE, [join(ROOT, 'shim/offhook.js'), 'shim', ...place, '--log-level=warn', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OFFHOOK_TOKEN: await worker.token('ingest') },
  });
  const log: string[] = [];
  createInterface({ input: child.stderr as Readable }).on('line', (line) => log.push(line));
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  const ready = await Promise.race([listening(child), ended.then(() => undefined)]);
  if (ready === undefined) throw new Error(`the shim did not start:\n${log.join('\n')}`);
  return {
    pid: child.pid as number,
    sip: ready,
    log,
    kill: () => end('SIGKILL').then(() => {}),
    stop: () => end('SIGTERM'),
  };
}

/** The address in the line that it prints when it listens: `SIP 127.0.0.1:5060 (UDP, TCP); ...`. */
function listening(child: ChildProcess): Promise<Address> {
  return new Promise((resolve) => {
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      const [, address, port] = /^SIP ([\d.]+):(\d+) /.exec(line) ?? [];
      if (address !== undefined) resolve({ address, port: Number(port) });
    });
  });
}
