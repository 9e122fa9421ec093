/** Groups of rows, in the order in which they are measured. */
export const GROUPS = ['cpu', 'highest', 'lag', 'registers', 'memory', 'written', 'restart', 'race', 'wrong'] as const;
export type Group = (typeof GROUPS)[number];

/** How much is measured. Rates in calls or REGISTERs a second, times in s. */
export interface Plan {
  readonly users: number;
  /** Shared memory of the peer, MiB: at high rates finished transactions fill much of it. */
  readonly shared: number;
  /** Series of rising rates, each on a server started for it; the median is told, of two the lower. */
  readonly series: number;
  /** Calls a second, rising, without presence and with it; a series stops at the first that fails. */
  readonly ladder: { readonly alone: readonly number[]; readonly presence: readonly number[] };
  /** How long each rate is kept up. */
  readonly step: number;
  /** How long the lag is measured without load, and with it. */
  readonly lag: number;
  readonly registers: { readonly users: number; readonly ladder: readonly number[] };
  readonly memory: { readonly bindings: number; readonly dialogs: number };
  /** Calls by which writing is counted. */
  readonly written: number;
  /** Rates of the calls whose 180 comes at once, and how long each is kept up. */
  readonly race: { readonly rates: readonly number[]; readonly seconds: number };
}

/** The rates at which the processor time of both is compared, calls/s. */
export const COMPARED = [200, 800] as const;

export const FULL: Plan = {
  users: 10_000,
  shared: 6144,
  series: 2,
  ladder: {
    alone: [200, 500, 800, 1200, 1600, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 10_000],
    presence: [200, 500, 800, 1000, 1200, 1400, 1600, 1800, 2000, 2200, 2400, 2700, 3000],
  },
  step: 10,
  lag: 25,
  registers: { users: 30_000, ladder: [1000, 2000, 3000, 4000, 6000, 8000, 12_000, 16_000, 20_000] },
  memory: { bindings: 10_000, dialogs: 1000 },
  written: 500,
  race: { rates: [50, 300, 600], seconds: 12 },
};

export const QUICK: Plan = {
  users: 2400,
  shared: 3072,
  series: 1,
  ladder: { alone: [200, 800, 1500, 2500, 4000, 8000], presence: [200, 500, 800, 1000, 1400, 1800, 2200] },
  step: 3,
  lag: 8,
  registers: { users: 15_000, ladder: [2000, 4000, 8000, 12_000, 16_000, 20_000] },
  memory: { bindings: 4000, dialogs: 400 },
  written: 100,
  race: { rates: [300], seconds: 8 },
};

/** The groups named, in their order; `unknown` are words that name none. All where nothing is named. */
export function groupsOf(words: readonly string[]): { readonly groups: readonly Group[]; readonly unknown: readonly string[] } {
  const named = words.flatMap((word) => word.split(',')).filter((word) => word !== '');
  const unknown = named.filter((word) => !GROUPS.some((group) => group === word));
  return { groups: named.length === 0 ? GROUPS : GROUPS.filter((group) => named.includes(group)), unknown };
}
