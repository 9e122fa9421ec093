import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Counters, objectRequests, PRICE, priceOf, rowsWritten, sum } from '../bench/price.ts';
import type { Played } from './deployment.ts';
import { playSite } from './deployment.ts';
import { Domain } from './domain.ts';
import type { PlannedCall } from './habits.ts';
import type { Kind } from './layout.ts';
import { added } from './tally.ts';

/** Days of a month: with calls, and without. */
export const DAYS = { working: 22, quiet: 8 } as const;
/** The most that one object may be asked in a second (docs/watching.md). */
export const OBJECT_RATE = 200;
/** By so much at most the cost of a user may grow from the smallest deployment to the largest, and a call's rows differ from what was counted. */
export const SAME = 0.05;

/** What all users of a deployment do on a working day: what was played of each kind of site stands for all of its kind. */
export const dayOf = (played: Played): Counters => scaled(played, ({ day }) => day);
/** And on a day without calls. */
export const quietOf = (played: Played): Counters => scaled(played, ({ quiet }) => quiet);

/** A month; the webhook of the large domain is not in it. */
export function monthOf(played: Played): Counters {
  return withoutHook(
    added([
      [dayOf(played), DAYS.working],
      [quietOf(played), DAYS.quiet],
    ]),
  );
}

/** What the webhook alone asks and writes (its boards note how far it has confirmed, and are woken for it: a little more). */
export const hookOf = (counters: Counters): Counters =>
  Object.fromEntries(Object.entries(counters).filter(([name]) => name.startsWith('hook ')));

/** What a user costs a month, US$. */
export const dollarsAUser = (played: Played): number => priceOf(monthOf(played)) / played.layout.users;

function scaled({ layout, kinds }: Played, of: (totals: { day: Counters; quiet: Counters }) => Counters): Counters {
  return added([...kinds].map(([kind, totals]) => [of(totals), usersOf(layout.sites, kind) / totals.users] as const));
}

const usersOf = (sites: Played['layout']['sites'], kind: Kind): number =>
  sites.reduce((total, site) => total + (site.kind === kind ? site.users : 0), 0);

const HOOKED = /^(hook |board alarms )/;
/** Of the boards' counters, their alarms are for the webhook alone, and one row for each time that it was told. */
function withoutHook(counters: Counters): Counters {
  const rest = Object.fromEntries(Object.entries(counters).filter(([name]) => !HOOKED.test(name)));
  return { ...rest, 'board rows written': (counters['board rows written'] ?? 0) - (counters['hook requests'] ?? 0) };
}

/** What a month costs, US$, by what it is asked for. */
export function bill(played: Played): { readonly what: string; readonly amount: number; readonly dollars: number }[] {
  const month = monthOf(played);
  const alarms = sum(month, 'alarms set');
  const line = (what: string, amount: number, price: number) => ({ what, amount, dollars: amount * price });
  const rows = (name: string) => month[`${name} rows written`] ?? 0;
  return [
    line('rows written by users', rows('user'), PRICE.rowWritten),
    line('rows written by boards', rows('board'), PRICE.rowWritten),
    line('alarms set by users', month['user alarms set'] ?? 0, PRICE.rowWritten),
    line('alarms set by sites (how they are found to be lost)', month['site alarms set'] ?? 0, PRICE.rowWritten),
    line('other rows written', rowsWritten(month) - rows('user') - rows('board') - alarms, PRICE.rowWritten),
    line('requests to the Worker', month['worker requests'] ?? 0, PRICE.request),
    line('requests to objects, alarms that go off', objectRequests(month), PRICE.objectRequest),
    line('rows read', sum(month, 'rows read'), PRICE.rowRead),
  ];
}

/** What list servers cost a month that are awake so many hours of it, US$. */
export const listServers = (count: number, hours: number): number => count * hours * 3600 * 0.128 * PRICE.gigabyteSecond;

/** What the bench counted of a call (docs/cost.md), and what the simulator makes of the same calls at the same time. */
export interface Compared {
  readonly what: string;
  readonly counted: number;
  readonly simulated: number;
}

const PAIRS = 20;
/** Until the alarms that a call sets have gone off, as `npm run bench -- --only cost-alone` waits, ms. */
const ALARMS_OVER = 330_000;

/** The bench's own calls (`npm run bench -- --only cost`): twenty pairs at once, both sides at one site; ringing 300 ms, talking 500 ms. */
export function compareWithBench(): Compared[] {
  const from = Date.UTC(2026, 10, 24);
  const span = { from, to: from + ALARMS_OVER };
  const domain = new Domain('large.example', 4, span.from, span.to, false);
  const calls = Array.from({ length: PAIRS }, (_, n): PlannedCall => {
    return { at: 1000, caller: 2 * n, callee: 2 * n + 1, end: 'answered', rings: 300, talks: 500, reacts: 2 };
  });
  const plan = { name: 's', domain: domain.name, kind: 'large', users: 2 * PAIRS, wholeDay: true } as const;
  const { counters } = playSite(plan, 4, domain, span, 1, calls);
  const a = (name: string) => (counters[name] ?? 0) / PAIRS;
  return [
    { what: 'updates', counted: counted('updates'), simulated: a('updates') },
    { what: 'rows written by users', counted: counted('rows written by users'), simulated: a('user rows written') },
    { what: 'rows written by boards', counted: counted('rows written by boards and sites'), simulated: a('board rows written') },
    { what: "requests to users' objects", counted: counted("requests to users' objects"), simulated: a('user requests') },
    { what: 'alarms set by users', counted: counted('alarms set by users'), simulated: a('user alarms set') },
    { what: 'alarms of users that go off', counted: counted('alarms of users that go off'), simulated: a('user alarms fired') },
  ];
}

const COST = join(import.meta.dirname, '../../docs/cost.md');

/** The last number of that line of docs/cost.md: a call, both sides. */
function counted(what: string): number {
  const line = readFileSync(COST, 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`| ${what} |`));
  const value = Number(line?.split('|').at(-2));
  if (!Number.isFinite(value)) throw new Error(`docs/cost.md does not tell of ${what}`);
  return value;
}
