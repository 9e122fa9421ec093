import { readdirSync, readFileSync } from 'node:fs';
import { cpuSeconds, type ForkedShim } from '../bench/shim.ts';

/** What a process holds at a moment, as the system tells it. */
export interface Held {
  /** Resident set, MiB. */
  readonly rss: number;
  /** Open file descriptors. */
  readonly files: number;
}

/** One look at both processes. */
export interface Sample {
  /** Seconds since the load began. */
  readonly at: number;
  /** The shim after garbage collection; `live` is what its heap and buffers hold, MiB. */
  readonly shim: Held & { readonly live: number; readonly sockets: number; readonly timers: number };
  readonly workerd: Held;
  readonly pending: number;
  readonly calls: number;
  readonly transactions: number;
  /** Processor time so far, s. */
  readonly cpu: { readonly shim: number; readonly workerd: number };
}

const MIB = 1024 * 1024;

/** Looks at the shim, which collects its garbage first, and at workerd, which cannot be told to. */
export async function look(at: number, shim: ForkedShim, workerd: number): Promise<Sample> {
  const { rss, heapUsed, external, resources, status } = await shim.report();
  const count = (part: RegExp) =>
    Object.entries(resources).reduce((sum, [kind, number]) => sum + (part.test(kind) ? number : 0), 0);
  return {
    at,
    shim: {
      rss: rss / MIB,
      live: (heapUsed + external) / MIB,
      files: openFiles(shim.pid),
      sockets: count(/^(UDP|TCP|TLS|Pipe|HTTP)/),
      timers: count(/^Timeout$/),
    },
    workerd: { rss: residentSet(workerd), files: openFiles(workerd) },
    pending: status.outbox.pending,
    calls: status.calls,
    transactions: status.transactions,
    cpu: { shim: cpuSeconds(shim.pid) ?? 0, workerd: cpuSeconds(workerd) ?? 0 },
  };
}

/** MiB. */
function residentSet(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kib) / 1024;
}

/** How many files a process has open. */
export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
