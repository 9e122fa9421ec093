/** Groups of rows, in the order in which they are measured. */
export const GROUPS = ['cpu', 'highest', 'lag', 'registers', 'memory', 'written', 'restart', 'race', 'wrong'] as const;
export type Group = (typeof GROUPS)[number];

/** How much is measured. Rates in calls or REGISTERs a second, times in s. */
export interface Plan {
  /** Callers and callees. No more than the Worker may have files open for: all of them are read at once, three files each. */
  readonly users: number;
  /** Shared memory of the peer, MiB: at high rates finished transactions fill much of it. */
  readonly shared: number;
  /** How often each rate is kept up whose processor time is compared, in turn, and for how long each time. */
  readonly cpu: { readonly rounds: number; readonly seconds: number };
  /** How long a rate is kept up to find where to look, and how long to call it clean. */
  readonly step: { readonly brief: number; readonly long: number };
  /** How often the lag is measured without load, in turn, and for how long each time; and how long with load. */
  readonly lag: { readonly rounds: number; readonly calm: number; readonly busy: number };
  /** Refreshes: of how many users, and how long each rate is kept up. */
  readonly registers: { readonly users: number; readonly step: number };
  readonly memory: { readonly bindings: number; readonly dialogs: number };
  /** Calls by which writing is counted. */
  readonly written: number;
  /** Rate of the calls whose 180 comes at once, and how long it is kept up. */
  readonly race: { readonly rate: number; readonly seconds: number };
}

/** The rates at which the processor time of both is compared, calls/s. */
export const COMPARED = [200, 800] as const;

/** Rates that are tried, 1/s: twenty to a decade, 12 % apart (the preferred numbers R20 of ISO 3). */
export const LADDER: readonly number[] = [
  ...[200, 225, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900, 1000, 1120, 1250, 1400, 1600, 1800],
  ...[2000, 2250, 2500, 2800, 3150, 3550, 4000, 4500, 5000, 5600, 6300, 7100, 8000, 9000, 10_000],
  ...[11_200, 12_500, 14_000, 16_000, 18_000, 20_000],
];

/** What is tried at most, 1/s. */
export const TOP = { calls: 10_000, registers: 20_000 } as const;

export const FULL: Plan = {
  users: 2400,
  shared: 4096,
  cpu: { rounds: 3, seconds: 8 },
  step: { brief: 3, long: 8 },
  lag: { rounds: 3, calm: 15, busy: 15 },
  registers: { users: 20_000, step: 3 },
  memory: { bindings: 10_000, dialogs: 1000 },
  written: 500,
  race: { rate: 300, seconds: 38 },
};

export const QUICK: Plan = {
  users: 2400,
  shared: 3072,
  cpu: { rounds: 1, seconds: 4 },
  step: { brief: 2, long: 5 },
  lag: { rounds: 1, calm: 10, busy: 8 },
  registers: { users: 15_000, step: 2 },
  memory: { bindings: 4000, dialogs: 400 },
  written: 100,
  race: { rate: 300, seconds: 8 },
};

/** The groups named, in their order; `unknown` are words that name none. All where nothing is named. */
export function groupsOf(words: readonly string[]): { readonly groups: readonly Group[]; readonly unknown: readonly string[] } {
  const named = words.flatMap((word) => word.split(',')).filter((word) => word !== '');
  const unknown = named.filter((word) => !GROUPS.some((group) => group === word));
  return { groups: named.length === 0 ? GROUPS : GROUPS.filter((group) => named.includes(group)), unknown };
}
