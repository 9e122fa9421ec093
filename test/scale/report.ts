import { type Counters, priceOf, rowsWritten, sum } from '../bench/price.ts';
import { chart } from './chart.ts';
import { type Played, SPAN } from './deployment.ts';
import {
  bill,
  type Compared,
  DAYS,
  dayOf,
  dollarsAUser,
  hookOf,
  listServers,
  monthOf,
  OBJECT_RATE,
  quietOf,
  SAME,
} from './figures.ts';
import { added } from './tally.ts';

/** The largest domain in its busy hour with another number of boards. */
export interface OtherShards {
  readonly shards: number;
  readonly board: number;
}

export interface Findings {
  /** From the smallest deployment to the largest. */
  readonly played: readonly Played[];
  readonly shards: readonly OtherShards[];
  readonly bench: readonly Compared[];
  readonly command: string;
}

/** Hours a month that somebody watches a domain: ten of each working day. */
const WATCHED_HOURS = 10 * DAYS.working;
/** docs/watching.md: "Take one for each 25,000". */
const LIST_SERVER_FRAMES = 25_000;
/** What the simulator counts of a call may differ by so much from what was counted. */
const BENCH_SAME = 0.1;

/** What does not hold; none where all does. */
export function problems({ played, bench }: Findings): string[] {
  const found = played.flatMap(({ layout, peaks, wrong }) => {
    const objects = { board: peaks.board, user: peaks.user, site: peaks.site, webhook: peaks.hook, 'list server': peaks.changes };
    return [
      ...wrong,
      ...Object.entries(objects).flatMap(([name, most]) =>
        most < OBJECT_RATE ? [] : [`${count(layout.users)} users: a ${name} is asked ${most} times in a second`],
      ),
    ];
  });
  const [first, last] = [played[0], played.at(-1)];
  if (first && last && dollarsAUser(last) > dollarsAUser(first) * (1 + SAME))
    found.push('the cost of a user grows with their number');
  for (const { what, counted, simulated } of bench) {
    if (Math.abs(simulated / counted - 1) > BENCH_SAME) found.push(`a call: ${what}: ${simulated}, counted ${counted}`);
  }
  return found;
}

/** The tables of docs/scale.md. */
export function tables(findings: Findings): string {
  const { played, command } = findings;
  return [
    `Made by \`${command}\`.`,
    '### What was played',
    table(['', ...played.map(({ layout }) => `${count(layout.users)} users`)], shapes(played)),
    '### What a user costs a working day',
    table(['A user, a working day', ...played.map(({ layout }) => count(layout.users))], perUser(played)),
    '### The busiest object of each class, what it is asked and sends in its busiest second',
    table(['', ...played.map(({ layout }) => count(layout.users)), 'limit'], busiest(played)),
    'The large domain alone, in its busy hour, with other numbers of boards:',
    table(
      ['BOARD_SHARDS', 'busiest board, requests in its busiest second'],
      findings.shards.map(({ shards, board }) => [String(shards), String(board)]),
    ),
    `### What ${count(played.at(-1)?.layout.users ?? 0)} users cost a month`,
    table(['', 'a month', 'US$'], monthly(played.at(-1) as Played)),
    '### Held against what was counted',
    table(
      ['A call, both sides, twenty at once', 'counted (cost.md)', 'simulated'],
      findings.bench.map(({ what, counted, simulated }) => [what, String(counted), fixed(simulated, 1)]),
    ),
  ].join('\n\n');
}

export function picture({ played }: Findings): string {
  const last = played.at(-1) as Played;
  const users = count(last.layout.users);
  return chart([
    { title: `Requests a second of all sites to the Worker, ${users} users (hour of the day)`, values: last.curves.worker },
    {
      title: `Busiest board of a domain of ${count(last.layout.largest)} users: requests in the busiest second of each ${SPAN / 60} minutes`,
      values: last.curves.board,
      limit: { at: OBJECT_RATE, text: `${OBJECT_RATE}: what a board is to be asked at most` },
    },
    {
      title: 'US$ a month for 1,000 users, by the users of the deployment',
      bars: played.map((one) => ({ name: count(one.layout.users), value: Number((1000 * dollarsAUser(one)).toFixed(2)) })),
    },
  ]);
}

function shapes(played: readonly Played[]): string[][] {
  const row = (name: string, of: (one: Played) => string) => [name, ...played.map(of)];
  const playedWhole = ({ layout }: Played) => layout.sites.filter(({ wholeDay }) => wholeDay).length;
  return [
    row('sites', ({ layout }) => count(layout.sites.length)),
    row('domains', ({ layout }) => count(new Set(layout.sites.map(({ domain }) => domain)).size)),
    row('users of the largest domain', ({ layout }) => count(layout.largest)),
    row('BOARD_SHARDS by the rule', ({ layout }) => String(layout.shards)),
    row('sites played from midnight to midnight', (one) => count(playedWhole(one))),
    row('sites played in the busy hour alone', (one) => count(one.layout.sites.length - playedWhole(one))),
    row('calls a day', (one) => count(dayOf(one).calls ?? 0)),
    row('updates a day', (one) => count(dayOf(one).updates ?? 0)),
  ];
}

function perUser(played: readonly Played[]): string[][] {
  const row = (name: string, of: (day: Counters) => number, digits = 2) => [
    name,
    ...played.map((one) => fixed(of(dayOf(one)) / one.layout.users, digits)),
  ];
  const requests = (name: string) => row(`requests to ${name}`, (day) => day[`${name} requests`] ?? 0);
  return [
    row('updates', (day) => day.updates ?? 0),
    row('registrations refreshed (nothing of it goes to the Worker)', (day) => day.refreshes ?? 0),
    requests('worker'),
    requests('user'),
    requests('board'),
    requests('site'),
    row('rows written by users', (day) => day['user rows written'] ?? 0),
    row('rows written by boards, the webhook left out', (day) => (day['board rows written'] ?? 0) - (day['hook requests'] ?? 0)),
    row('alarms set by users', (day) => day['user alarms set'] ?? 0),
    row('alarms set by sites', (day) => day['site alarms set'] ?? 0),
    row('changes shown', (day) => day.changes ?? 0),
    row('frames to ten colleagues each', (day) => day['frames to colleagues'] ?? 0, 1),
    ['**US$ a month for 1,000 users**', ...played.map((one) => `**${fixed(1000 * dollarsAUser(one), 2)}**`)],
  ].map((cells) =>
    cells.map((cell) =>
      cell
        .replace('requests to worker', 'requests to the Worker')
        .replace(/requests to (user|board|site)$/, 'requests to $1 objects'),
    ),
  );
}

function busiest(played: readonly Played[]): string[][] {
  const row = (name: string, of: (one: Played) => number, limit = String(OBJECT_RATE)) => [
    name,
    ...played.map((one) => count(of(one))),
    limit,
  ];
  return [
    row('requests to a user', ({ peaks }) => peaks.user),
    row('requests to a board', ({ peaks }) => peaks.board),
    row('requests to a site', ({ peaks }) => peaks.site),
    row('requests to the webhook of the large domain, at most', ({ peaks }) => peaks.hook),
    row('changes told to a list server of the large domain', ({ peaks }) => peaks.changes),
    row('frames that a board sends, each change to ten colleagues', ({ peaks }) => peaks.frames, ''),
    row(
      `frames that list servers of the large domain send, to a wallboard at each of its sites`,
      ({ peaks, layout }) => peaks.changes * layout.sites.filter(({ kind }) => kind === 'large').length,
      `${count(LIST_SERVER_FRAMES)} for each list server`,
    ),
    row('(all sites to the Worker, which is no object)', ({ peaks }) => peaks.worker, ''),
    row('(reads of revoked tokens, were each site served by an isolate of its own)', ({ peaks }) => peaks.access, 'see below'),
  ];
}

function monthly(played: Played): string[][] {
  const month = monthOf(played);
  const domains = new Set(played.layout.sites.map(({ domain }) => domain)).size;
  const hook = added([
    [hookOf(dayOf(played)), DAYS.working],
    [hookOf(quietOf(played)), DAYS.quiet],
  ]);
  return [
    ...bill(played).map(({ what, amount, dollars }) => [what, millions(amount), count(dollars)]),
    [
      '**all of it**',
      `${millions(rowsWritten(month))} rows, ${millions(sum(month, ' requests'))} requests`,
      `**${count(priceOf(month))}**`,
    ],
    [
      'besides: a webhook for every change of the large domain',
      `${millions(hook['hook rows written'] ?? 0)} rows`,
      count(priceOf(hook)),
    ],
    [
      'besides: list servers, were each domain watched ten hours a working day',
      `${count(domains)} awake`,
      count(listServers(domains, WATCHED_HOURS)),
    ],
    ['besides: of these, that of the large domain', '', fixed(listServers(1, WATCHED_HOURS), 2)],
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const millions = (value: number): string => `${(value / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })} million`;
const fixed = (value: number, digits: number): string => value.toFixed(digits);
