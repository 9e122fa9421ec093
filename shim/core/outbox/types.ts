import type { SnapshotUpdate, Update } from '#protocol';
import type { JournalOp } from '../journal.ts';

type WithoutHead<U> = U extends unknown ? Omit<U, 'epoch' | 'sequence' | 'previous'> : never;

/** An update as the presence reporter says it; the outbox gives it its place (epoch, sequence, previous). */
export type Report = WithoutHead<Update>;

/** What is known of a user at the moment, to build his snapshot from. */
export type SnapshotOf = (user: string) => Pick<SnapshotUpdate, 'terminals' | 'calls'>;

/** Bounds and tempo of the outbox. All times in ms. */
export interface OutboxLimits {
  /** Waiting updates; when reached, the users with the most waiting ones are told by one snapshot each. */
  readonly max: number;
  /** Users remembered, so that their updates can be chained. */
  readonly users: number;
  /** Updates in one request. */
  readonly batch: number;
  /** Body of one request, bytes. */
  readonly batchBytes: number;
  /**
   * A batch of so many updates or more shows that much happens: the next one is then gathered for `gather` ms from the start of this one,
   * so that what happens to a user within that time costs the Worker one commit.
   */
  readonly gatherAbove: number;
  readonly gather: number;
  /** While requests are under way, the end of a call is awaited for so long: both words of it cost the Worker one commit. */
  readonly endGather: number;
  /** First and greatest pause after a failed request; it doubles in between. */
  readonly backoffMin: number;
  readonly backoffMax: number;
  /** Pause after 401, 403 and a URL that is not the Worker's: a person has to set it right. */
  readonly backoffRefused: number;
  /** Greatest Retry-After that is believed. */
  readonly retryAfterMax: number;
  /** After a start, snapshots of known users are fed in while fewer users than this have something to send. */
  readonly reconcileBelow: number;
}

export const DEFAULT_OUTBOX_LIMITS: OutboxLimits = {
  max: 100_000,
  users: 200_000,
  batch: 500,
  batchBytes: 900 * 1024,
  gatherAbove: 8,
  gather: 25,
  endGather: 50,
  backoffMin: 250,
  backoffMax: 30_000,
  backoffRefused: 60_000,
  retryAfterMax: 300_000,
  reconcileBelow: 100,
};

export interface OutboxSettings extends Partial<OutboxLimits> {
  /** Name of this shim (`UpdateBatch.site`). */
  readonly site: string;
  /** Incarnation: greater than that of every start before (`Disk` gives one). */
  readonly epoch: number;
  /** Chance for the jitter: 0 up to, not including, 1. */
  readonly chance: () => number;
  /** Is what is known at start compared with the Worker by digests (`SiteLease`), so that only who differs is told anew. Default no. */
  readonly compares?: boolean;
}

/** What one request carries. */
export interface Batch {
  readonly site: string;
  /** The incarnation that sends it. */
  readonly epoch: number;
  /** Each the JSON of one `Update`. */
  readonly items: readonly string[];
}

/** Why a request brought no verdicts. */
export interface SendFailure {
  readonly reason:
    | 'unreachable' // no connection, or cut before the answer
    | 'timeout'
    | 'server' // 5xx
    | 'busy' // 429, 503
    | 'garbage' // 2xx with a body that is not an UpdateAnswer to this batch
    | 'unauthorized' // 401, 403
    | 'too-large' // 413
    | 'invalid' // 400, 422: the Worker does not take this batch as a whole
    | 'misdirected' // every other status: not the Worker's URL
    | 'internal'; // the batch could not be made: a bug of this shim
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** Retry-After, ms from now. */
  readonly retryAfter?: number;
  /** For the log. */
  readonly detail?: string;
}

/** What the log should say. */
export type OutboxEvent =
  /** The Worker will never take this update; its user is told by a snapshot instead. */
  | { readonly type: 'rejected'; readonly user: string; readonly status: string; readonly field: string; readonly reason: string }
  /** An update was missing at the Worker; its user is told by a snapshot. */
  | { readonly type: 'gap'; readonly user: string }
  /** Too many updates wait: this many of the user's were replaced by one snapshot. */
  | { readonly type: 'coalesced'; readonly user: string; readonly updates: number }
  /** The limit of users is reached: what this user did is told only with his next change. */
  | { readonly type: 'overflow'; readonly user: string }
  /** The Worker holds a later incarnation of this site: its clock went back, or two shims have one name. This epoch is used from now on. */
  | { readonly type: 'superseded'; readonly epoch: number }
  /** A request failed; the next one is sent in `pause` ms. */
  | { readonly type: 'failed'; readonly failure: SendFailure; readonly attempt: number; readonly pause: number };

/** What an answer, or its absence, leads to. */
export interface Outcome {
  readonly ops: JournalOp[];
  readonly events: OutboxEvent[];
}

/** Totals since start. */
export interface OutboxCounters {
  added: number;
  accepted: number;
  duplicate: number;
  stale: number;
  gap: number;
  rejected: number;
  retried: number;
  coalesced: number;
  overflow: number;
  requests: number;
  failures: number;
  conflicts: number;
}
