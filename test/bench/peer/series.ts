import { quantile, round } from '../figure.ts';
import { type Climb, climb, faultsOf } from './climb.ts';
import type { Context } from './context.ts';
import { type LoadStep, loadStep, type Scene } from './load-step.ts';
import { COMPARED, type Plan } from './plan.ts';
import { Probe } from './probe.ts';
import type { Mode, Ports, Server } from './server.ts';
import { calls, registerCrowd } from './traffic.ts';
import { Crowd } from './users.ts';

/** Users that are looked at while load runs. */
export const WATCHED = 200;
/** First registrations make an object each in the Worker: until it knows all, ms. */
export const REGISTERED_WITHIN = 240_000;
/** Before anything is measured: what compiles as it runs has compiled what counts. Calls/s, s. */
const WARM = { rate: 300, seconds: 4 };
/** Between two rates, ms. */
const BREATH = 300;

/** One kind of server, at rising rates. */
export interface Series {
  readonly side: Server['name'];
  readonly mode: Mode;
  readonly climbs: readonly Climb<LoadStep>[];
}

export type Start = (mode: Mode) => Promise<Server>;

/** Starts a server with all users registered, and those who look at it. */
export async function staged(start: Start, mode: Mode, plan: Plan, ports: Ports): Promise<Scene & { close(): Promise<void> }> {
  const server = await start(mode);
  const closing: (() => unknown)[] = [() => server.close()];
  const close = async () => {
    for (const end of closing.reverse()) await end();
  };
  try {
    const crowd = new Crowd(plan.users);
    await registerCrowd(server, crowd, ports);
    const waiting = await server.settled(REGISTERED_WITHIN);
    if (waiting.length > 0) throw new Error(waiting.join(', '));
    await calls(server, crowd, ports, { ...WARM, callId: 'warm' });
    if (mode !== 'presence') return { server, crowd, ports, close };
    const users = crowd.watched(WATCHED);
    const watch = await server.watch(users);
    closing.push(() => watch.close());
    const probe = await Probe.open(server);
    closing.push(() => probe.close());
    return { server, crowd, ports, watch: { users, watch }, probe, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rising rates, on a fresh server each time. `highest`: beyond those whose processor time is compared, up to the first that fails. */
export async function series(
  side: Server['name'],
  start: Start,
  mode: Mode,
  { plan, ports, say, others }: Context,
  highest: boolean,
): Promise<Series> {
  const climbs: Climb<LoadStep>[] = [];
  const ladder = highest ? plan.ladder[mode === 'presence' ? 'presence' : 'alone'] : COMPARED;
  for (let run = 0; run < plan.series; run++) {
    const scene = await staged(start, mode, plan, ports);
    try {
      climbs.push(
        await climb(ladder, async (rate) => {
          const step = await loadStep(scene, { rate, seconds: plan.step, callId: `s${run}r${rate}` });
          others(step.others);
          const faults = [...faultsOf(step), ...step.saturated];
          const { sip, presence } = step.cpu;
          const lag = step.lags ? `, lag p50 ${round(quantile(step.lags.lags, 0.5))} ms` : '';
          say(
            `${side} ${mode} ${rate}/s: ${sip}${presence > 0 ? ` + ${presence}` : ''} s/1,000 calls${lag} ${faults.join(', ')}`,
          );
          await new Promise((resolve) => setTimeout(resolve, BREATH));
          return step;
        }),
      );
    } finally {
      await scene.close();
    }
  }
  return { side, mode, climbs };
}
