import { faultsOf } from './climb.ts';
import { type Context, startServer, withServer } from './context.ts';
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
  const ours = await measured(context, 'Offhook');
  const peer = await measured(context, 'Kamailio');
  return [
    {
      group: 'race',
      name: `states stuck of ${ours.calls} calls whose 180 comes at once`,
      unit: 'users',
      ours: ours.stuck,
      peer: peer.stuck,
      goal: { of: 'ours', at: 'most', value: 0 },
      note: `at ${context.plan.race.rates.join(', ')} calls/s, every party of every call watched; stuck: still shown ${STUCK_AFTER / 1000} s after the last call`,
    },
  ];
}

async function measured(context: Context, side: Server['name']): Promise<Raced> {
  const { plan, ports, say, others } = context;
  return await withServer(startServer(side, context, 'presence'), async (server) => {
    const crowd = new Crowd(plan.users);
    await registerCrowd(server, crowd, ports);
    const waiting = await server.settled(REGISTERED_WITHIN);
    if (waiting.length > 0) throw new Error(waiting.join(', '));
    const users = crowd.names;
    const watch = await server.watch(users);
    const failed: string[] = [];
    let calls = 0;
    try {
      const stuck = new Set<string>();
      for (const rate of plan.race.rates) {
        const load = { rate, seconds: plan.race.seconds, callId: `race${rate}`, scenario: 'uas-at-once' } as const;
        const step = await loadStep({ server, crowd, ports, watch: { users, watch } }, load, STUCK_AFTER);
        calls += step.count;
        others(step.others);
        for (const user of watch.seen.busy()) stuck.add(user);
        const faults = faultsOf({ ...step, wrong: step.wrong.filter((text) => !text.includes('stay in a call')) });
        if (faults.length > 0) failed.push(`${rate}/s: ${faults.join(', ')}`);
        say(`${side}: ${rate} calls/s, the 180 at once: ${stuck.size} stuck ${[...faults, ...step.saturated].join(', ')}`);
      }
      return { calls, stuck: { value: stuck.size, ...(failed.length > 0 && { failed }) } };
    } finally {
      watch.close();
    }
  });
}
