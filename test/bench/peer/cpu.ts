import { median, round } from '../figure.ts';
import { type Climb, faultsOf } from './climb.ts';
import { type Context, SIDES, startServer } from './context.ts';
import type { LoadStep } from './load-step.ts';
import { COMPARED, type Plan } from './plan.ts';
import { type Cell, NOTHING, ofRuns, type Row } from './row.ts';
import { type Series, series, WATCHED } from './series.ts';
import type { Mode, Server } from './server.ts';

/** Goals: the ratio of processor time with presence, and hoped for against a proxy that follows dialogs alone; calls/s. */
const GOALS = { presence: 0.5, dialog: 1, highest: 1000 };
const RATE = 'calls/s';

/** What is measured of each side. The peer as plain proxy is another program than with its dialog module; ours follows calls always. */
const RUNS: readonly (readonly [Server['name'], Mode])[] = [
  ['Offhook', 'alone'],
  ['Offhook', 'presence'],
  ['Kamailio', 'alone'],
  ['Kamailio', 'dialog'],
  ['Kamailio', 'presence'],
];

/** All series; `highest`: as far as each goes, else the rates that are compared. */
export async function allSeries(context: Context, highest: boolean): Promise<Series[]> {
  const found: Series[] = [];
  for (const [side, mode] of RUNS) {
    const climbs = highest && mode !== 'dialog';
    const start = (wanted: Mode) => startServer(side, context, wanted);
    found.push(await series(side, start, mode, context, climbs));
  }
  return found;
}

const of = (all: readonly Series[], side: Server['name'], mode: Mode): Series | undefined =>
  all.find((one) => one.side === side && one.mode === mode);

/** Processor time for 1,000 calls, at the rates that are compared. */
export function cpuRows(all: readonly Series[]): Row[] {
  return COMPARED.flatMap((rate) => {
    const cell = (side: Server['name'], mode: Mode, part: (step: LoadStep) => number = ({ cpu }) => cpu.sip): Cell => {
      const steps = of(all, side, mode)?.compared.filter((one) => one.rate === rate) ?? [];
      if (steps.length === 0) return { value: Number.NaN, failed: [`${rate} calls/s was not reached`] };
      return ofRuns(steps.map(part), [...new Set(steps.flatMap(faultsOf))]);
    };
    const both = ({ cpu }: LoadStep) => cpu.sip + cpu.presence;
    const shim = cell('Offhook', 'presence');
    const { asleep } = of(all, 'Offhook', 'presence') ?? {};
    const sleeping: Cell = asleep === undefined ? NOTHING : ofRuns([asleep.cpu.presence], []);
    const peer = cell('Kamailio', 'presence');
    const row = (name: string, ours: Cell, theirs: Cell, goal?: Row['goal'], note?: string): Row => ({
      group: 'cpu',
      name: `CPU at ${rate} ${RATE}, ${name}`,
      unit: 's/1,000 calls',
      ours,
      peer: theirs,
      ...(goal && { goal }),
      ...(note !== undefined && { note }),
    });
    const sink = 'Offhook always follows calls: here it reports them to a sink that takes everything at once and costs nothing';
    const stretch = { of: 'ratio', at: 'most', value: GOALS.dialog, stretch: true } as const;
    return [
      row('proxy alone', cell('Offhook', 'alone'), cell('Kamailio', 'alone'), undefined, sink),
      row('proxy that follows dialogs', cell('Offhook', 'alone'), cell('Kamailio', 'dialog'), undefined, sink),
      row('with presence, shim', shim, peer, rate === 800 ? { of: 'ratio', at: 'most', value: GOALS.presence } : undefined),
      row(
        'with presence, Worker (workerd)',
        cell('Offhook', 'presence', ({ cpu }) => cpu.presence),
        NOTHING,
      ),
      ...(rate === COMPARED[0] ? [row('with presence, Worker, its objects asleep before', sleeping, NOTHING)] : []),
      row('with presence, shim and Worker', cell('Offhook', 'presence', both), peer),
      ...(rate === 800
        ? [row('shim with presence beside a peer that follows dialogs alone', shim, cell('Kamailio', 'dialog'), stretch)]
        : []),
      row(
        'SIPp itself, presence on',
        cell('Offhook', 'presence', ({ cpu }) => cpu.sipp),
        cell('Kamailio', 'presence', ({ cpu }) => cpu.sipp),
      ),
    ];
  });
}

/** The highest clean rates, and what ended each. */
export function highestRows(all: readonly Series[], { step }: Plan): Row[] {
  const cell = (side: Server['name'], mode: Mode): Cell => {
    const climb = of(all, side, mode)?.climb;
    return { value: climb?.highest ?? Number.NaN, ...(climb?.bound && { text: 'or more' }) };
  };
  const ends = (mode: Mode) => SIDES.map((side) => `${side} ${endOf(of(all, side, mode)?.climb)}`).join('. ');
  const row = (name: string, mode: Mode, goal?: Row['goal']): Row => ({
    group: 'highest',
    name: `highest rate clean for ${step.long} s, ${name}`,
    unit: RATE,
    ours: cell('Offhook', mode),
    peer: cell('Kamailio', mode),
    ...(goal && { goal }),
    note: ends(mode),
  });
  return [
    row('proxy alone', 'alone'),
    row(`with presence, ${WATCHED} users watched`, 'presence', { of: 'ours', at: 'least', value: GOALS.highest }),
    row('with presence, beside the peer', 'presence', { of: 'ratio', at: 'least', value: 1, stretch: true }),
  ];
}

/** What ended a series, and how late its watchers were told at the highest clean rate. */
function endOf(climb: Climb<LoadStep> | undefined): string {
  if (climb === undefined) return 'was not measured';
  const { steps, highest, end } = climb;
  const lags = steps.findLast(({ rate }) => rate === highest)?.lags?.lags ?? [];
  const told = lags.length > 0 ? `, where watchers were told after ${round(median(lags))} ms (p50)` : '';
  return `was clean up to ${highest}/s${told}; ${end === undefined ? 'no higher rate was tried' : `ended by ${end}`}`;
}

/** Half of the lower of both highest rates with presence: a rate that both can take; calls/s. */
export function halfOf(all: readonly Series[]): number | undefined {
  const lower = Math.min(...SIDES.map((side) => of(all, side, 'presence')?.climb?.highest ?? 0));
  return lower > 0 ? round(lower / 2) : undefined;
}
