import { faultsOf } from './climb.ts';
import { apart, type Context, startServer, withServer } from './context.ts';
import { loadStep } from './load-step.ts';
import type { Cell, Row } from './row.ts';
import { REGISTERED_WITHIN } from './series.ts';
import type { Server } from './server.ts';
import { registerCrowd } from './traffic.ts';
import { Crowd } from './users.ts';

/** What is still shown so long after the last call is stuck, ms. */
const STUCK_AFTER = 30_000;

interface Raced {
  readonly calls: number;
  readonly stuck: Cell;
}

/** Calls whose 180 comes within a millisecond of the INVITE, every party of every call watched: what stays shown that is over. */
export async function raceRows(context: Context): Promise<Row[]> {
  // Where states stay stuck, waiting for their end is no load: the other begins meanwhile.
  const [peer, ours] = await Promise.all([measured(context, 'Kamailio'), measured(context, 'Offhook')]);
  return [
    {
      group: 'race',
      name: `states stuck of ${ours.calls} calls whose 180 comes at once`,
      unit: 'users',
      ours: ours.stuck,
      peer: peer.stuck,
      goal: { of: 'ours', at: 'most', value: 0 },
      note: `at ${context.plan.race.rate} calls/s, every party of every call watched; stuck: still shown ${STUCK_AFTER / 1000} s after the last call`,
    },
  ];
}

async function measured(shared: Context, side: Server['name']): Promise<Raced> {
  const waits = await shared.turns.take();
  try {
    const context = await apart(shared);
    const { plan, ports, say, others } = context;
    return await withServer(startServer(side, context, 'presence'), async (server) => {
      const crowd = new Crowd(plan.users);
      await registerCrowd(server, crowd, ports);
      const waiting = await server.settled(REGISTERED_WITHIN);
      if (waiting.length > 0) throw new Error(waiting.join(', '));
      const users = crowd.names;
      const watch = await server.watch(users);
      try {
        const load = { ...plan.race, callId: 'race', scenario: 'uas-at-once' } as const;
        const scene = { server, crowd, ports, watch: { users, watch } };
        const step = await loadStep(scene, load, { within: STUCK_AFTER, all: true, waits });
        others(step.others);
        const stuck = new Set(watch.seen.busy().map((text) => text.split(' ')[0])).size;
        const failed = faultsOf({ ...step, wrong: step.wrong.filter((text) => !text.includes('stay in a call')) });
        say(`${side}: ${load.rate} calls/s, the 180 at once: ${stuck} stuck ${[...failed, ...step.saturated].join(', ')}`);
        return { calls: step.count, stuck: { value: stuck, ...(failed.length > 0 && { failed }) } };
      } finally {
        watch.close();
      }
    });
  } finally {
    waits();
  }
}
