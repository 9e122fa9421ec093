import { quantile, round } from '../figure.ts';
import { type Climb, climb, faultsOf } from './climb.ts';
import type { Context } from './context.ts';
import { type LoadStep, loadStep, RIGHT_WITHIN, type Scene } from './load-step.ts';
import { COMPARED, LADDER, type Plan, TOP } from './plan.ts';
import { Probe, ROUND } from './probe.ts';
import type { Mode, Ports, Server } from './server.ts';
import { calls, registerCrowd } from './traffic.ts';
import { Crowd } from './users.ts';

/** Users that are looked at while load runs. */
export const WATCHED = 200;
/** First registrations make an object each in the Worker: until it knows all, ms. */
export const REGISTERED_WITHIN = 240_000;
/** Before anything is measured, calls/s: what compiles as it runs has compiled what counts, and each user has had a call. */
const WARM = 600;
/** Until all is told that was to be told, ms. */
const SETTLED_WITHIN = 30_000;
/** Between two rates, ms. */
const BREATH = 300;
/** After so long the Worker's objects are asleep that nobody needs, ms: it puts them to sleep after 10 s, all at once and each with its writing. */
export const ASLEEP = 20_000;
/** All is told so long after the last call where processor time is looked at, ms. */
const DONE_WITHIN = 30_000;
/** A server that is started anew in the middle of a climb is warm after so long, s: users know calls by then. */
const WARM_AGAIN = 2;
/** What comes so late in a climb is wrong in any case, s. */
const PATIENCE = 4;
/** Rungs from one brief step to the next: presence ends at lower rates. */
const STRIDE = { alone: 6, dialog: 6, presence: 3 };

/** One kind of server, at rising rates. */
export interface Series {
  readonly side: Server['name'];
  readonly mode: Mode;
  /** At the rates whose processor time is compared, each several times. */
  readonly compared: readonly LoadStep[];
  /** The lowest of these rates, when all objects of the Worker are asleep; undefined of a server that has none. */
  readonly asleep: LoadStep | undefined;
  /** Undefined where the highest rate is not looked for. */
  readonly climb: Climb<LoadStep> | undefined;
}

export type Start = (mode: Mode) => Promise<Server>;

/** Starts a server with all users registered, and those who look at it; each has had a call. */
export async function staged(
  start: Start,
  mode: Mode,
  plan: Plan,
  ports: Ports,
  warming = plan.users / 2 / WARM,
): Promise<Scene & { close(): Promise<void> }> {
  const server = await start(mode);
  const closing: (() => unknown)[] = [() => server.close()];
  const close = async () => {
    for (const end of closing.reverse()) await end();
  };
  const settled = async (within: number) => {
    const waiting = await server.settled(within);
    if (waiting.length > 0) throw new Error(waiting.join(', '));
  };
  try {
    const crowd = new Crowd(plan.users);
    await registerCrowd(server, crowd, ports);
    await settled(REGISTERED_WITHIN);
    const warm = { rate: WARM, seconds: warming, callId: 'warm' };
    if (mode !== 'presence') {
      await calls(server, crowd, ports, warm);
      return { server, crowd, ports, close };
    }
    const users = crowd.watched(WATCHED);
    const watch = await server.watch(users);
    closing.push(() => watch.close());
    const probe = await Probe.open(server);
    closing.push(() => probe.close());
    await Promise.all([calls(server, crowd, ports, warm), probe.run(Math.min(ROUND, warming))]);
    await settled(SETTLED_WITHIN);
    return { server, crowd, ports, watch: { users, watch }, probe, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The rates whose processor time is compared, and, for the `highest`, what is beyond them. */
export async function series(
  side: Server['name'],
  start: Start,
  mode: Mode,
  { plan, ports, say, others }: Context,
  highest: boolean,
): Promise<Series> {
  let scene: Awaited<ReturnType<typeof staged>> | undefined = await staged(start, mode, plan, ports);
  let count = 0;
  /** As a rate that is to be kept up: late is wrong, too. */
  const kept = (step: LoadStep): LoadStep => {
    const after = step.told > RIGHT_WITHIN ? [`watchers had been told all ${round(step.told / 1000)} s after the last call`] : [];
    return { ...step, wrong: [...step.wrong, ...after] };
  };
  const attempt = async (
    rate: number,
    seconds: number,
    more: { all?: boolean; patience?: number; within?: number } = {},
  ): Promise<LoadStep> => {
    count += 1;
    scene ??= await staged(start, mode, plan, ports, WARM_AGAIN);
    const step = await loadStep(scene, { rate, seconds, callId: `s${count}`, ...more }, more);
    others(step.others);
    const late = kept(step);
    const faults = faultsOf(late);
    const { sip, presence } = step.cpu;
    const lag = step.lags ? `, lag p50 ${round(quantile(step.lags.lags, 0.5))} ms` : '';
    const words = [...faults, ...step.saturated].join(', ');
    say(`${side} ${mode} ${rate}/s for ${seconds} s: ${sip}${presence > 0 ? ` + ${presence}` : ''} s/1,000 calls${lag} ${words}`);
    await new Promise((resolve) => setTimeout(resolve, BREATH));
    await scene.server.settled(SETTLED_WITHIN);
    if (faults.length > 0) {
      // Its transactions would go on to send for half a minute, and spoil the next.
      await scene.close();
      scene = undefined;
    }
    return step;
  };
  try {
    const steps: LoadStep[] = [];
    let asleep: LoadStep | undefined;
    if (side === 'Offhook' && mode === 'presence') {
      await new Promise((resolve) => setTimeout(resolve, ASLEEP));
      // As long as it takes to wake all: from then on calls come often enough to keep them awake.
      const [rate] = COMPARED;
      asleep = await attempt(rate, Math.ceil(plan.users / 2 / rate), { within: DONE_WITHIN });
    }
    // Processor time is that of all that was to be done, however late. Where all users took part, all are read.
    for (let round = 0; round < plan.cpu.rounds; round++) {
      for (const rate of COMPARED)
        steps.push(await attempt(rate, plan.cpu.seconds, { all: rate === COMPARED.at(-1), within: DONE_WITHIN }));
    }
    if (!highest) return { side, mode, asleep, compared: steps, climb: undefined };
    const ladder = LADDER.filter((rate) => rate <= TOP.calls);
    // Of each rate the last one: a climb begins with one step of a rate.
    const known = { steps: steps.slice(-COMPARED.length).map(kept), stride: STRIDE[mode] };
    const found = await climb(ladder, known, async (rate, length) => {
      return kept(await attempt(rate, plan.step[length], { patience: PATIENCE }));
    });
    return { side, mode, asleep, compared: steps, climb: found };
  } finally {
    await scene?.close();
  }
}
