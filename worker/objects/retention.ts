import type { Env } from '../env.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { wholeNumber } from './variable.ts';

const DAY = 24 * 3_600_000;

/** What is kept of a user's history: the newest `entries`, and none older than `age` ms. */
export interface Retention {
  readonly entries: number;
  readonly age: number;
}

/**
 * The retention by the variables HISTORY_ENTRIES (1 to 10,000, default 200) and HISTORY_AGE (days, 1 to 3,650, default 30); what is no such
 * number is the default.
 */
export function retentionOf({ HISTORY_ENTRIES, HISTORY_AGE }: Pick<Env, 'HISTORY_ENTRIES' | 'HISTORY_AGE'>): Retention {
  const { historyDefault, historyMax, historyDays, historyDaysMax } = OBJECT_LIMITS;
  return {
    entries: wholeNumber(HISTORY_ENTRIES, historyMax, historyDefault),
    age: wholeNumber(HISTORY_AGE, historyDaysMax, historyDays) * DAY,
  };
}
