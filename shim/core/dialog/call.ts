import type { EndReason, MediaReport, SessionType } from '#protocol';
import type { Target } from '../transport.ts';
import type { Stream } from './sdp.ts';

/**
 * One dialog of a call, by the callee's tag (RFC 3261 12).
 * - `answered`: a 2xx was seen, and "talking" waits for the ACK (FIG. 4).
 * - `confirmed`: talking.
 * - `closing`: a BYE was seen, and "terminating" waits for its answer (FIG. 6).
 * - `terminating`: a BYE was seen and told (FIG. 5).
 * - `challenged`: so it was, and the BYE was asked for credentials: it comes again, or the dialog goes on (RFC 3261 22.2).
 */
export type DialogState = 'answered' | 'confirmed' | 'closing' | 'terminating' | 'challenged';

/** The two ends of a dialog: who sent the INVITE that began the call, and who answered it. */
export type Side = 'caller' | 'callee';

/** The other end. */
export const otherSide = (side: Side): Side => (side === 'caller' ? 'callee' : 'caller');

/** An offer that waits for its answer (RFC 3264 4). */
export interface Offer {
  readonly by: Side;
  /** Who sent the request of the transaction that carries it, and that request's CSeq number. */
  readonly asker: Side;
  readonly cseq: number;
  /** Where the answer is to come: in a response to that request, in its ACK, or in a PRACK. */
  readonly answerIn: 'response' | 'ACK' | 'PRACK';
  readonly streams: readonly Stream[];
}

/** What is known of one dialog beyond its state; one that only rings has no state yet. */
export interface Dialog {
  /** The callee's tag. */
  readonly tag: string;
  offers: Offer[];
  /** Which ways media flowed after the first exchange of offer and answer, or both ways since they have (`Flow`). */
  first?: number;
  /** Media do not flow both ways, since one party has put the other on hold. */
  held?: boolean;
  /** RFC 4028: when the session is over unless it is refreshed before, ms since 1970. */
  expiresAt?: number;
  /** One side has shown that it does not have the dialog: over then unless something more is heard of it, ms since 1970. */
  goneAt?: number;
  /** The URIs of the Record-Route of the 2xx, from the top, with a space between each two: the way from the callee to the caller. */
  route?: string;
  caller?: End;
  callee?: End;
  /** A Contact that is that of its sender when the request is answered with 2xx (RFC 3261 12.2: target refresh). */
  moving?: { readonly side: Side; readonly cseq: number; readonly target: string };
}

/** One end of a dialog, as the other end must know it to send a request (RFC 3261 12.2.1.1). */
export interface End {
  /** Remote target: its Contact URI. */
  target: string;
  /** The highest CSeq number that was seen from there; 0 where none was. */
  cseq: number;
}

/** What a call is for its parties, from all its dialogs. */
export type Phase = 'trying' | 'early' | 'talking' | 'terminating';

/** One party of a call: a user who may be local, and what has been told of the call in that user's name. */
export interface Leg {
  /** Canonical address of record. */
  readonly user: string;
  /** `CallReport.id` of this party's side. */
  readonly id: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly peer: { readonly uri: string; readonly name?: string };
  /** Last phase reported for this user; '' where nothing was. */
  told: '' | Phase;
}

/** One way on which the INVITE of a call was sent on: what a CANCEL for it needs. */
export interface Branch {
  /** Of its Via. */
  readonly branch: string;
  /** Its Request-URI. */
  readonly uri?: string;
  /** Noted of calls taken up from disk: the telephone has declined. */
  readonly declined?: true;
  readonly target?: Target;
}

/**
 * A call: one INVITE by (Call-ID, From tag, local callee) with the dialogs that grew from it. Plain data, so that it survives as JSON.
 * Times are ms since 1970.
 */
export interface Call {
  /** Unique among live calls; the row on disk. */
  readonly key: string;
  readonly callId: string;
  readonly fromTag: string;
  /** CSeq number of the INVITE that began it; a retry with credentials raises it. */
  cseq: number;
  /** Where that INVITE was sent on while it is not answered; a row of an earlier version has nothing but the Via branch. */
  branches: Branch[];
  /** Whom the INVITE had been for (null: nobody local), where a redirection led to the callee of this call. */
  asked?: string | null;
  /** Where the session description was offered: in the INVITE, or (delayed) in the 2xx. */
  offer: 'early' | 'delayed';
  phase: Phase;
  /** [callee's tag, state], in the order in which they appeared. */
  dialogs: [string, DialogState][];
  readonly legs: Leg[];
  readonly startedAt: number;
  answeredAt: number | null;
  /** When the call is given up unless something more is heard of it. */
  deadline: number;
  /** The deadline that was last told to whoever reports. */
  toldDeadline: number;
  /** As the callee sees it: `sendonly` is what the callee sends and does not receive. */
  media: MediaReport[];
  session: SessionType;
  /** What the INVITE offered: every callee who answers it answers this. */
  offered?: readonly Stream[];
  /** The type that the rules of the configuration give to calls of that address; it goes before what the media say. */
  rule?: SessionType;
  /** URIs of the INVITE's From, To and Contact. */
  ends?: { readonly from: string; readonly to: string; readonly contact: string };
  /** The value of the INVITE's Replaces (RFC 3891). */
  replaces?: string;
  /** Another call has taken the place of this one. */
  replaced?: true;
  details?: Dialog[];
}

/**
 * What happened to a call, for whoever reports it. `changed`: it goes on talking, with other media, or it was put on hold or taken back.
 * `alive`: nothing but that its deadline has moved far.
 */
export interface CallEvent {
  readonly type: 'early' | 'talking' | 'changed' | 'terminating' | 'ended' | 'alive';
  readonly call: Call;
  readonly at: number;
  /** With `terminating` and `ended`. */
  readonly reason?: EndReason;
}

/** The local user whom that call's INVITE was for. */
export const calleeOf = (call: Call): string | null => call.legs.find((leg) => leg.direction === 'incoming')?.user ?? null;

/** The state of one dialog of a call. */
export const dialogState = (call: Call, tag: string): DialogState | undefined => call.dialogs.find(([t]) => t === tag)?.[1];

/** Sets the state of one dialog, adding it where it is new. */
export function setDialog(call: Call, tag: string, state: DialogState): void {
  const found = call.dialogs.find(([t]) => t === tag);
  if (found) found[1] = state;
  else call.dialogs.push([tag, state]);
}

/** What is known of one dialog. */
export const detailOf = (call: Call, tag: string): Dialog | undefined => call.details?.find((one) => one.tag === tag);

/** Is the call on hold: in every dialog of it in which anybody talks. */
export function heldOf(call: Call): boolean {
  const talking = call.dialogs.filter(([, state]) => state === 'confirmed');
  return talking.length > 0 && talking.every(([tag]) => detailOf(call, tag)?.held === true);
}

/** The phase that the dialogs of an answered call add up to; undefined when none is left. */
export function phaseOf(call: Call): Phase | undefined {
  const states = call.dialogs.map(([, state]) => state);
  if (states.includes('confirmed')) return 'talking';
  if (states.includes('answered') || states.includes('closing')) return call.phase === 'trying' ? 'early' : call.phase;
  return states.includes('terminating') || states.includes('challenged') ? 'terminating' : undefined;
}

/** RFC 3261 21: why an INVITE failed, from the final status that went back to the caller. */
export function failureReason(status: number, text: string): EndReason {
  const cause = status === 487 ? 'cancelled' : status === 408 ? 'timeout' : 'rejected';
  return text === '' ? { cause, status } : { cause, status, text };
}
