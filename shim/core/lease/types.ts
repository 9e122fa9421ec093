import { LIMITS } from '#protocol';

/** Tempo of the lease; times in ms. */
export interface LeaseLimits {
  /** Duration of a lease until the Worker has told it. */
  readonly duration: number;
  /** First pause after a failed request; it doubles up to a third of the lease. */
  readonly backoffMin: number;
  /** Pause after a later incarnation of this site was heard of. */
  readonly backoffRefused: number;
  /** Users compared in one request. */
  readonly pageUsers: number;
  /**
   * What is held is compared again, though nobody asked: first so long after a comparison, which finds what was still on its way within the
   * Worker, and then so often, which finds whatever else may have gone wrong.
   */
  readonly againFirst: number;
  readonly againLater: number;
}

export const DEFAULT_LEASE_LIMITS: LeaseLimits = {
  duration: 30_000,
  backoffMin: 250,
  backoffRefused: 60_000,
  pageUsers: LIMITS.reconcileUsers,
  againFirst: 120_000,
  againLater: 3_600_000,
};

export interface LeaseSettings extends Partial<LeaseLimits> {
  /** Chance for the jitter: 0 up to, not including, 1. */
  readonly chance: () => number;
}

/** What is to be sent to keep the lease: a batch without updates, a range of digests, that all was compared, or that the site stops. */
export type LeaseRequest =
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'page'; readonly body: string; readonly users: readonly (readonly [user: string, digest: string])[] }
  | { readonly kind: 'done'; readonly body: string }
  | { readonly kind: 'stop'; readonly body: string };

/** Totals since start. */
export interface LeaseCounters {
  heartbeats: number;
  failures: number;
  /** Comparisons begun, users compared in them, and users that differed. */
  comparisons: number;
  compared: number;
  differed: number;
  /** Times that a later incarnation of this site was heard of. */
  superseded: number;
}
