import { HOOK_LIMITS } from './limits.ts';

/**
 * How long an event waits after its nth failure (from 1), ms: doubling from the first wait to the last, of which chance (0 to 1) takes up to a
 * half away, so that what failed together does not come again together.
 */
export function retryWait(failures: number, chance: number): number {
  const { retryMin, retryMax } = HOOK_LIMITS;
  const full = Math.min(retryMax, retryMin * 2 ** Math.min(failures - 1, 30));
  return Math.round(full / 2 + (full / 2) * chance);
}

/** The wait that a Retry-After header asks for, ms (RFC 9110 10.2.3); undefined where it says nothing that can be understood. `now`: ms since 1970. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
