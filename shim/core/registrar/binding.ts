import type { OfflineReason } from '#protocol';
import type { Flow } from '../transport.ts';

/** One address of record bound to one contact (RFC 3261 10). All times are ms since 1970; all strings are byte strings (see `sip/`). */
export interface Binding {
  /** Canonical address of record. */
  readonly aor: string;
  /** Contact URI as registered, its own parameters kept, no angle brackets. With `aor` the binding's identity on disk and at the Worker. */
  readonly contact: string;
  /** Call-ID of the last REGISTER that touched this binding; with `cseq` it orders requests (RFC 3261 10.3 step 7). */
  readonly callId: string;
  readonly cseq: number;
  /** Preference of the contact, 0 to 1; 1 where the phone gave none. */
  readonly q: number;
  /** When the binding began; refreshes do not change it. */
  readonly since: number;
  /** When the binding ends without a refresh. */
  readonly expiresAt: number;
  /** User-Agent header of the last REGISTER, cut at `LIMITS.fieldLength`; '' where there was none. */
  readonly userAgent: string;
  /** Where the last REGISTER came from. */
  readonly flow: Flow;
  /** Further Contact parameters (`+sip.instance`, `reg-id`, ...) as they are printed in answers, each with its leading `;`; '' for none. */
  readonly params: string;
}

/**
 * What became of a binding. `removed` carries the binding as it was and why it ended; the others carry the binding as it is now.
 * A contact that is spelt anew (equal by RFC 3261 19.1.4, other text) comes as `added` of the new text, then `removed` of the old one
 * as `displaced`, so the user is never off-line in between.
 */
export type BindingChange =
  | { readonly type: 'added' | 'refreshed'; readonly binding: Binding }
  | { readonly type: 'removed'; readonly binding: Binding; readonly reason: OfflineReason };
