import type { OutboxLimits, SendFailure } from './types.ts';

/** Exponential backoff with jitter: between half of and the whole `min * 2^(attempt - 1)`, at most `max`. `attempt` counts from 1; ms. */
export function backoff(attempt: number, min: number, max: number, chance: number): number {
  const full = Math.min(max, min * 2 ** Math.min(attempt - 1, 40));
  return Math.round(full / 2 + (full / 2) * chance);
}

/** How long to wait after a failed request, ms. */
export function pauseAfter(failure: SendFailure, attempt: number, limits: OutboxLimits, chance: number): number {
  const pause = backoff(attempt, limits.backoffMin, limits.backoffMax, chance);
  // RFC 9110 10.2.3: Retry-After says how long to wait at least; a little jitter keeps many shims from coming back at once.
  if (failure.retryAfter !== undefined) {
    return Math.min(Math.max(0, failure.retryAfter), limits.retryAfterMax) + Math.round(limits.backoffMin * chance);
  }
  if (failure.reason === 'unauthorized' || failure.reason === 'misdirected') return Math.max(pause, limits.backoffRefused);
  return pause;
}
