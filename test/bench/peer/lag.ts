import { quantile, round } from '../figure.ts';
import { faultsOf } from './climb.ts';
import { type Context, SIDES, startServer } from './context.ts';
import { type LoadStep, loadStep } from './load-step.ts';
import type { Lags } from './probe.ts';
import { PROBED, ROUND } from './probe.ts';
import { type Cell, ofRuns, type Row } from './row.ts';
import { ASLEEP, staged } from './series.ts';
import type { Server } from './server.ts';

const PARTS = [0.5, 0.95, 0.99] as const;
/** Most that is asked at 10 calls/s, ms; and what is hoped for is no more than the peer. */
const GOALS: Readonly<Record<number, number>> = { 0.5: 4, 0.99: 12 };

/** Besides those that are looked at, so many users call before, for so many s: what compiles as it runs has compiled. */
const CALM = { users: 400, warming: 5 };

/** One side: without load, several times, and with it. */
interface Lagged {
  readonly calm: Lags[];
  busy: Lags | undefined;
  readonly faults: string[];
}

/** From the 200 to what a watcher is told: with nothing but the calls that are looked at, and with `rate` calls/s besides. */
export async function lagRows(context: Context, rate: number): Promise<Row[]> {
  const { plan, say } = context;
  const found = new Map(SIDES.map((side): [string, Lagged] => [side, { calm: [], busy: undefined, faults: [] }]));
  for (let turn = 0; turn < plan.lag.rounds; turn++) {
    for (const side of SIDES) {
      const calm = await calmLags(context, side);
      found.get(side)?.calm.push(calm);
      say(`${side}: at ${PROBED} calls/s, p50 ${round(quantile(calm.lags, 0.5))} ms`);
    }
  }
  for (const side of SIDES) {
    const one = found.get(side);
    const step = await busyLags(context, side, rate);
    if (one === undefined) continue;
    one.busy = step.lags;
    one.faults.push(...faultsOf(step));
    say(`${side}: with ${rate} calls/s besides, p50 ${round(quantile(step.lags?.lags ?? [], 0.5))} ms`);
  }
  return (['calm', 'busy'] as const).flatMap((load) =>
    PARTS.flatMap((part) => {
      const cell = (side: string): Cell => {
        const { calm = [], busy, faults = [] } = found.get(side) ?? {};
        const runs = load === 'calm' ? calm : busy ? [busy] : [];
        if (runs.length === 0) return { value: Number.NaN, failed: ['nobody looked'] };
        return ofRuns(
          runs.map(({ lags }) => quantile(lags, part)),
          load === 'calm' ? calm.flatMap(({ failed }) => failed) : faults,
        );
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

/** With nothing else. The objects of those who called before, and have no calls any more, fall asleep first; then one round wakes those who have. */
async function calmLags(context: Context, side: Server['name']): Promise<Lags> {
  const { plan, ports } = context;
  const few = { ...plan, users: CALM.users };
  const scene = await staged((mode) => startServer(side, context, mode), 'presence', few, ports, CALM.warming);
  try {
    if (side === 'Offhook') await new Promise((resolve) => setTimeout(resolve, ASLEEP));
    await scene.probe?.run(ROUND);
    return (await scene.probe?.run(plan.lag.calm)) ?? NOBODY;
  } finally {
    await scene.close();
  }
}

async function busyLags(context: Context, side: Server['name'], rate: number): Promise<LoadStep> {
  const { plan, ports, others } = context;
  const scene = await staged((mode) => startServer(side, context, mode), 'presence', plan, ports);
  try {
    const step = await loadStep(scene, { rate, seconds: plan.lag.busy, callId: 'lag' });
    others(step.others);
    return step;
  } finally {
    await scene.close();
  }
}

const NOBODY: Lags = { lags: [], calls: 0, failed: ['nobody looked'] };
