import type { LeaseState } from '../protocol/index.ts';

/** What is known of a site's touch with us. Times are ms since 1970. */
export interface Lease {
  /** The latest incarnation that spoke; 0 where none was ever named: such a source is taken at its word, and never asked to reconcile. */
  readonly epoch: number;
  /** Rises whenever what the site holds has to be compared anew. */
  readonly round: number;
  /** Has that incarnation compared what it holds with what is recorded. */
  readonly reconciled: boolean;
  /** Since when it is out of touch; null while it is in touch. */
  readonly staleSince: number | null;
  /** It has stopped as planned, and told first that all of its states are over: nothing is out of date by its silence. */
  readonly left: boolean;
  /** The site is in touch until then, unless it speaks again. */
  readonly until: number;
}

/** What a word of a site did to its lease. */
export interface Renewal {
  readonly lease: Lease;
  readonly state: LeaseState;
}

/**
 * A batch of the site arrived: of incarnation `epoch`, undefined where it names none. Only an incarnation that has reconciled extends the
 * lease: a restarted site lives on the lease of its predecessor until then, and is out of touch when that runs out.
 */
export function renewed(known: Lease | undefined, epoch: number | undefined, now: number, duration: number): Renewal {
  if (known === undefined) {
    // Nothing was ever told by it: there is nothing that could be out of date.
    const named = epoch !== undefined;
    const lease: Lease = {
      epoch: epoch ?? 0,
      round: 1,
      reconciled: !named,
      staleSince: null,
      left: false,
      until: now + duration,
    };
    return { lease, state: named ? 'reconcile' : 'held' };
  }
  const lease = lapsed(known, now);
  if (epoch !== undefined && epoch < lease.epoch) return { lease, state: 'superseded' };
  if (epoch !== undefined && epoch > lease.epoch) {
    const until = lease.left ? now + duration : lease.until;
    return { lease: { ...lease, epoch, round: lease.round + 1, reconciled: false, left: false, until }, state: 'reconcile' };
  }
  if (lease.left) return { lease, state: 'superseded' };
  if (!lease.reconciled) return { lease, state: 'reconcile' };
  return { lease: { ...lease, staleSince: null, until: Math.max(lease.until, now + duration) }, state: 'held' };
}

/** The site says that it has reconciled in that round; a word about another round or incarnation changes nothing. */
export function reconciled(known: Lease, epoch: number, round: number, now: number, duration: number): Renewal {
  const lease = lapsed(known, now);
  if (epoch !== lease.epoch || lease.left) return { lease, state: epoch > lease.epoch ? 'reconcile' : 'superseded' };
  if (round !== lease.round) return { lease, state: lease.reconciled ? 'held' : 'reconcile' };
  return { lease: { ...lease, reconciled: true, staleSince: null, until: now + duration }, state: 'held' };
}

/** The site has stopped as planned, having told the end of all of its states. */
export function left(known: Lease, epoch: number): Lease {
  return epoch === known.epoch ? { ...known, reconciled: false, staleSince: null, left: true } : known;
}

/** The lease as of now: it may have run out. Early, late and repeated calls are harmless. */
export function lapsed(lease: Lease, now: number): Lease {
  if (lease.staleSince !== null || lease.left || lease.until > now) return lease;
  const named = lease.epoch !== 0;
  const lost = named && lease.reconciled;
  return { ...lease, staleSince: lease.until, reconciled: !named, round: lost ? lease.round + 1 : lease.round };
}
