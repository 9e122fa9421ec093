import type { OverrideActivity, OverrideSource } from './override.ts';
import type { CallReport, EndReason, MediaReport, OfflineReason, SessionType, TerminalType } from './update.ts';
import type { Conflict } from './verdict.ts';

/** The one word, in order of precedence (see `compose`). */
export type Status =
  | 'unknown'
  | 'dnd'
  | 'offline-waiting'
  | 'talking'
  | 'held'
  | 'ringing'
  | 'calling'
  | 'busy'
  | 'away'
  | 'available'
  | 'offline';

/** FIG. 8's terminal status. */
export type TerminalStatus = 'online' | 'offline-waiting' | 'offline';

/** FIG. 8's talking status; `ringing` is an incoming early call, `calling` an outgoing one. */
export type CallStatus = 'idle' | 'ringing' | 'calling' | 'talking' | 'terminating';

/** What a reader gets of one user. Times are RFC 3339, UTC. */
export interface PresenceDocument {
  readonly user: string;
  readonly status: Status;
  readonly terminalStatus: TerminalStatus;
  readonly callStatus: CallStatus;
  readonly stale: boolean;
  readonly staleSince?: string;
  /** When `status` began. */
  readonly since: string;
  readonly terminals: readonly TerminalDocument[];
  readonly calls: readonly CallDocument[];
  /** The override that counts of all that are set, whether or not it decides `status`: apart from what was observed. */
  readonly override: { readonly activity: OverrideActivity; readonly note?: string; readonly expires: string } | null;
  /** Rises by one at each change; never goes back. */
  readonly version: number;
}

export interface TerminalDocument {
  readonly contact: string;
  readonly address?: string;
  readonly type?: TerminalType;
  readonly userAgent?: string;
  readonly site: string;
  readonly since: string;
  readonly expires: string | null;
}

export interface CallDocument {
  readonly id: string;
  /** Absent for readers whose token shows no more than the direction. */
  readonly callId?: string;
  readonly direction: CallReport['direction'];
  readonly state: CallReport['state'];
  readonly held: boolean;
  /** Absent for readers whose token shows no more than the direction. */
  readonly peer?: { readonly uri: string; readonly name?: string };
  readonly media: readonly MediaReport[];
  readonly session: SessionType;
  readonly site: string;
  readonly startedAt: string;
  readonly answeredAt: string | null;
}

/** One entry of a user's history: what changed, by whose word, and the consistency check's finding. */
export interface HistoryEntry {
  readonly version: number;
  /** When it came to be so. */
  readonly at: string;
  /** When it was written down here; later than `at` where it was learned only then. Absent in entries of earlier programs. */
  readonly recorded?: string;
  readonly status: Status;
  readonly terminalStatus: TerminalStatus;
  readonly callStatus: CallStatus;
  /** What brought the change: an update of a site, somebody's own word, or the object's own deadline. */
  readonly cause:
    | { readonly by: 'update'; readonly site: string; readonly epoch: number; readonly sequence: number; readonly status: string }
    | {
        readonly by: 'override';
        /** null where it was taken back. */
        readonly activity: OverrideActivity | null;
        readonly setBy: OverrideSource;
      }
    | {
        readonly by: 'deadline';
        readonly what: 'terminal-expired' | 'call-expired' | 'implied-online-expired' | 'override-expired';
      };
  readonly reason?: OfflineReason | EndReason;
  readonly conflict?: Conflict;
}

/** A history entry as a reader gets it: which site reported it, or who set it, is not told to `busy-only`. */
export type SeenEntry = Omit<HistoryEntry, 'cause'> & {
  readonly cause:
    | HistoryEntry['cause']
    | { readonly by: 'update'; readonly status: string }
    | { readonly by: 'override'; readonly activity: OverrideActivity | null };
};

/**
 * Why a watcher who named a cursor gets a snapshot all the same: `expired` - what came after it cannot be told any more; `foreign` - it is of
 * another watch (other users, another level of detail, another number of boards); `incomplete` - it is from within a snapshot.
 */
export type ResetReason = 'expired' | 'foreign' | 'incomplete';

/**
 * Frames of `GET /v1/watch`, server to client, each one JSON text message; the data of the events of `GET /v1/events`. `cursor` is what to name
 * as `since` in order to go on after this frame.
 */
export type WatchFrame =
  /** First: all that is known of what is watched, over several frames, the last of which has no more. A listed user never seen has a null document. */
  | {
      readonly type: 'snapshot';
      /** Where a cursor was named. */
      readonly reset?: ResetReason;
      readonly users: readonly { readonly user: string; readonly presence: PresenceDocument | null }[];
      readonly more: boolean;
      readonly cursor: string;
    }
  /**
   * First instead of a snapshot: the changes that were missed come next. `exact`: every one of them; else the newest of each user, and what
   * lies between is in the history.
   */
  | { readonly type: 'resumed'; readonly exact: boolean; readonly cursor: string }
  | { readonly type: 'change'; readonly presence: PresenceDocument; readonly cursor: string }
  /** The data of a user were deleted: they are as one never seen, until a `change` tells of them again. */
  | { readonly type: 'deleted'; readonly user: string; readonly cursor: string }
  /** To be answered with the text `ack` (WebSocket alone): who does not answer is cut once too much is unread. */
  | { readonly type: 'check'; readonly cursor: string };
