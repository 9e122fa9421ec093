import type { PresenceDocument, ResetReason } from '../protocol/index.ts';

/** Whom to watch: up to 200 users, of one or several domains, or all of a domain. */
export type Watched = { readonly users: readonly string[] } | { readonly domain: string };

/** What a watch tells. `cursor` is what to name as `since` in order to go on after it, in this process or in another. */
export type WatchEvent =
  /** First: all that is known of what is watched, in the place of all that was told before. A user never seen has a null document. */
  | {
      readonly type: 'snapshot';
      readonly users: readonly { readonly user: string; readonly presence: PresenceDocument | null }[];
      /** Why it comes though a cursor was named. */
      readonly reset?: ResetReason;
      readonly cursor: string;
    }
  /** A change: the whole document after it. Not to be taken where its `version` is below that of the one before. */
  | { readonly type: 'presence'; readonly presence: PresenceDocument; readonly cursor: string }
  /** The data of a user were deleted: they are as one never seen, until a `presence` tells of them again. */
  | { readonly type: 'deleted'; readonly user: string; readonly cursor: string }
  /**
   * The watch was cut off and goes on. `exact`: every change that was missed follows; else the newest document of each user that changed. None is
   * told twice.
   */
  | { readonly type: 'resumed'; readonly exact: boolean; readonly cursor: string };

/** How a watch stands. Times are ms since 1970. */
export type WatchCondition =
  | { readonly state: 'connecting' }
  /** Each change is told as it happens. */
  | { readonly state: 'live' }
  /** What was told last may be old: the Worker was last heard at `heardAt` (undefined for never). The next attempt is at `retryAt`. */
  | { readonly state: 'lost'; readonly heardAt: number | undefined; readonly retryAt: number; readonly why: string };

/** The two ways to one feed (docs/watching.md). */
export type Way = 'websocket' | 'events';
