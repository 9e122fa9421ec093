/**
 * The lease of a site: while it holds, what the site told counts as the truth; when it runs out, its users are `stale`. Each batch of
 * `POST /v1/updates` renews it, one without updates (the heartbeat) as well.
 */

/**
 * - `held`: the site is in touch, for `duration` from now.
 * - `reconcile`: this incarnation (batch `epoch`) has yet to compare what it holds with what is recorded of the site
 *   (`POST /v1/sites/{site}/reconcile`). Until then the lease is not renewed.
 * - `superseded`: a later incarnation of the site was heard; this one disturbs nothing any more.
 */
export type LeaseState = 'held' | 'reconcile' | 'superseded';

/** What the answer to a batch says of its site's lease. */
export interface LeaseAnswer {
  readonly state: LeaseState;
  /** How long the lease lasts without a further word, ms. A third of it is a good pace for heartbeats. */
  readonly duration: number;
  /** The latest incarnation that was heard; 0 where the site names none. */
  readonly epoch: number;
  /** Which reconciliation is wanted, or was the last: a later loss of touch wants another one. */
  readonly round: number;
}
