import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ShimStatus } from '../../shim/shim.ts';
import type { Address, RunningWorker } from '../support/product.ts';

/** What the process of a shim says of itself, after garbage collection. Bytes. */
export interface ShimReport {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  /** What keeps the process alive, by kind: sockets, timers and such. */
  readonly resources: { readonly [kind: string]: number };
  readonly status: ShimStatus;
}

/** What a shim needs to know of its Worker. */
export type ShimWorker = Pick<RunningWorker, 'url' | 'folder' | 'token'>;

/** A shim in a process of its own. */
export interface ForkedShim {
  readonly pid: number;
  readonly sip: Address;
  report(): Promise<ShimReport>;
  /** Its state, at no cost to it. */
  status(): Promise<ShimStatus>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Where another program than child.ts is to be the process of the shim, or wants more of its surroundings. */
export interface ShimProgram {
  readonly path: string;
  readonly env: { readonly [name: string]: string };
}

const PLAIN: ShimProgram = { path: join(import.meta.dirname, 'child.ts'), env: {} };

/** Starts a shim on a free port in front of that Worker; `flags` as on the command line. It ends with its parent. */
export async function forkShim(worker: ShimWorker, flags: readonly string[], program: ShimProgram = PLAIN): Promise<ForkedShim> {
  const own = ['--sip-port=0', `--state-dir=${join(worker.folder, `shim-${performance.now()}`)}`, `--worker-url=${worker.url}`];
  const child = fork(program.path, [...own, '--log-level=warn', ...flags], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, ...program.env, OFFHOOK_TOKEN: await worker.token('ingest') },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const [addresses] = (await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`the shim ended with ${code}`))),
  ])) as [readonly (Address & { transport: string })[]];
  const sip = addresses.find(({ transport }) => transport === 'udp');
  if (!sip || child.pid === undefined) throw new Error('the shim listens at no UDP address');
  return {
    pid: child.pid,
    sip,
    async report() {
      child.send('report');
      const [report] = (await once(child, 'message')) as [ShimReport];
      return report;
    },
    async status() {
      child.send('status');
      const [status] = (await once(child, 'message')) as [ShimStatus];
      return status;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async close() {
      child.disconnect();
      await exited;
    },
  };
}

/** Clock ticks a second of /proc (`getconf CLK_TCK`): 100 on every Linux that Node runs on. */
const TICKS = 100;

/** The shim's report once it has nothing under way: an empty outbox and no transaction, within so many ms. */
export async function quiet(shim: ForkedShim, within: number): Promise<ShimReport> {
  const until = performance.now() + within;
  for (;;) {
    const report = await shim.report();
    if (report.status.outbox.pending === 0 && report.status.transactions === 0) return report;
    if (performance.now() > until) throw new Error(`the shim is not quiet: ${JSON.stringify(report.status)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** User and system time of a process so far, s; undefined where it is gone. */
export function cpuSeconds(pid: number | undefined): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in parentheses, may contain anything: the fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return undefined;
  }
}
