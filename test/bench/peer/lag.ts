import { quantile } from '../figure.ts';
import { faultsOf } from './climb.ts';
import { type Context, SIDES, startServer } from './context.ts';
import { loadStep } from './load-step.ts';
import type { Lags } from './probe.ts';
import { PROBED, ROUND } from './probe.ts';
import { type Cell, ofRuns, type Row } from './row.ts';
import { ASLEEP, staged } from './series.ts';

const PARTS = [0.5, 0.95, 0.99] as const;
/** Most that is asked at 10 calls/s, ms; and what is hoped for is no more than the peer. */
const GOALS: Readonly<Record<number, number>> = { 0.5: 4, 0.99: 12 };

interface Lagged {
  readonly calm: Lags;
  readonly busy: Lags;
  readonly faults: readonly string[];
}

/** From the 200 to what a watcher is told: with nothing but the calls that are looked at, and with `rate` calls/s besides. */
export async function lagRows(context: Context, rate: number): Promise<Row[]> {
  const { plan, ports, say, others } = context;
  const found = new Map<string, Lagged>();
  for (const side of SIDES) {
    say(`${side}: at ${PROBED} calls/s, then at ${rate} more`);
    const scene = await staged((mode) => startServer(side, context, mode), 'presence', plan, ports);
    try {
      // The objects of those who have no calls any more fall asleep first; then one round wakes those who have.
      if (side === 'Offhook') await new Promise((resolve) => setTimeout(resolve, ASLEEP));
      await scene.probe?.run(ROUND);
      const calm = await scene.probe?.run(plan.lag.calm);
      const step = await loadStep(scene, { rate, seconds: plan.lag.busy, callId: 'lag' });
      others(step.others);
      if (calm && step.lags) found.set(side, { calm, busy: step.lags, faults: faultsOf(step) });
    } finally {
      await scene.close();
    }
  }
  return (['calm', 'busy'] as const).flatMap((load) =>
    PARTS.flatMap((part) => {
      const cell = (side: string): Cell => {
        const one = found.get(side);
        if (one === undefined) return { value: Number.NaN, failed: ['nobody looked'] };
        return ofRuns([quantile(one[load].lags, part)], load === 'calm' ? one.calm.failed : one.faults);
      };
      const [ours, peer] = [cell('Offhook'), cell('Kamailio')];
      const at = load === 'calm' ? `${PROBED} calls/s` : 'half of the lower highest rate';
      const told = 'what Offhook shows is on disk before it is shown; Kamailio tells from memory';
      const row: Row = {
        group: 'lag',
        name: `200 to the watcher's frame or NOTIFY, p${part * 100}, ${at}`,
        unit: 'ms',
        ours,
        peer,
        note: load === 'calm' ? told : `at ${rate} calls/s; ${told}`,
      };
      const goal = load === 'calm' ? GOALS[part] : undefined;
      if (goal === undefined) return [row];
      return [
        { ...row, goal: { of: 'ours', at: 'most', value: goal } },
        { ...row, name: `${row.name}, beside the peer`, goal: { of: 'ratio', at: 'most', value: 1, stretch: true } },
      ] satisfies Row[];
    }),
  );
}
