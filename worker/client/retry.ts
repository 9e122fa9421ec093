/** How often, and for how long, a reading request is tried that is answered "not now" (429, 503). */
export interface RetryPolicy {
  /** Attempts in all; 1 for no retry. */
  readonly attempts: number;
  /** Where the Worker asks to wait for longer than this, ms, the problem is thrown at once. */
  readonly longest: number;
}

export const RETRY: RetryPolicy = { attempts: 4, longest: 10_000 };

/** The first wait where the Worker names none, ms; it doubles. */
const WAIT = 1_000;

/** First and longest pause before a watch connects again, ms. */
const PAUSE_MIN = 500;
const PAUSE_MAX = 30_000;

/**
 * How long to wait before attempt `made + 1`, ms; undefined where there is none. What Retry-After names is never cut short: chance (0 to 1) adds up to a
 * quarter to it, and takes up to half from a wait of our own, so that many who were refused together do not come back together.
 */
export function retryWait(
  { status, kind, retryAfter }: { readonly status: number; readonly kind: string; readonly retryAfter: number | undefined },
  made: number,
  policy: RetryPolicy,
  chance: number,
): number | undefined {
  // Without a secret the Worker answers nothing until somebody sets one.
  if ((status !== 429 && status !== 503) || kind === 'no-secret' || made >= policy.attempts) return undefined;
  const wait = retryAfter === undefined ? WAIT * 2 ** (made - 1) * (1 - chance / 2) : retryAfter * 1000 * (1 + chance / 4);
  return (retryAfter ?? 0) * 1000 > policy.longest ? undefined : Math.round(wait);
}

/** The pause before attempt `attempt` (from 1) to connect a watch again, ms: 0.5 s doubling to 30 s, of which chance (0 to 1) takes up to half. */
export function retryPause(attempt: number, chance: number): number {
  const whole = Math.min(PAUSE_MAX, PAUSE_MIN * 2 ** Math.min(attempt - 1, 10));
  return Math.round(whole * (1 - chance / 2));
}
