import { below, type Chance } from '../support/mutate.ts';

/** Calls that a user takes part in a day, and the part of those that are with another user of the same site. */
export const CALLS_A_DAY = 4;
const INSIDE = 0.5;

/**
 * Of a day's calls so much begins in each hour (thousandths): an office day with the busy hour from 10 to 11, a sixth of the day. All sites have
 * it at the same time: no time zones spread it.
 */
const HOURS = [2, 1, 1, 1, 1, 2, 6, 25, 70, 118, 167, 120, 70, 90, 120, 90, 60, 30, 11, 6, 4, 3, 1, 1];
export const BUSY_HOUR = 10;
const ALL = HOURS.reduce((sum, part) => sum + part, 0);
export const BUSY_PART = (HOURS[BUSY_HOUR] ?? 0) / ALL;
/** So much of each hour's calls begins in its first minute: meetings, opening times: twice as many as in any other minute. */
const ON_THE_HOUR = 0.02;

/** How calls go; ms. */
const ANSWERED = 0.75;
const ABANDONED = 0.15;
const RINGS = [3_000, 20_000] as const;
const TALKS_MEAN = 150_000;
const TALKS_MOST = 3_600_000;
const REACTS = 60;

/** Telephones that are switched on in the morning and off in the evening (softphones); the others are registered day and night. */
const COME_AND_GO = 0.3;
const HOUR = 3_600_000;

/** One call as it will go. Times in ms; users by their numbers in the site. */
export interface PlannedCall {
  readonly at: number;
  /** Undefined: somebody who is not of this site. */
  readonly caller: number | undefined;
  readonly callee: number | undefined;
  readonly end: 'answered' | 'abandoned' | 'refused';
  readonly rings: number;
  readonly talks: number;
  /** From the INVITE to the 180, from the 200 to its ACK, from the BYE to its 200. */
  readonly reacts: number;
}

/** The calls of a site with so many users from one time of its day to another (ms since midnight), in their order. */
export function callsOf(users: number, from: number, to: number, chance: Chance): PlannedCall[] {
  const inside = (users * CALLS_A_DAY * INSIDE) / 2;
  const outside = users * CALLS_A_DAY * (1 - INSIDE);
  const calls: PlannedCall[] = [];
  HOURS.forEach((part, hour) => {
    const mean = ((inside + outside) * part) / ALL;
    // The whole part, and the rest by chance.
    const count = Math.floor(mean) + (chance() < mean % 1 ? 1 : 0);
    for (let n = 0; n < count; n++) {
      const at = hour * HOUR + chance() * (chance() < ON_THE_HOUR ? 60_000 : HOUR);
      const call = planned(Math.floor(at), users, inside / (inside + outside), chance);
      if (at >= from && at < to) calls.push(call);
    }
  });
  return calls.sort((a, b) => a.at - b.at);
}

function planned(at: number, users: number, inside: number, chance: Chance): PlannedCall {
  const one = below(chance, users);
  const other = (one + 1 + below(chance, users - 1)) % users;
  const way = chance();
  const [caller, callee] = way < inside ? [one, other] : way < (1 + inside) / 2 ? [one, undefined] : [undefined, one];
  const fate = chance();
  return {
    ...{ at, caller, callee, reacts: REACTS },
    end: fate < ANSWERED ? 'answered' : fate < ANSWERED + ABANDONED ? 'abandoned' : 'refused',
    rings: Math.floor(RINGS[0] + chance() * (RINGS[1] - RINGS[0])),
    talks: Math.floor(Math.min(TALKS_MOST, -Math.log(1 - chance()) * TALKS_MEAN)),
  };
}

/** When a user's telephone is registered, ms since midnight; undefined where it always is. */
export function presentFrom(chance: Chance): { readonly on: number; readonly off: number } | undefined {
  if (chance() >= COME_AND_GO) return undefined;
  return { on: Math.floor((7.5 + 1.5 * chance()) * HOUR), off: Math.floor((17 + 2 * chance()) * HOUR) };
}
