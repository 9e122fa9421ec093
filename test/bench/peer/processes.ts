import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { cpuSeconds } from '../shim.ts';

/** That process and all that it and they have started, as far as they live. */
export function family(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = text(`/proc/${name}/stat`);
    if (stat !== '') parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
  }
  const found = parents.has(root) ? [root] : [];
  for (let n = 0; n < found.length; n++) {
    for (const [pid, parent] of parents) if (parent === found[n]) found.push(pid);
  }
  return found;
}

/** Processor time of all of them so far, s. */
export const cpuOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + Math.max(cpuSeconds(pid) ?? 0, threadSeconds(pid)), 0);

/**
 * What the threads of a process have run so far, s. The stat of a process tells whole ticks of 10 ms, of user and system time apart, which is
 * much of what a peer of a dozen processes takes in 10 s; the scheduler counts nanoseconds, but leaves out threads that have ended.
 */
function threadSeconds(pid: number): number {
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended.
  }
  return threads.reduce((sum, thread) => sum + numberIn(text(`/proc/${pid}/task/${thread}/schedstat`), /^(\d+)/), 0) / 1e9;
}

/** What they have given to the file system to write so far, bytes (`write_bytes` of /proc: pages made dirty). */
export const writtenBy = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + numberIn(text(`/proc/${pid}/io`), /^write_bytes: (\d+)/m), 0);

/** Memory of all of them, bytes: what they share is counted once (proportional set size). */
export const memoryOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + 1024 * numberIn(text(`/proc/${pid}/smaps_rollup`), /^Pss:\s+(\d+)/m), 0);

/** Datagrams that found no room in the buffers of the UDP sockets at those ports, so far, as long as the sockets are open. */
export function droppedAt(ports: readonly number[]): number {
  const names = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')));
  return text('/proc/net/udp')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => names.has(local.split(':')[1] ?? ''))
    .reduce((sum, fields) => sum + Number(fields[12] ?? 0), 0);
}

/** Processor time that the whole machine has spent so far, s, idle and waiting left out. */
export function machineSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu +(.*)$/m.exec(text('/proc/stat'))?.[1] ?? '')
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softirq) / 100;
}

/** Memory that a new process can have, bytes. */
export const memoryLeft = (): number => 1024 * numberIn(text('/proc/meminfo'), /^MemAvailable:\s+(\d+)/m);

export const CORES = availableParallelism();

/** How much the processes that are none of this run's took meanwhile, cores on average. */
export function meter(ours: () => number): () => number {
  const began = { at: performance.now(), all: machineSeconds(), own: ours() };
  return () => {
    const seconds = (performance.now() - began.at) / 1000;
    return Math.max(0, (machineSeconds() - began.all - (ours() - began.own)) / seconds);
  };
}

const numberIn = (content: string, pattern: RegExp): number => Number(pattern.exec(content)?.[1] ?? 0);

/** '' where it cannot be read: the process has ended. */
function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
