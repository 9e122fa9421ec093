import { round } from '../figure.ts';
import { apart, type Context, startServer, withServer } from './context.ts';
import { memoryOf } from './processes.ts';
import { NOTHING, type Row } from './row.ts';
import { REGISTERED_WITHIN } from './series.ts';
import type { Server } from './server.ts';
import { registerCrowd, startCalls } from './traffic.ts';
import { Crowd } from './users.ts';

const MIB = 1024 * 1024;
/** Memory of a binding over the peer's, at most. */
const GOAL = 2;
/** Finished transactions linger for 5 s in the peer, and for 3.2 s in ours as it is set here; ms. */
const LINGER = 7000;
const RATE = 200;
/** Calls are up while memory is looked at, s. */
const HOLD = 60;

interface Memory {
  /** Bytes in use: empty, with all bindings, with all dialogs too. */
  readonly live: readonly [empty: number, bound: number, full: number];
  /** All of its processes, what they share counted once, bytes. */
  readonly sip: readonly [empty: number, bound: number, full: number];
  readonly presence: readonly [empty: number, bound: number, full: number];
}

/** What registered telephones and open calls take. */
export async function memoryRows(context: Context): Promise<Row[]> {
  const { bindings, dialogs } = context.plan.memory;
  const ours = await measured(context, 'Offhook');
  const peer = await measured(context, 'Kamailio');
  const row = (name: string, unit: string, of: (memory: Memory) => number, more: Partial<Row> = {}): Row => ({
    group: 'memory',
    name,
    unit,
    ours: { value: round(of(ours)) },
    peer: { value: round(of(peer)) },
    ...more,
  });
  return [
    row('memory in use of a binding', 'bytes', ({ live }) => (live[1] - live[0]) / bindings, {
      goal: { of: 'ratio', at: 'most', value: GOAL },
      note: "Offhook: the shim's heap after garbage collection; Kamailio: its shared memory in use, all its modules for presence loaded",
    }),
    row('memory in use of an open call', 'bytes', ({ live }) => (live[2] - live[1]) / dialogs),
    row('the whole when it is empty (shim)', 'MiB', ({ sip }) => sip[0] / MIB),
    row(`the whole with ${bindings} bindings and ${dialogs} calls (shim)`, 'MiB', ({ sip }) => sip[2] / MIB),
    {
      ...row('the Worker (workerd) then', 'MiB', ({ presence }) => presence[2] / MIB),
      peer: NOTHING,
      note: 'an object of each user that was told of lately is in memory',
    },
    row('shim and Worker then', 'MiB', ({ sip, presence }) => (sip[2] + presence[2]) / MIB),
  ];
}

async function measured(shared: Context, side: Server['name']): Promise<Memory> {
  // It keeps its turn while it waits: what the Worker holds falls with the time since it was told.
  const release = await shared.turns.take();
  const context = await apart(shared);
  const { plan, ports, say } = context;
  const { bindings, dialogs } = plan.memory;
  return await withServer(startServer(side, context, 'presence', { lean: true }), async (server) => {
    const states: { live: number; sip: number; presence: number }[] = [];
    const look = async () => {
      // In this order: to ask what is in use gives back what is not.
      const live = await server.live();
      const { sip, presence } = server.pids();
      states.push({ live, sip: memoryOf(sip), presence: memoryOf(presence) });
    };
    await look();
    say(`${side}: ${bindings} bindings`);
    const crowd = new Crowd(bindings);
    await registerCrowd(server, crowd, ports);
    const waiting = await server.settled(REGISTERED_WITHIN);
    if (waiting.length > 0) throw new Error(waiting.join(', '));
    await pause(LINGER);
    await look();
    say(`${side}: ${dialogs} calls`);
    const runs = await startCalls(server, crowd, ports, { rate: RATE, seconds: dialogs / RATE, callId: 'memory', hold: HOLD });
    try {
      await pause((dialogs / RATE) * 1000 + LINGER);
      await server.settled(LINGER);
      await look();
    } finally {
      for (const { process } of runs) process.kill('SIGKILL');
      await Promise.all(runs.map(({ ended }) => ended));
    }
    const of = (part: 'live' | 'sip' | 'presence') => states.map((state) => state[part]) as [number, number, number];
    return { live: of('live'), sip: of('sip'), presence: of('presence') };
  }).finally(release);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
