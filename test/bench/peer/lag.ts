import { median, quantile } from '../figure.ts';
import { faultsOf } from './climb.ts';
import { type Context, SIDES, startServer } from './context.ts';
import { loadStep } from './load-step.ts';
import type { Lags } from './probe.ts';
import { PROBED } from './probe.ts';
import { type Cell, ofRuns, type Row } from './row.ts';
import { staged } from './series.ts';

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
  const found = new Map<string, Lagged[]>();
  for (const side of SIDES) {
    const runs: Lagged[] = [];
    for (let run = 0; run < context.plan.series; run++) {
      context.say(`${side}: at ${PROBED} calls/s, then at ${rate} more`);
      const scene = await staged((mode) => startServer(side, context, mode), 'presence', context.plan, context.ports);
      try {
        const calm = await scene.probe?.run(context.plan.lag);
        const step = await loadStep(scene, { rate, seconds: context.plan.lag, callId: `lag${run}` });
        context.others(step.others);
        if (calm && step.lags) runs.push({ calm, busy: step.lags, faults: faultsOf(step) });
      } finally {
        await scene.close();
      }
    }
    found.set(side, runs);
  }
  return (['calm', 'busy'] as const).flatMap((load) =>
    PARTS.flatMap((part) => {
      const cell = (side: string): Cell => {
        const runs = found.get(side) ?? [];
        const failed = runs.flatMap((run) => (load === 'calm' ? run.calm.failed : run.faults));
        return ofRuns(
          runs.map((run) => quantile(run[load].lags, part)),
          failed,
        );
      };
      const [ours, peer] = [cell('Offhook'), cell('Kamailio')];
      const at = load === 'calm' ? `${PROBED} calls/s` : `${rate} calls/s (half of the lower highest rate)`;
      const row: Row = {
        group: 'lag',
        name: `200 to the watcher's frame or NOTIFY, p${part * 100}, ${at}`,
        unit: 'ms',
        ours,
        peer,
        note: 'what Offhook shows is on disk before it is shown; Kamailio tells from memory',
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

/** The middle of a lag at one rate, over several runs, ms. */
export const middle = (runs: readonly Lags[], part: number): number => median(runs.map(({ lags }) => quantile(lags, part)));
