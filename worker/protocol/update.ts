/**
 * FIG. 12: what a session control server (the shim) reports to the presence server (the Worker).
 *
 * An update is identified by (site, epoch, sequence). `sequence` rises by one with every update of a site in one epoch, over
 * all users; `previous` is the sequence of the update of the *same user* that went before it in this epoch, so the user's object
 * sees by itself that one is missing.
 *
 * `previous: 0` opens the chain of a user in an epoch. It is good as it is where the record holds nothing of this site, or where
 * the update is a `snapshot`; else it is a `gap`. A `snapshot` is good wherever it is newer, whatever went before it.
 */

/** The version of the batch format. A batch of another version is refused whole. */
export const PROTOCOL_VERSION = 1;

/** What every update carries. */
export interface UpdateHead {
  /** Canonical address of record of the presentity (`sip:alice@example.com`). */
  readonly user: string;
  /** Incarnation of the site: ms since 1970 of its start. A later epoch supersedes an earlier one. */
  readonly epoch: number;
  /** Position in the epoch, from 1. */
  readonly sequence: number;
  /** Sequence of this user's update before this one in the same epoch; 0 where there is none. */
  readonly previous: number;
  /** When the site saw what it reports, ms since 1970. */
  readonly at: number;
  /**
   * With `previous: 0`: the digest (`digestOf`) of what is recorded of the site about this user, as a reconciliation found it to be the same in
   * this epoch. It opens the chain of the epoch without a snapshot, so that how something ended is told in the site's own words.
   */
  readonly base?: string;
}

/** FIG. 7: a terminal (binding) is there. Repeated for a refresh only in `expiry: server`. */
export interface OnlineUpdate extends UpdateHead {
  readonly status: 'online';
  readonly terminal: TerminalReport;
}

/** FIG. 7: a terminal is gone. */
export interface OfflineUpdate extends UpdateHead {
  readonly status: 'offline';
  /** The Contact URI of the binding that ended. */
  readonly contact: string;
  readonly reason: OfflineReason;
}

/** FIG. 3 to 6: a call of the user is early, confirmed (`talking`), or being ended (`terminating`). */
export interface CallUpdate extends UpdateHead {
  readonly status: 'early' | 'talking' | 'terminating';
  readonly call: CallReport;
  /** Why, with `terminating`. */
  readonly reason?: EndReason;
}

/** The call of that id is over and forgotten by the site. */
export interface IdleUpdate extends UpdateHead {
  readonly status: 'idle';
  /** `CallReport.id` */
  readonly call: string;
  readonly reason: EndReason;
}

/** All that the site knows of the user. Replaces everything that came from this site. */
export interface SnapshotUpdate extends UpdateHead {
  readonly status: 'snapshot';
  readonly terminals: readonly TerminalReport[];
  readonly calls: readonly CallReport[];
  /** Why what is left out, and was told before, is over; where absent, nobody saw it end (`lost`). */
  readonly reason?: EndReason;
}

export type Update = OnlineUpdate | OfflineUpdate | CallUpdate | IdleUpdate | SnapshotUpdate;

/** The body of `POST /v1/updates`. */
export interface UpdateBatch {
  readonly version: typeof PROTOCOL_VERSION;
  /** Name of the reporting shim, unique in the deployment: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly site: string;
  /**
   * The incarnation of the site that sends this batch (its updates may be of earlier ones). A site that names it takes part in reconciliation;
   * one that does not is taken at its word.
   */
  readonly epoch?: number;
  /** The site's clock when the batch was sent, ms since 1970: the Worker corrects all times by the difference of the two clocks. */
  readonly sentAt: number;
  /** In the order of `sequence` for each user. */
  readonly updates: readonly Update[];
}

/** A live binding, as its site tells it. */
export interface TerminalReport {
  /** Contact URI: the terminal's identity within user and site. */
  readonly contact: string;
  /** Where its requests come from: `192.0.2.4:5060`. */
  readonly address?: string;
  readonly type?: TerminalType;
  /** The User-Agent header, as sent. */
  readonly userAgent?: string;
  /** When this binding began, ms since 1970. */
  readonly since: number;
  /** When it ends without a further word, ms since 1970 (`expiry: server`); null where the site keeps expiry (`expiry: shim`). */
  readonly expires: number | null;
}

/** FIG. 12's terminal type, told from the User-Agent. */
export type TerminalType = 'phone' | 'softphone' | 'browser' | 'mobile' | 'gateway' | 'unknown';

/** One call of one user (a dialog, or the early dialogs of one INVITE). */
export interface CallReport {
  /** Unique within the site; each party of a call has an id of its own. */
  readonly id: string;
  /** The SIP Call-ID: the same for both parties. */
  readonly callId: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly state: 'early' | 'confirmed' | 'terminating';
  /**
   * Media do not flow both ways, since one of the two parties has put the other on hold (RFC 3264 8.4). The same for both parties; which of
   * them holds is told by `media`'s direction. May change while the call is confirmed: it is then told again, as `talking`.
   */
  readonly held: boolean;
  readonly peer: { readonly uri: string; readonly name?: string };
  readonly media: readonly MediaReport[];
  readonly session: SessionType;
  /** When the call began for this user, ms since 1970. */
  readonly startedAt: number;
  /** When it was answered, ms since 1970; null while early. */
  readonly answeredAt: number | null;
  /** By when it is over unless something more is heard of it, ms since 1970: the Worker ends it then, site or no site. */
  readonly deadline: number;
}

export interface MediaReport {
  /** `audio`, `video`, … as in the m= line. */
  readonly type: string;
  readonly codec?: string;
  /** As this user sees it, by offer and answer together: `sendonly` where he sends, and hears nothing. */
  readonly direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
}

export type SessionType = 'voice' | 'video' | 'voicemail' | 'streaming' | 'conference' | 'queue' | 'message' | 'unknown';

/** Why a terminal is gone: it said so, its time ran out, or the limit of bindings displaced it. */
export type OfflineReason = 'unregistered' | 'expired' | 'displaced';

/** Why a call is over, as its site found out. */
export const END_CAUSES = [
  /** A BYE was seen. */
  'bye',
  /** It was not answered: refused, given up by the caller, or by time. */
  'rejected',
  'cancelled',
  'timeout',
  'answered-elsewhere',
  /** Another call took its place (RFC 3891). */
  'replaced',
  /** Its session timer ran out (RFC 4028 10). */
  'session-timer',
  /** A party no longer knows of it, or could not be reached, when asked several times. */
  'probe',
  /** Nothing was heard of it for as long as the site waits at most. */
  'hard-cap',
  /** The site fell silent, or came back without it. */
  'lost',
  /** The site was stopped, as planned. */
  'stopped',
] as const;

/** Why a call is over. `status` is the SIP status code where one ended it. */
export interface EndReason {
  readonly cause: (typeof END_CAUSES)[number];
  readonly status?: number;
  readonly text?: string;
}
