import type { Message } from '../sip/index.ts';
import type { Refusal } from './refusal.ts';

/** A final response in a response context: one that came, or one that is made here in its place. */
export type Final =
  | { readonly status: number; readonly message: Message }
  | { readonly status: number; readonly refusal: Refusal };

/**
 * RFC 3261 16.7 step 6: "the proxy MAY choose any response from those in the chosen class but SHOULD give preference to responses that
 * provide information affecting resubmission of this request, such as 401, 407, 415, 420, and 484 if the 4xx class is chosen."
 */
const RESUBMISSION: ReadonlySet<number> = new Set([401, 407, 415, 420, 484]);

/** Those that say nothing of the user: nobody answered, nobody was there, the request was cancelled. */
const SILENT: ReadonlySet<number> = new Set([408, 480, 487]);

/**
 * How good a final response other than 2xx is, the lowest the best. RFC 3261 16.7 step 6: "It MUST choose from the 6xx class responses if
 * any exist in the context. If no 6xx class responses are present, the proxy SHOULD choose from the lowest response class stored in the
 * response context." Within a class what tells the caller more comes first; to a caller who has given up that is the 487.
 */
export function rank(status: number, cancelled = false): number {
  if (status >= 600) return 0;
  if (cancelled && status === 487) return 1;
  const kind = Math.floor(status / 100) * 10;
  if (status < 400 || status >= 500) return kind + (status === 503 ? 5 : 0);
  return kind + (RESUBMISSION.has(status) ? 0 : SILENT.has(status) ? 2 : 1);
}

/** The better of two, the earlier where they are equal. */
export function better(earlier: Final | undefined, later: Final, cancelled = false): Final {
  return earlier === undefined || rank(later.status, cancelled) < rank(earlier.status, cancelled) ? later : earlier;
}
