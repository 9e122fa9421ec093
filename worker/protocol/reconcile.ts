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

/** The body of `POST /v1/sites/{site}/stop`: the last word of a site that stops as planned. */
export interface SiteStop {
  readonly version: typeof PROTOCOL_VERSION;
  readonly epoch: number;
  /**
   * `stay`: what it told stays as it is until the lease runs out, and is stale from then on, until it is back. `leave`: it has told that
   * all of it is over; its silence says nothing about anybody from now on.
   */
  readonly states: 'stay' | 'leave';
}

export interface ReconcileAnswer {
  readonly lease: LeaseAnswer;
  /** Users of whom the site holds something else than is recorded, in any order: it tells them by snapshots. */
  readonly differ: readonly string[];
  /** There are more than were named: the range is to be asked for again when these have been told. */
  readonly more: boolean;
}
