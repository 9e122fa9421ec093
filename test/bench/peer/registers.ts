import { round } from '../figure.ts';
import { type Climb, climb, faultsOf, type Step } from './climb.ts';
import { type Context, startServer, withServer } from './context.ts';
import { LADDER, TOP } from './plan.ts';
import { cpuOf } from './processes.ts';
import { type Cell, NOTHING, type Row } from './row.ts';
import { REGISTERED_WITHIN } from './series.ts';
import type { Mode, Server } from './server.ts';
import { register } from './traffic.ts';
import { nameOf } from './users.ts';

/** Refreshes a second, at least. */
const GOAL = 4000;
/** How the users are registered first, 1/s. */
const FIRST = 4000;
/** Rungs from one brief step to the next. */
const STRIDE = 6;
const BREATH = 500;
/** Long enough to see that a rate is too high, s. */
const BRIEF = 1.5;

interface Registered {
  readonly climb: Climb<Step>;
  /** As it was reached: a short load is over a little later than it should be, 1/s. */
  readonly reached: number;
  /** Processor time for 1,000 refreshes at the rate of the goal, s. */
  readonly cpu: Cell;
  /** Users that are still registered after `kill -9` and a start. */
  readonly kept: number;
}

/** Refreshes a second. Ours are on disk before they are answered, and are looked for after `kill -9`. */
export async function registerRows(context: Context): Promise<Row[]> {
  const users = Array.from({ length: context.plan.registers.users }, (_, n) => nameOf(n));
  const ours = await climbed(context, 'Offhook', 'alone', users);
  const plain = await climbed(context, 'Kamailio', 'alone', users);
  const presence = await climbed(context, 'Kamailio', 'presence', users);
  const rate = ({ reached, climb: { bound } }: Registered): Cell => ({ value: reached, ...(bound && { text: 'or more' }) });
  const ended = (side: string, { climb: { end } }: Registered) => `${side}: ${end ?? 'the highest rate tried was clean'}`;
  const row = (name: string, unit: string, own: Cell, peer: Cell, more: Partial<Row> = {}): Row => ({
    group: 'registers',
    name,
    unit,
    ours: own,
    peer,
    ...more,
  });
  const lost =
    ours.kept === users.length ? {} : { failed: [`${ours.kept} of ${users.length} bindings were there after kill -9`] };
  return [
    row('REGISTER refreshes, presence on', '1/s', { ...rate(ours), ...lost }, rate(presence), {
      goal: { of: 'ours', at: 'least', value: GOAL },
      note: `Offhook's are on disk before they are answered; of a refresh the Worker is told nothing. Ended by: ${ended('Offhook', ours)}. ${ended('Kamailio', presence)}`,
    }),
    row('REGISTER refreshes, peer without presence', '1/s', rate(ours), rate(plain), {
      note: `ended by: ${ended('Kamailio', plain)}`,
    }),
    row(`CPU of refreshes at ${GOAL}/s`, 's/1,000', ours.cpu, presence.cpu),
    row(
      `of ${users.length} bindings there after kill -9`,
      'bindings',
      { value: ours.kept },
      { value: presence.kept },
      {
        goal: { of: 'ours', at: 'least', value: users.length },
      },
    ),
    ...(ours.climb.highest === 0
      ? [row('first registrations', '1/s', { value: FIRST, failed: ['refreshes failed at every rate'] }, NOTHING)]
      : []),
  ];
}

async function climbed(context: Context, side: Server['name'], mode: Mode, users: readonly string[]): Promise<Registered> {
  const { plan, ports, say } = context;
  return await withServer(startServer(side, context, mode), async (server) => {
    const registering = await register(server, users, ports.callers, ports, { rate: FIRST, callId: 'refreshed' });
    if (registering.failed > 0) throw new Error(`${registering.failed} first registrations failed at ${side}`);
    const waiting = await server.settled(REGISTERED_WITHIN);
    if (waiting.length > 0) say(`${side}: ${waiting.join(', ')} after the first registrations`);
    let cseq = 1;
    let cpu: Cell | undefined;
    const attempt = async (rate: number, seconds: number) => {
      const before = cpuOf(server.pids().sip);
      cseq += 1;
      const count = Math.round(rate * seconds);
      const load = await register(server, users, ports.callers, ports, { rate, count, callId: 'refreshed', cseq });
      await new Promise((resolve) => setTimeout(resolve, BREATH));
      const step: Step = { ...load, wrong: [] };
      const faults = faultsOf(step);
      const spent = round(((cpuOf(server.pids().sip) - before) * 1000) / count);
      cpu ??= { value: spent, ...(faults.length > 0 && { failed: faults }) };
      say(`${side} ${mode} ${rate} REGISTERs/s: ${spent} s/1,000 ${[...faults, ...step.saturated].join(', ')}`);
      return step;
    };
    // The rate of the goal first, on all users: its processor time is compared.
    const first = await attempt(GOAL, users.length / GOAL);
    const ladder = LADDER.filter((rate) => rate <= TOP.registers);
    const found = await climb(ladder, { steps: [first], stride: STRIDE }, (rate, length) =>
      attempt(rate, length === 'brief' ? BRIEF : plan.registers.step),
    );
    await server.kill();
    await server.restart();
    const kept = await server.bindings();
    const best = found.steps.findLast((step) => step.rate === found.highest);
    const reached = best === undefined ? 0 : round(Math.min(best.rate, best.count / best.took));
    return { climb: found, reached, cpu: cpu ?? NOTHING, kept };
  });
}
