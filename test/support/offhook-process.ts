import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const OFFHOOK = join(import.meta.dirname, '../../shim/offhook.js');

/** A command of `offhook` in a process of its own. */
export interface Run {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  out: string;
  err: string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** The commands that a test runs; those that still run are killed at its end. */
export class Runs {
  readonly #runs: Run[] = [];

  /** Begins `offhook` with those arguments, in a folder of its own where one is given. Nothing of this process's environment but PATH is handed on. */
  begin(args: readonly string[], { cwd, env = {} }: { cwd?: string; env?: { readonly [name: string]: string } } = {}): Run {
    const child = spawn(process.execPath, [OFFHOOK, ...args], {
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    });
    const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
    const run: Run = { child, out: '', err: '', ended };
    child.stdout.on('data', (data) => {
      run.out += data;
    });
    child.stderr.on('data', (data) => {
      run.err += data;
    });
    this.#runs.push(run);
    return run;
  }

  async kill(): Promise<void> {
    for (const { child, ended } of this.#runs.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
  }
}
