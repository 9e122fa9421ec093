import { digestOf, type UpdateHead } from '../protocol/index.ts';
import type { Cursor, SiteRecord } from './record.ts';

/** Where an update stands in its site's stream: the one to apply next (with the cursor after it), or one that changes nothing. */
export type Place =
  | { readonly place: 'next'; readonly cursor: Cursor }
  | { readonly place: 'duplicate' }
  | { readonly place: 'stale'; readonly last: Cursor }
  | { readonly place: 'gap'; readonly last: Cursor | null };

/**
 * Finds the place of an update by (epoch, sequence, previous) alone: what it says does not matter, except that a snapshot
 * needs nothing before it, and that one may name by digest (`base`) what it goes on from.
 */
export function place(site: SiteRecord | undefined, update: UpdateHead & { readonly status: string }): Place {
  const { epoch, sequence, previous } = update;
  const last = site?.cursor;
  if (last !== undefined) {
    if (epoch < last.epoch) return { place: 'stale', last };
    if (epoch === last.epoch && sequence <= last.sequence) {
      return sequence >= last.first ? { place: 'duplicate' } : { place: 'stale', last };
    }
    if (epoch === last.epoch && previous === last.sequence) {
      return { place: 'next', cursor: { epoch, first: last.first, sequence } };
    }
  }
  const nothingHeld = site === undefined || (site.terminals.length === 0 && site.calls.length === 0);
  const sameHeld = site !== undefined && update.base !== undefined && update.base === digestOf(site);
  if (update.status === 'snapshot' || (previous === 0 && (nothingHeld || sameHeld))) {
    return { place: 'next', cursor: { epoch, first: sequence, sequence } };
  }
  return { place: 'gap', last: last ?? null };
}
