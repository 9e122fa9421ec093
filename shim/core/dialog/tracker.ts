import type { EndReason } from '#protocol';
import { body, callId, cseq, from, header, type Message, own, to } from '../sip/index.ts';
import { type Call, type CallEvent, type DialogState, dialogState, failureReason, type Leg, phaseOf, setDialog } from './call.ts';
import { Calls } from './calls.ts';
import { mediaOf, sessionOf } from './sdp.ts';

export interface TrackerSettings {
  /** When "talking" begins: at the 2xx (FIG. 3), at the ACK (FIG. 4), or by where the offer was made. */
  readonly talking: 'auto' | 'on-answer' | 'on-ack';
  /** When "terminating" is told: at the BYE (FIG. 5), or at its answer (FIG. 6). */
  readonly terminating: 'on-bye' | 'on-bye-answer';
  /** A confirmed call of which nothing is heard for so long is given up, ms. */
  readonly dialogCap: number;
  /** A call that is not answered is given up after so long without a provisional answer, ms: timer C and then some. */
  readonly earlyCap: number;
  /** A BYE that is not answered ends the call after so long, ms: 64*T1 (RFC 3261 17.1.2.2 timer F) and then some. */
  readonly byeCap: number;
  /** Calls followed at once; a call beyond is relayed and not followed. */
  readonly maxDialogs: number;
}

/** The parties of an INVITE, as far as they are users that this shim may speak for. */
export interface Parties {
  readonly caller?: Omit<Leg, 'told' | 'direction'>;
  readonly callee?: Omit<Leg, 'told' | 'direction'>;
}

/** Dialogs followed of one call. A callee who answers more often than any fork does is relayed all the same. */
const DIALOGS_OF_A_CALL = 32;

/** Calls followed under one Call-ID: the branches of a fork, and those who reuse Call-IDs. */
const CALLS_OF_A_CALL_ID = 64;

/** Where a request was sent on: to that local user, under that Via branch. */
export interface Onward {
  readonly callee: string | undefined;
  readonly branch: string;
}

/**
 * The local user for whom the INVITE was on the way that a response takes back; null where it was for none, undefined where that is not
 * known any more.
 */
export type Way = string | null | undefined;

/**
 * Follows calls by the messages that pass, whatever brought them (RFC 3261 12 to 15). It is told of each message once it has been
 * relayed, and answers with what changed; it sends nothing, and knows neither sockets nor the clock.
 *
 * One INVITE may pass here more than once, for several callees (another proxy forks it) or on its way out and back in. Each callee's is a
 * call of its own, so that one who rejects, and one who answers, is told of alone; what happens within a dialog is for all that have it.
 */
export class DialogTracker {
  readonly calls = new Calls();
  /** Calls not followed since `maxDialogs` was reached. */
  untracked = 0;
  readonly #settings: TrackerSettings;
  /** Calls that have changed in a way that must survive the process. */
  readonly #changed = new Set<Call>();
  /** Keys of the calls that were taken up from disk. */
  readonly #restored = new Set<string>();

  constructor(settings: TrackerSettings) {
    this.#settings = settings;
  }

  /** A request that was relayed. `parties` is asked for once, when an INVITE begins a call. */
  request(m: Message, parties: () => Parties, now: number, onward: Onward = NOWHERE): CallEvent[] {
    if (m.method === 'INVITE' && to(m)?.tag === undefined) {
      this.#begin(m, parties, now, onward);
      return [];
    }
    return this.#withDialog(m).flatMap((call) => this.#requested(call, m, now));
  }

  #requested(call: Call, m: Message, now: number): CallEvent[] {
    const tag = calleeTag(call, m);
    if (m.method === 'BYE' && this.#wasAnswered(call, tag)) {
      call.answeredAt = now;
      setDialog(call, own(tag), 'answered');
    }
    const state = dialogState(call, tag);
    if (m.method === 'ACK') return state === 'answered' ? this.#acknowledged(call, tag, m, now) : [];
    if (m.method === 'BYE') return this.#bye(call, tag, state, now);
    // Any other request within a confirmed dialog shows that it lives.
    return state === 'confirmed' ? this.#alive(call, this.#settings.dialogCap, now) : [];
  }

  /** A response that was relayed towards the one who asked, or that the proxy made itself (408, 480, 487). */
  response(m: Message, now: number, way?: Way): CallEvent[] {
    if (m.method === 'INVITE') {
      const begun = this.#of(m).filter((call) => from(m)?.tag === call.fromTag && cseq(m).number === call.cseq);
      if (begun.length > 0) {
        const call = way === undefined ? (having(begun, m)[0] ?? begun[0]) : begun.find((one) => calleeOf(one) === way);
        return call ? this.#answer(call, m, now) : [];
      }
    }
    return this.#withDialog(m).flatMap((call) => this.#answered(call, m, now));
  }

  #answered(call: Call, m: Message, now: number): CallEvent[] {
    const tag = calleeTag(call, m);
    const state = dialogState(call, tag);
    if (m.method === 'BYE') return this.#byeAnswered(call, tag, state, m, now);
    return state === 'confirmed' ? this.#alive(call, this.#settings.dialogCap, now) : [];
  }

  /** Gives up the calls whose deadline has passed. */
  expire(now: number): CallEvent[] {
    return this.calls.expired(now).flatMap((call) => {
      const closing = call.dialogs.some(([, state]) => state === 'closing' || state === 'terminating');
      const reason: EndReason = closing
        ? { cause: 'bye' }
        : call.answeredAt === null
          ? { cause: 'timeout' }
          : { cause: 'hard-cap' };
      return this.#end(call, reason, now);
    });
  }

  nextDeadline(): number | undefined {
    return this.calls.nextDeadline();
  }

  /**
   * Takes up a call where an earlier process left it. No deadline is further away than one set now would be: the earlier process may have
   * had a clock that was ahead, or a longer cap.
   */
  restore(call: Call, now: number): void {
    call.deadline = Math.min(call.deadline, now + Math.max(this.#settings.dialogCap, this.#settings.earlyCap));
    call.toldDeadline = Math.min(call.toldDeadline, call.deadline);
    this.calls.add(call);
    this.#restored.add(call.key);
  }

  /** Is that message of a call that was taken up by `restore`. */
  isRestored(m: Message): boolean {
    return this.#of(m).some((call) => this.#restored.has(call.key));
  }

  /** The branch under which an earlier process sent on the INVITE that this CANCEL is for, to that callee. */
  restoredBranch(m: Message, callee: string | null): string | undefined {
    const call = this.#of(m).find((one) => one.cseq === cseq(m).number && calleeOf(one) === callee);
    return call && this.#restored.has(call.key) ? call.branch : undefined;
  }

  /** The calls that have changed since this was last asked; those that ended are no longer among `calls`. */
  takeChanged(): Call[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  #begin(m: Message, parties: () => Parties, now: number, { callee, branch }: Onward): void {
    const fromTag = from(m)?.tag ?? '';
    const key = `${callId(m)}\n${fromTag}\n${callee ?? ''}`;
    const number = cseq(m)?.number ?? 0;
    const known = this.calls.get(key);
    if (known) {
      // The same INVITE with credentials: the same call.
      if (number > known.cseq && known.dialogs.length === 0) {
        known.cseq = number;
        known.branch = own(branch);
        known.offer = offerOf(m);
        this.calls.setDeadline(known, now + this.#settings.earlyCap);
      }
      return;
    }
    if (this.calls.size >= this.#settings.maxDialogs || this.calls.withCallId(callId(m)).length >= CALLS_OF_A_CALL_ID) {
      this.untracked += 1;
      return;
    }
    const { caller, callee: called } = parties();
    const legs: Leg[] = [];
    if (caller) legs.push({ ...caller, direction: 'outgoing', told: '' });
    if (called) legs.push({ ...called, direction: 'incoming', told: '' });
    if (legs.length === 0) return;
    this.calls.add({
      key: own(key),
      callId: own(callId(m)),
      fromTag: own(fromTag),
      cseq: number,
      branch: own(branch),
      offer: offerOf(m),
      phase: 'trying',
      dialogs: [],
      legs,
      startedAt: now,
      answeredAt: null,
      deadline: now + this.#settings.earlyCap,
      toldDeadline: 0,
      media: [],
      session: 'unknown',
    });
  }

  /** A response to the INVITE that began the call. */
  #answer(call: Call, m: Message, now: number): CallEvent[] {
    if (m.status === 100) return [];
    if (m.status < 200) {
      if (call.phase !== 'trying' && call.phase !== 'early') return [];
      if (call.phase === 'early') return this.#alive(call, this.#settings.earlyCap, now);
      this.calls.setDeadline(call, now + this.#settings.earlyCap);
      call.phase = 'early';
      this.#changed.add(call);
      return [tell({ type: 'early', call, at: now })];
    }
    if (m.status >= 300) {
      // RFC 3261 13.2.2.4: other forks may have answered; what they confirmed stays.
      if (call.dialogs.length > 0) return [];
      return this.#end(call, failureReason(m.status, m.reason), now);
    }
    const tag = to(m)?.tag ?? '';
    if (dialogState(call, tag) !== undefined || call.dialogs.length >= DIALOGS_OF_A_CALL) return [];
    call.answeredAt ??= now;
    describe(call, m);
    const { talking } = this.#settings;
    // FIG. 4: "When information required for data communication is notified by the 200 response message and the ACK message, the
    // method shown in FIG. 4 must be used."
    const waits = talking === 'on-ack' || (talking === 'auto' && call.offer === 'delayed');
    setDialog(call, own(tag), waits ? 'answered' : 'confirmed');
    this.calls.setDeadline(call, now + this.#settings.dialogCap);
    return this.#settle(call, undefined, now);
  }

  /**
   * Is a BYE for a call that, as far as the disk knows, only rings: the process was killed between the relay of the 2xx and its row. An ACK
   * would show nothing, since a refusal is acknowledged too.
   */
  #wasAnswered(call: Call, tag: string): boolean {
    return this.#restored.has(call.key) && call.answeredAt === null && tag !== '';
  }

  #acknowledged(call: Call, tag: string, m: Message, now: number): CallEvent[] {
    if (call.offer === 'delayed') describe(call, m);
    setDialog(call, tag, 'confirmed');
    this.calls.setDeadline(call, now + this.#settings.dialogCap);
    return this.#settle(call, undefined, now);
  }

  #bye(call: Call, tag: string, state: DialogState | undefined, now: number): CallEvent[] {
    if (state !== 'confirmed' && state !== 'answered') return [];
    setDialog(call, tag, this.#settings.terminating === 'on-bye' ? 'terminating' : 'closing');
    this.#shorten(call, now);
    return this.#settle(call, { cause: 'bye' }, now);
  }

  #byeAnswered(call: Call, tag: string, state: DialogState | undefined, m: Message, now: number): CallEvent[] {
    if ((state !== 'closing' && state !== 'terminating') || m.status < 200) return [];
    if (m.status === 401 || m.status === 407) {
      // The BYE comes again with credentials: until then the dialog stands (RFC 3261 22.2). Where terminating was told, it stays told.
      if (state === 'closing') {
        setDialog(call, tag, 'confirmed');
        this.calls.setDeadline(call, now + this.#settings.dialogCap);
      }
      return [];
    }
    // RFC 3261 15.1.1: "If the response for the BYE is a 481 (Call/Transaction Does Not Exist) or a 408 (Request Timeout) or no response
    // at all is received for the BYE [...] the UAC MUST consider the session and the dialog terminated": so does any final answer.
    call.dialogs = call.dialogs.filter(([t]) => t !== tag);
    return call.dialogs.length > 0 ? this.#settle(call, { cause: 'bye' }, now) : this.#end(call, { cause: 'bye' }, now);
  }

  /** Something was heard of the call: it may live for another `cap`. That is told when the deadline last told is half used up. */
  #alive(call: Call, cap: number, now: number): CallEvent[] {
    this.calls.setDeadline(call, now + cap);
    if (call.deadline - call.toldDeadline <= cap / 2) return [];
    this.#changed.add(call);
    return [tell({ type: 'alive', call, at: now })];
  }

  /** A call all of whose dialogs are being ended has only the time of its BYE left. */
  #shorten(call: Call, now: number): void {
    if (call.dialogs.every(([, state]) => state === 'closing' || state === 'terminating')) {
      this.calls.setDeadline(call, now + this.#settings.byeCap);
    }
  }

  /** Tells the phase that the dialogs add up to, where it is a new one. It never goes back. */
  #settle(call: Call, reason: EndReason | undefined, now: number): CallEvent[] {
    this.#changed.add(call);
    const phase = phaseOf(call);
    if (phase === undefined || phase === call.phase || (call.phase === 'terminating' && phase !== 'talking')) return [];
    call.phase = phase;
    if (phase !== 'talking' && phase !== 'terminating') return [];
    return [tell({ type: phase, call, at: now, ...(reason ? { reason } : {}) })];
  }

  /** FIG. 5, 6, 8: a call that was talking is told as terminating before it is forgotten. */
  #end(call: Call, reason: EndReason, now: number): CallEvent[] {
    this.calls.delete(call);
    this.#restored.delete(call.key);
    this.#changed.add(call);
    const events: CallEvent[] = [];
    if (call.phase === 'talking') {
      call.phase = 'terminating';
      events.push({ type: 'terminating', call, at: now, reason });
    }
    return [...events, { type: 'ended', call, at: now, reason }];
  }

  /** The calls of that INVITE, whichever side the message is from. */
  #of(m: Message): readonly Call[] {
    const same = this.calls.withCallId(callId(m));
    if (same.length === 0) return same;
    const [a, b] = [from(m)?.tag, to(m)?.tag];
    return same.filter((call) => call.fromTag === a || call.fromTag === b);
  }

  /** Where that INVITE is several calls: those that have the message's dialog, or, where none has it, those that may have lost it by a restart. */
  #withDialog(m: Message): readonly Call[] {
    const calls = this.#of(m);
    if (calls.length < 2) return calls;
    const found = having(calls, m);
    return found.length > 0 ? found : calls.filter((call) => this.#restored.has(call.key));
  }
}

const NOWHERE: Onward = { callee: undefined, branch: '' };

const having = (calls: readonly Call[], m: Message): readonly Call[] =>
  calls.filter((call) => dialogState(call, calleeTag(call, m)) !== undefined);

/** The callee's tag of a message within the call, whichever side sent it; a response runs under the tags of its request. */
function calleeTag(call: Call, m: Message): string {
  const [a, b] = [from(m)?.tag ?? '', to(m)?.tag ?? ''];
  return a === call.fromTag ? b : a;
}

/** The local user whom that call's INVITE was for. */
const calleeOf = (call: Call): string | null => call.legs.find((leg) => leg.direction === 'incoming')?.user ?? null;

/** What is told of a call carries its deadline. */
function tell(event: CallEvent): CallEvent {
  event.call.toldDeadline = event.call.deadline;
  return event;
}

/** RFC 3261 13.2.1: an INVITE without a session description asks for the offer in the answer. */
function offerOf(m: Message): Call['offer'] {
  return carriesSdp(m) ? 'early' : 'delayed';
}

function carriesSdp(m: Message): boolean {
  return body(m) !== '' && (header(m, 'content-type') ?? '').toLowerCase().includes('sdp');
}

/** Takes media and session type from the message that brought the answer of offer and answer, or the nearest to it. */
function describe(call: Call, m: Message): void {
  if (!carriesSdp(m)) return;
  const media = mediaOf(body(m));
  if (media.length === 0) return;
  call.media = media.map((one) => ({ ...one, type: own(one.type), ...(one.codec ? { codec: own(one.codec) } : {}) }));
  call.session = sessionOf(media);
}
