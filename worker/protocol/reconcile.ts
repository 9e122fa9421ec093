import type { LeaseAnswer } from './lease.ts';
import type { PROTOCOL_VERSION } from './update.ts';

/**
 * The body of `POST /v1/sites/{site}/reconcile`: what the site holds of its users in a range of buckets (`bucketOf`), by digest
 * (`digestOf`). A user of whom it holds nothing is left out.
 */
export interface ReconcilePage {
  readonly version: typeof PROTOCOL_VERSION;
  /** The incarnation that reconciles. */
  readonly epoch: number;
  /** The buckets `from` up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
  readonly users: { readonly [user: string]: string };
}

/** The last word of a reconciliation: everybody was compared, and who differed was told by a snapshot. */
export interface ReconcileDone {
  readonly version: typeof PROTOCOL_VERSION;
  readonly epoch: number;
  /** As in the lease that asked for it. */
  readonly done: number;
}

export interface ReconcileAnswer {
  readonly lease: LeaseAnswer;
  /** Users of whom the site holds something else than is recorded, in any order: it tells them by snapshots. */
  readonly differ: readonly string[];
  /** There are more than were named: the range is to be asked for again when these have been told. */
  readonly more: boolean;
}
