import type { OverrideDocument } from './override.ts';
import type { CallStatus, SeenEntry, Status, TerminalStatus } from './presence.ts';
import type { CallReport, EndReason, OfflineReason } from './update.ts';
import type { Conflict } from './verdict.ts';

/** What `GET /v1/presence/{user}/why` answers: on what the state rests, and what will change it. Times are RFC 3339, UTC. */
export interface Why {
  readonly user: string;
  readonly version: number;
  /** All of it in a few sentences, in English. */
  readonly text: string;
  readonly status: WhyStatus;
  readonly terminalStatus: WhyPart<TerminalStatus> & { readonly registrations: readonly Registration[] };
  readonly callStatus: WhyPart<CallStatus> & { readonly dialogs: readonly Dialog[] };
  readonly stale: WhyStale;
  /** All overrides that are set, the one that counts among them; none is told to `busy-only`. */
  readonly overrides: readonly OverrideDocument[];
  /** What ends next by itself unless more is heard; null where nothing does. */
  readonly next: Upcoming | null;
  /** What ends after that, in the order of time, as far as is told. */
  readonly later: readonly Upcoming[];
}

/** The one word, and which rule of precedence chose it. */
export interface WhyStatus {
  readonly value: Status;
  readonly since: string;
  /** The rules in their order; the first that holds decides. */
  readonly rules: readonly { readonly rule: string; readonly holds: boolean }[];
  /** Which of them decided. */
  readonly rule: string;
  readonly text: string;
}

/** A part of the state: since when it is so, by whose word, and by which rule. */
export interface WhyPart<T> {
  readonly value: T;
  /** Null, as `by`, where it was so from the beginning, or where an earlier program did not keep it. */
  readonly since: string | null;
  readonly by: SeenEntry['cause'] | null;
  readonly reason?: OfflineReason | EndReason;
  /** Which step of FIG. 8 (or of the composition of calls) made it so. */
  readonly rule: string;
  readonly conflict?: Conflict;
  readonly text: string;
}

/** A binding that a REGISTER made, as far as the token shows it. */
export interface Registration {
  readonly site: string;
  readonly contact: string;
  readonly address?: string;
  readonly userAgent?: string;
  readonly since: string;
  /** Null where its site keeps the time and will tell of the end. */
  readonly expires: string | null;
}

/** A call, as far as the token shows it. */
export interface Dialog {
  readonly site: string;
  readonly id: string;
  readonly callId?: string;
  readonly direction: CallReport['direction'];
  readonly state: CallReport['state'];
  readonly held: boolean;
  readonly peer?: CallReport['peer'];
  readonly since: string;
  readonly answeredAt: string | null;
  /** When it is taken for lost unless more is heard of it. */
  readonly deadline: string;
}

/** The sites that reported the user, and whether they are in touch; none is told to `busy-only`. */
export interface WhyStale {
  readonly value: boolean;
  readonly since?: string;
  readonly sites: readonly {
    readonly site: string;
    /** Incarnation and sequence of the last update that was taken. */
    readonly epoch: number;
    readonly sequence: number;
    readonly heard: string;
    /** Since when the site is out of touch; null while it is in touch. */
    readonly outOfTouchSince: string | null;
    /** By when it is out of touch unless it is heard again; each word of it moves that. Null where it is so already, or not known. */
    readonly inTouchUntil: string | null;
  }[];
  readonly text: string;
}

/** Something that ends by itself, and the state that it leaves unless more is heard. */
export interface Upcoming {
  readonly at: string;
  readonly what: 'terminal-expired' | 'call-expired' | 'implied-online-expired' | 'override-expired';
  readonly text: string;
  readonly becomes: { readonly status: Status; readonly terminalStatus: TerminalStatus; readonly callStatus: CallStatus };
}
