import { readSettings, SHIM_SETTINGS, showProblems } from '../../shim/config.ts';
import type { PresenceSettings } from '../../shim/core/element/presence.ts';
import { ALONE, Placing } from '../../shim/core/placing/placing.ts';
import { elementSettings } from '../../shim/element-settings.ts';
import type { Counters } from '../bench/price.ts';
import { seeded } from '../support/mutate.ts';
import { Domain } from './domain.ts';
import { Front } from './front.ts';
import { BUSY_HOUR, callsOf, type PlannedCall, presentFrom } from './habits.ts';
import type { Kind, Layout, SitePlan } from './layout.ts';
import { Site } from './site.ts';
import { added, Seconds, Tally } from './tally.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIDNIGHT = Date.UTC(2026, 10, 24);
/** Sites have started so long before what is counted begins, by chance in between: so that what they do by the hour is spread. */
const STARTED = [15 * 60_000, 75 * 60_000] as const;
/** Spans of the curves of a day, s. */
export const SPAN = 300;

/** What sites of one kind came to, those of them that were played for the whole day. */
export interface KindTotals {
  readonly users: number;
  readonly day: Counters;
  /** A day without calls, for as many users. */
  readonly quiet: Counters;
}

/** The most that one object of a class is asked in a second. */
export interface Peaks {
  board: number;
  user: number;
  site: number;
  /** The webhook of the large domain, and the changes that its list servers pass on. */
  hook: number;
  changes: number;
  /** Frames that a board of the large domain sends to those who watch its users by name. */
  frames: number;
  /** Requests of all sites to the Worker, and reads of revoked tokens where each site has an isolate of its own, in the busy hour. */
  worker: number;
  access: number;
}

export interface Played {
  readonly layout: Layout;
  readonly kinds: ReadonlyMap<Kind, KindTotals>;
  readonly peaks: Peaks;
  /** By spans of a day: the busiest board of the large domain in its busiest second, and requests a second of all sites to the Worker. */
  readonly curves: { readonly board: readonly number[]; readonly worker: readonly number[] };
  /** What must not be: users who are not idle in the end, updates that were refused, sites out of touch. */
  readonly wrong: readonly string[];
}

/** Plays all sites, one after another: nothing of a site but what its domain's objects were asked outlives it. */
export function playDeployment(layout: Layout, seed: number, say: (text: string) => void = () => {}): Played {
  const kinds = new Map<Kind, { users: number; tallies: Counters[]; quiet: Counters }>();
  const peaks: Peaks = { board: 0, user: 0, site: 0, hook: 0, changes: 0, frames: 0, worker: 0, access: 0 };
  const busy = { from: MIDNIGHT + BUSY_HOUR * HOUR, to: MIDNIGHT + (BUSY_HOUR + 1) * HOUR };
  const total = { worker: new Seconds(busy.from, busy.to), access: new Seconds(busy.from, busy.to) };
  const curve = { board: [] as number[], worker: new Array<number>((24 * 3600) / SPAN).fill(0) };
  const wrong: string[] = [];
  let domain: Domain | undefined;
  const end = () => {
    if (domain === undefined) return;
    peaks.board = Math.max(peaks.board, domain.busiest);
    if (!domain.name.startsWith('large')) return;
    peaks.hook = domain.hook?.most ?? 0;
    peaks.changes = domain.changes.most;
    peaks.frames = domain.frames;
    curve.board = domain.peaks(SPAN);
  };
  layout.sites.forEach((plan, n) => {
    const span = plan.wholeDay ? { from: MIDNIGHT, to: MIDNIGHT + DAY } : busy;
    if (domain?.name !== plan.domain) {
      end();
      domain = new Domain(plan.domain, layout.shards, span.from, span.to, plan.kind === 'large');
    }
    const played = playSite(plan, layout.shards, domain, span, seed * 100_003 + n);
    peaks.user = Math.max(peaks.user, played.user);
    peaks.site = Math.max(peaks.site, played.site);
    wrong.push(...played.wrong);
    for (const at of played.requests) total.worker.add(at);
    for (const at of played.reads) total.access.add(at);
    if (plan.wholeDay) {
      const kind = kinds.get(plan.kind) ?? { users: 0, tallies: [], quiet: quietDay(plan, layout.shards, seed) };
      kinds.set(plan.kind, kind);
      kind.users += plan.users;
      kind.tallies.push(played.counters);
      const weight = usersOf(layout, plan.kind, () => true) / usersOf(layout, plan.kind, ({ wholeDay }) => wholeDay) / SPAN;
      for (const at of played.requests) {
        const span = Math.floor((at - MIDNIGHT) / 1000 / SPAN);
        if (span >= 0 && span < curve.worker.length) curve.worker[span] = (curve.worker[span] ?? 0) + weight;
      }
    }
    if ((n + 1) % 100 === 0) say(`${n + 1} of ${layout.sites.length} sites`);
  });
  end();
  peaks.worker = total.worker.most;
  peaks.access = total.access.most;
  const totals = [...kinds].map(([kind, { users, tallies, quiet }]): [Kind, KindTotals] => {
    const times = tallies.length;
    return [kind, { users, day: added(tallies.map((one) => [one, 1])), quiet: added([[quiet, times]]) }];
  });
  return { layout, kinds: new Map(totals), peaks, curves: curve, wrong };
}

const usersOf = (layout: Layout, kind: Kind, which: (plan: SitePlan) => boolean): number =>
  layout.sites.reduce((sum, plan) => sum + (plan.kind === kind && which(plan) ? plan.users : 0), 0);

/** What a site of that kind costs on a day without calls and without anybody who comes or goes. */
function quietDay(plan: SitePlan, shards: number, seed: number): Counters {
  const span = { from: MIDNIGHT, to: MIDNIGHT + DAY };
  const domain = new Domain(plan.domain, shards, span.from, span.to, false);
  return playSite(plan, shards, domain, span, seed, []).counters;
}

interface PlayedSite {
  readonly counters: Counters;
  readonly user: number;
  readonly site: number;
  /** When requests came to the Worker, and reads of revoked tokens to the access object, ms. */
  readonly requests: readonly number[];
  readonly reads: readonly number[];
  readonly wrong: readonly string[];
}

/** Plays one site. `calls`: as given, instead of those of a working day. */
export function playSite(
  plan: SitePlan,
  shards: number,
  domain: Domain,
  span: { readonly from: number; readonly to: number },
  seed: number,
  calls?: readonly PlannedCall[],
): PlayedSite {
  const chance = seeded(seed);
  const tally = new Tally(span.from);
  const front = new Front(plan.name, domain, shards, tally, chance);
  const start = Math.floor(span.from - STARTED[0] - chance() * (STARTED[1] - STARTED[0]));
  const presence = presenceSettings(plan.name, start, chance);
  const settings = { name: plan.name, domain: plan.domain, presence, placing: new Placing(ALONE, undefined, [plan.domain]) };
  const site = new Site(settings, front, chance, span.from);
  site.play(start);
  for (let user = 0; user < plan.users; user++) {
    const hours = calls === undefined ? presentFrom(chance) : undefined;
    const offset = Math.floor((chance() * HOUR) / 2);
    const on = hours === undefined ? start : Math.max(start, MIDNIGHT + hours.on);
    site.at(on, () => site.register(user, offset));
    if (hours !== undefined) site.at(MIDNIGHT + hours.off, () => site.unregister(user));
  }
  for (const call of calls ?? callsOf(plan.users, span.from - MIDNIGHT, span.to - MIDNIGHT, chance)) {
    site.at(MIDNIGHT + call.at, () => site.call(call));
  }
  site.play(span.to);
  tally.count('calls', span.to - 1, site.totals.calls);
  tally.count('refreshes', span.to - 1, site.totals.refreshes);
  const counters = { ...tally.counters };
  // What is under way at the end comes to its end, uncounted.
  site.play(span.to + 2 * HOUR);
  const { user, site: busiest } = { user: tally.user.most, site: tally.site.most };
  return { counters, user, site: busiest, requests: tally.requests, reads: tally.reads, wrong: wrongOf(plan.name, site, front) };
}

function wrongOf(name: string, site: Site, front: Front): string[] {
  const { counters, pending } = site.presence.outbox;
  const bad = (['stale', 'gap', 'rejected', 'retried', 'overflow', 'failures', 'coalesced'] as const).filter(
    (name) => counters[name] > 0,
  );
  return [
    ...bad.map((what) => `${name}: outbox counts ${what}`),
    ...(pending > 0 ? [`${name}: ${pending} updates wait in the end`] : []),
    ...(front.site.inTouch ? [] : [`${name}: out of touch in the end`]),
    ...[...front.users.values()].flatMap(({ name: user, record }) =>
      record.sites.some(({ calls }) => calls.length > 0) || (record.status !== 'available' && record.status !== 'offline')
        ? [`${user}: ${record.status} in the end`]
        : [],
    ),
  ];
}

const SETTINGS = (() => {
  const read = readSettings(
    SHIM_SETTINGS,
    ['--domains=large.example', '--worker-url=https://offhook.example', '--no-persistence'],
    {
      OFFHOOK_TOKEN: 'e30.e30.e30',
    },
  );
  if (!read.ok) throw new Error(showProblems(read.problems));
  return read.settings;
})();

/** As the product has them by default, but that no call is asked whether it lives: those who answer would have to be played too. */
function presenceSettings(site: string, epoch: number, chance: () => number): PresenceSettings {
  const { presence } = elementSettings({ ...SETTINGS, site, probeInterval: 0 }, { epoch, chance, compares: true });
  return presence;
}
