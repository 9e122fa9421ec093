import type { LeaseAnswer } from './lease.ts';

/** What `POST /v1/updates` answers: one verdict an item, in the order of the items. */
export interface UpdateAnswer {
  readonly results: readonly Verdict[];
  /** The lease of the site; absent where it could not be asked for in time. */
  readonly lease?: LeaseAnswer;
}

/**
 * - `accepted`: stored. `conflict` is there when the consistency check (FIG. 8) put something else than what was reported.
 * - `duplicate`: was stored before; nothing changed.
 * - `stale`: a later word of this site is stored already; nothing changed.
 * - `gap`: an update of this user before this one is missing; nothing changed. The site answers with a `snapshot`.
 * - `rejected`: this item is not acceptable and never will be; nothing changed. The site drops it and sends a `snapshot`.
 * - `retry`: this item could not be stored now; nothing changed. The site sends it again, later.
 */
export type Verdict =
  | { readonly sequence: number; readonly verdict: 'accepted'; readonly version: number; readonly conflict?: Conflict }
  | { readonly sequence: number; readonly verdict: 'duplicate'; readonly version: number }
  | { readonly sequence: number; readonly verdict: 'stale'; readonly last: { readonly epoch: number; readonly sequence: number } }
  | {
      readonly sequence: number;
      readonly verdict: 'gap';
      readonly last: { readonly epoch: number; readonly sequence: number } | null;
    }
  | { readonly sequence: number; readonly verdict: 'rejected'; readonly field: string; readonly reason: string }
  | { readonly sequence: number; readonly verdict: 'retry'; readonly reason: string };

/** FIG. 8, steps 105 and 115: what was reported contradicts what is recorded; both, and how it was resolved. */
export interface Conflict {
  /** Which rule of FIG. 8 resolved it. */
  readonly rule: 'offline-while-talking' | 'talking-while-offline' | 'terminating-while-waiting' | 'online-while-waiting';
  readonly reported: string;
  readonly recorded: string;
  readonly resolved: string;
}
