import { join } from 'node:path';
import { type SippOptions, type SippRun, startSipp } from '../../interop/sipp.ts';
import { CORES, cpuOf, droppedAt, meter } from './processes.ts';
import type { Ports, Server } from './server.ts';
import type { Crowd } from './users.ts';

const FOLDER = join(import.meta.dirname, 'sipp');
/** Calls that SIPp may have open at once, and its socket buffer, bytes. */
const MORE = ['-l', '200000', '-buff_size', String(4 * 1024 * 1024)];
/** How long calls ring before and after the 180 of uas.xml, and how long they hold, s. */
const RINGING = 0.25;
const HOLD = 1;
/** A load may take so much longer than it should before it is ended, s. */
const PATIENCE = 8;
/** How often processor time and dropped datagrams of SIPp are looked at, ms. */
const SAMPLE = 100;
/** SIPp does its work in one thread: above this part of a core it may itself be what is late. */
const SATURATED = 0.85;
/** Others that take more than this of the machine, cores, may have made it worse. */
const OTHERS = 0.25;

/** Every SIPp that runs, to be ended with this process whatever happens. */
const running = new Set<SippRun>();
process.once('exit', () => {
  for (const run of running) run.process.kill('SIGKILL');
});

async function started(scenario: string, options: SippOptions): Promise<SippRun> {
  const run = await startSipp(scenario, { ...options, folder: FOLDER });
  running.add(run);
  void run.ended.finally(() => running.delete(run));
  return run;
}

/** What a load by SIPp came to. */
export interface Load {
  readonly rate: number;
  readonly count: number;
  readonly failed: number;
  readonly retransmissions: number;
  readonly took: number;
  readonly ideal: number;
  /** When the last one was over (`performance.now`). */
  readonly ended: number;
  readonly saturated: readonly string[];
  /** Processor time of SIPp, s. */
  readonly sipp: number;
  /** What others on this machine took meanwhile, cores. */
  readonly others: number;
}

export interface CallLoad {
  readonly rate: number;
  readonly seconds: number;
  /** Call-IDs are this and the number of the call, from 1. */
  readonly callId: string;
  readonly scenario?: 'uas' | 'uas-at-once';
  /** s */
  readonly hold?: number;
  /** It may take so much longer than it should before it is ended, s. */
  readonly patience?: number;
}

export interface RegisterLoad {
  readonly rate: number;
  /** Call-IDs are this and the number of the user: a telephone that refreshes keeps its Call-ID, and counts its CSeq on. */
  readonly callId: string;
  readonly cseq?: number;
  /** How many; by default each user once. Beyond that the first come again, with other Call-IDs. */
  readonly count?: number;
}

/** Registers these users at that port, or refreshes them. */
export async function register(
  server: Server,
  users: readonly string[],
  port: number,
  ports: Ports,
  { rate, callId, cseq = 1, count = users.length }: RegisterLoad,
): Promise<Load> {
  const run = await started('register', {
    target: server.sip,
    fields: users.map((user) => [user, port]),
    rate,
    port: ports.registering,
    cseq,
    callId: `${callId}-`,
    calls: count,
    timeout: Math.ceil(count / rate) + PATIENCE,
    more: MORE,
  });
  return await measured([run], server, { rate, count, ideal: count / rate });
}

let crowds = 0;

/** All users of a crowd, first the callers, where SIPp will be for them; what fails is an error. */
export async function registerCrowd(server: Server, { pairs }: Crowd, ports: Ports, rate = 4000): Promise<void> {
  for (const [side, port] of [ports.callers, ports.callees].entries()) {
    const users = pairs.map((pair) => pair[side] ?? '');
    crowds += 1;
    const { failed } = await register(server, users, port, ports, { rate, callId: `crowd${crowds}` });
    if (failed > 0) throw new Error(`${failed} of ${users.length} registrations failed at ${server.name}`);
  }
}

/** Calls of the crowd in turn, at a steady rate. */
export async function calls(server: Server, crowd: Crowd, ports: Ports, load: CallLoad): Promise<Load> {
  const { rate, seconds } = load;
  const count = Math.round(rate * seconds);
  const runs = await startCalls(server, crowd, ports, load);
  return await measured(runs, server, { rate, count, ideal: seconds + RINGING + (load.hold ?? HOLD) });
}

/** The callee's and the caller's SIPp, started. */
export async function startCalls(server: Server, crowd: Crowd, ports: Ports, load: CallLoad): Promise<SippRun[]> {
  const { rate, seconds, callId, scenario = 'uas', hold = HOLD, patience = PATIENCE } = load;
  const common = {
    target: server.sip,
    calls: Math.round(rate * seconds),
    timeout: Math.ceil(seconds + hold + patience),
  };
  const uas = await started(scenario, { ...common, port: ports.callees, more: [...MORE, '-nd'] });
  await uas.listening;
  const uac = await started('uac', {
    ...common,
    fields: crowd.pairs,
    rate,
    hold: hold * 1000,
    port: ports.callers,
    callId: `${callId}-`,
    more: MORE,
  });
  return [uac, uas];
}

/** Waits for the first run, ends the others soon after, and tells what they came to together. */
async function measured(
  runs: readonly SippRun[],
  server: Server,
  { rate, count, ideal }: { rate: number; count: number; ideal: number },
): Promise<Load> {
  const began = performance.now();
  const [first, ...rest] = runs as [SippRun, ...SippRun[]];
  const samples = runs.map(sampled);
  const pids = runs.map(({ process: { pid } }) => pid as number);
  const others = meter(() => {
    const { sip, presence } = server.pids();
    const own = process.cpuUsage();
    const seconds = cpuOf([...sip, ...presence]);
    return seconds + (own.user + own.system) / 1e6 + samples.reduce((sum, { cpu }) => sum + cpu, 0);
  });
  const result = await first.ended;
  const ended = performance.now();
  const took = (ended - began) / 1000;
  const taken = others();
  const later = await Promise.all(
    rest.map(async (run) => {
      const timer = setTimeout(() => run.process.kill('SIGKILL'), 1500);
      const ended = await run.ended;
      clearTimeout(timer);
      return ended;
    }),
  );
  for (const { stop } of samples) stop();
  const saturated = samples.flatMap(({ cpu, dropped }, n) => {
    const part = cpu / took;
    const told =
      part > SATURATED
        ? [`SIPp ${pids.length > 1 && n > 0 ? 'callee' : 'caller'} took ${Math.round(100 * part)} % of a core`]
        : [];
    return dropped > 0 ? [...told, `${dropped} datagrams found no room at SIPp`] : told;
  });
  if (taken > OTHERS) saturated.push(`others on this machine took ${taken.toFixed(1)} of its ${CORES} cores`);
  return {
    rate,
    count,
    failed: Math.max(result.failed, count - result.successful),
    retransmissions: result.retransmissions + later.reduce((sum, one) => sum + one.retransmissions, 0),
    took,
    ideal,
    ended,
    saturated,
    sipp: samples.reduce((sum, { cpu }) => sum + cpu, 0),
    others: taken,
  };
}

/** Looks at a SIPp while it lives: what was seen last stays. */
function sampled({ process: { pid }, port }: SippRun) {
  const seen = { cpu: 0, dropped: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    seen.cpu = Math.max(seen.cpu, cpuOf(pid === undefined ? [] : [pid]));
    seen.dropped = Math.max(seen.dropped, droppedAt([port]));
  }, SAMPLE);
  return seen;
}
