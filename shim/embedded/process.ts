import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Log } from '../log.ts';
import { SOCKET } from './capnp.ts';
import { type Watchdog, watch } from './watchdog.ts';

/** The binary for this machine, as its package names it. */
const { default: WORKERD } = createRequire(import.meta.url)('workerd') as { default: string };

/** workerd must listen within so long, ms. */
const LISTEN_TIMEOUT = 20_000;
/** workerd gets so long to end by SIGTERM, ms; what it has acknowledged is on disk, so SIGKILL loses nothing. */
const TERM_TIMEOUT = 400;
/** Characters of one line of workerd's output that are logged. */
const LINE_LENGTH = 2000;

/** One running workerd. */
export interface Process {
  readonly pid: number;
  readonly port: number;
  /** Resolves when it has ended, with the reason in words. */
  readonly ended: Promise<string>;
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>;
}

export type ProcessStart = { readonly ok: true; readonly process: Process } | { readonly ok: false; readonly text: string };

/**
 * Runs `workerd serve` on a configuration file until it listens, unless `signal` ends the attempt. It is in a process group of its own, so that ctrl-C in a
 * terminal does not end it before the shim has told it the last.
 */
export async function runWorkerd(
  configFile: string,
  listen: string,
  env: { [name: string]: string },
  log: Log,
  signal: AbortSignal,
): Promise<ProcessStart> {
  const child = spawn(WORKERD, ['serve', '--control-fd=3', `--socket-addr=${SOCKET}=${listen}`, configFile], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env,
  });
  const errors: string[] = [];
  const watchdog = child.pid === undefined ? undefined : watch(child.pid);
  const ended = endOf(child, watchdog);
  lines(child.stdout as Readable, (line) => log.info('worker', { line }));
  lines(child.stderr as Readable, (line) => {
    if (errors.length < 20) errors.push(line);
    log.warn('worker', { line });
  });
  const port = await listening(child, ended, signal);
  if (port !== undefined) {
    return { ok: true, process: { pid: child.pid as number, port, ended, stop: () => stop(child, ended) } };
  }
  await stop(child, ended);
  return { ok: false, text: [`workerd does not listen at ${listen}: ${await ended}`, ...errors].join('\n') };
}

function endOf(child: ChildProcess, watchdog: Watchdog | undefined): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => {
      watchdog?.release();
      resolve(signal === null ? `exit code ${code}` : signal);
    });
  });
}

/** The port that workerd reports on its control descriptor; undefined where it ended, said nothing in time, or is not wanted any more. */
function listening(child: ChildProcess, ended: Promise<string>, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), LISTEN_TIMEOUT);
    const settle = (port: number | undefined) => {
      clearTimeout(timer);
      resolve(port);
    };
    lines(child.stdio[3] as Readable, (line) => {
      const report = reportOf(line);
      if (report?.event === 'listen' && report.socket === SOCKET && report.port !== undefined) settle(report.port);
    });
    ended.then(() => settle(undefined));
    signal.addEventListener('abort', () => settle(undefined), { once: true });
  });
}

function reportOf(line: string): { event?: string; socket?: string; port?: number } | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), TERM_TIMEOUT);
  await ended;
  clearTimeout(timer);
}

function lines(stream: Readable, take: (line: string) => void): void {
  stream.on('error', () => {});
  createInterface({ input: stream }).on('line', (line) => take(line.slice(0, LINE_LENGTH)));
}
