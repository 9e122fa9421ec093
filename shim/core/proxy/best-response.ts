import { type HeaderField, headers, type Message } from '../sip/index.ts';
import type { Refusal } from './refusal.ts';

/** A final response in a response context: one that came, or one that is made here in its place. */
export type Final =
  | { readonly status: number; readonly message: Message }
  | { readonly status: number; readonly refusal: Refusal };

/**
 * RFC 3261 16.7 step 6: "The proxy SHOULD give preference to responses that provide information affecting resubmission of this
 * request, such as 401, 407, 415, 420, and 484 if the 4xx class is chosen."
 */
const RESUBMISSION: ReadonlySet<number> = new Set([401, 407, 415, 420, 484]);

/** Those that say nothing of the user: nobody answered, nobody was there. */
const SILENT: ReadonlySet<number> = new Set([408, 480]);

/** Of a request that was cancelled; where the caller did not do so, it is the echo of this element's own CANCEL. */
const TERMINATED = 487;

/**
 * How good a final response other than 2xx is, the lowest the best. RFC 3261 16.7 step 6: "It MUST choose from the 6xx class responses if
 * any exist in the context. If no 6xx class responses are present, the proxy SHOULD choose from the lowest response class stored in the
 * response context." Within a class what tells the caller more comes first; to a caller who has given up that is the 487, to any other it is the last.
 */
export function rank(status: number, cancelled = false): number {
  if (status >= 600) return 0;
  if (status === TERMINATED) return cancelled ? 1 : 49;
  const kind = Math.floor(status / 100) * 10;
  if (status < 400 || status >= 500) return kind + (status === 503 ? 5 : 0);
  return kind + (RESUBMISSION.has(status) ? 0 : SILENT.has(status) ? 2 : 1);
}

/** The better of two, the earlier where they are equal. */
export function better(earlier: Final | undefined, later: Final, cancelled = false): Final {
  return earlier === undefined || rank(later.status, cancelled) < rank(earlier.status, cancelled) ? later : earlier;
}

export const isChallenge = (status: number): boolean => status === 401 || status === 407;

/**
 * RFC 3261 16.7 step 7: "If the selected response is a 401 (Unauthorized) or 407 (Proxy Authentication Required), the proxy MUST collect
 * any WWW-Authenticate and Proxy-Authenticate header field values from all other 401 (Unauthorized) and 407 (Proxy Authentication Required)
 * responses received so far in this response context and add them to this response without modification before forwarding." What is added
 * to `chosen` of all `challenges`.
 */
export function collected(chosen: Message, challenges: readonly Message[]): HeaderField[] {
  return challenges.flatMap((other) => {
    if (other === chosen) return [];
    const values = (name: string) => headers(other, name.toLowerCase()).map((value): HeaderField => [name, value]);
    return [...values('WWW-Authenticate'), ...values('Proxy-Authenticate')];
  });
}
