import type { EndReason } from '#protocol';
import { cseq, from, type Message, own, to } from '../sip/index.ts';
import { CallBook, tell } from './book.ts';
import { bye, byeAnswered, byeReason, goesOn } from './bye.ts';
import { type Call, type CallEvent, calleeOf, detailOf, dialogState, otherSide, type Side, setDialog } from './call.ts';
import type { Calls } from './calls.ts';
import { acknowledged, answer, begin, confirm, type Onward, type Parties } from './invite.ts';
import { requestDescribes, responseDescribes } from './offer-answer.ts';
import type { Finding, Probe } from './probe.ts';
import { RestoredCalls } from './restored.ts';
import { observeTimer } from './session-timer.ts';
import type { TrackerSettings } from './settings.ts';
import { requestMoves, responseMoves, waysOf } from './target.ts';

export type { Onward, Parties } from './invite.ts';
export type { TrackerSettings } from './settings.ts';

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
  readonly #book: CallBook;
  readonly #restored: RestoredCalls;

  constructor(settings: TrackerSettings) {
    this.#book = new CallBook(settings);
    this.#restored = new RestoredCalls(this.#book);
  }

  get calls(): Calls {
    return this.#book.calls;
  }

  /** What is known of calls that an earlier process began. */
  get restored(): RestoredCalls {
    return this.#restored;
  }

  /** Calls not followed since `maxDialogs` was reached. */
  get untracked(): number {
    return this.#book.untracked;
  }

  /** A request that was relayed. `parties` is asked for once, when an INVITE begins a call. */
  request(m: Message, parties: () => Parties, now: number, onward: Onward = NOWHERE): CallEvent[] {
    if (m.method === 'INVITE' && to(m)?.tag === undefined) {
      begin(this.#book, m, parties, now, onward);
      return [];
    }
    return this.#withDialog(m).flatMap((call) => this.#requested(call, m, now));
  }

  #requested(call: Call, m: Message, now: number): CallEvent[] {
    const book = this.#book;
    const tag = calleeTag(call, m);
    if (m.method === 'BYE' && this.#wasAnswered(call, tag)) {
      call.answeredAt = now;
      setDialog(call, own(tag), 'answered');
    }
    const state = dialogState(call, tag);
    if (m.method === 'ACK' && state === 'answered') return acknowledged(book, call, tag, m, now);
    if (m.method === 'BYE') return bye(book, call, tag, state, now);
    const detail = detailOf(call, tag);
    const side = senderOf(call, m);
    const changed = detail !== undefined && requestDescribes(call, detail, m, side);
    if (detail) requestMoves(detail, m, side);
    // RFC 3261 14.1: "a UAC MUST NOT initiate a new INVITE transaction within a dialog while another INVITE transaction is in progress in either
    // direction": the 2xx of the one before has been acknowledged, by an ACK that was not seen.
    if (m.method === 'INVITE' && state === 'answered') return confirm(book, call, tag, now);
    if (EMPTY.has(m.method)) return changed ? this.#changed(call, now) : [];
    // Who asked for the BYE, and goes on in the dialog, has not hung up.
    if (state === 'challenged') return OTHER_USAGES.has(m.method) ? [] : goesOn(book, call, now);
    // Any request within a confirmed dialog shows that it lives.
    const alive = state === 'confirmed' ? book.alive(call, now) : [];
    return changed ? this.#changed(call, now) : alive;
  }

  /** A response that was relayed towards the one who asked, or that the proxy made itself (408, 480, 487). */
  response(m: Message, now: number, way?: Way): CallEvent[] {
    if (m.method === 'INVITE') {
      const begun = this.#book.of(m).filter((call) => from(m)?.tag === call.fromTag && cseq(m).number === call.cseq);
      if (begun.length > 0) {
        const call =
          way === undefined
            ? (having(begun, m)[0] ?? this.#restored.having(begun, m) ?? begun[0])
            : begun.find((one) => calleeOf(one) === way);
        return call ? answer(this.#book, call, m, now) : [];
      }
    }
    return this.#withDialog(m).flatMap((call) => this.#answered(call, m, now));
  }

  #answered(call: Call, m: Message, now: number): CallEvent[] {
    const book = this.#book;
    const tag = calleeTag(call, m);
    const state = dialogState(call, tag);
    if (m.method === 'BYE') return byeAnswered(book, call, tag, state, m, now);
    const detail = detailOf(call, tag);
    const side = senderOf(call, m);
    const changed = detail !== undefined && responseDescribes(call, detail, m, side);
    if (detail) {
      responseMoves(detail, m, side);
      const { expiresAt } = detail;
      observeTimer(detail, m, now);
      // Each refresh outlives the process, or the next one would end a call that lives.
      if (detail.expiresAt !== expiresAt) book.changed.add(call);
      if (state === 'confirmed' && (m.status === 481 || m.status === 408) && (m.method === 'INVITE' || m.method === 'UPDATE')) {
        book.gone(call, detail, m.status, now);
      }
    }
    // An OPTIONS may be the question of another server, of which one side's answer says nothing of the other: where this one asks by itself, it
    // asks all the same.
    const shows = m.status !== 481 && m.status !== 408 && (m.method !== 'OPTIONS' || book.probes === undefined);
    const alive = state === 'confirmed' && shows ? book.alive(call, now) : [];
    return changed ? this.#changed(call, now) : alive;
  }

  /** Media or hold are other than before: told of a call in which somebody talks; of any other with its next phase. */
  #changed(call: Call, now: number): CallEvent[] {
    this.#book.changed.add(call);
    return call.phase === 'talking' ? [tell({ type: 'changed', call, at: now })] : [];
  }

  /** Gives up the calls whose deadline has passed. */
  expire(now: number): CallEvent[] {
    const book = this.#book;
    return this.calls.expired(now).flatMap((call) => {
      if (call.deadline > now) return book.due(call, now);
      const challenged = call.dialogs.some(([, state]) => state === 'challenged');
      return challenged ? goesOn(book, call, now) : book.end(call, expiryReason(call, now), now);
    });
  }

  /** The questions to ask now of calls of which nothing is heard; what comes of each is to be told by `probed`. */
  probes(now: number): Probe[] {
    return this.#book.probes?.take(now) ?? [];
  }

  /** What came of a question. Presence alone ends: nothing is sent to the parties of the call. */
  probed(probe: Probe, finding: Finding, now: number): CallEvent[] {
    const { call } = probe;
    const found = this.#book.probes?.found(probe, finding, now);
    if (found === undefined || this.calls.get(call.key) !== call) return [];
    // RFC 3261 12.2.2: who has no such dialog answers 481: that both answer 2xx shows that they have it.
    if (found === 'alive') return this.#book.alive(call, now);
    return this.#book.end(
      call,
      { cause: 'probe', text: `the ${found} does not know of the call any more, or cannot be reached` },
      now,
    );
  }

  nextDeadline(): number | undefined {
    const [a, b] = [this.calls.nextDeadline(), this.#book.probes?.nextDeadline()];
    return a === undefined || (b !== undefined && b < a) ? b : a;
  }

  /**
   * Takes up a call where an earlier process left it. No deadline is further away than one set now would be: the earlier process may have
   * had a clock that was ahead, or a longer cap.
   */
  restore(call: Call, now: number): void {
    const { dialogCap, earlyCap, byeCap } = this.#book.settings;
    const states = call.dialogs.map(([, state]) => state);
    const waits = states.length === 0 || states.includes('answered') ? earlyCap : byeCap;
    call.deadline = Math.min(call.deadline, now + (states.includes('confirmed') ? dialogCap : waits));
    // Everybody is told anew after a restart.
    call.toldDeadline = call.deadline;
    this.calls.add(call);
    this.#book.restored.add(call.key);
    this.#book.probes?.planRestored(call, now);
  }

  /** Is that message of a call that is followed: by its Call-ID and one of its tags. */
  knows(m: Message): boolean {
    return this.#book.of(m).length > 0;
  }

  /** Where the route set and the two ends of that message's dialog lead, as URIs (RFC 3261 12.2.1.1); none where it is not followed. */
  waysOf(m: Message): readonly string[] {
    return this.#book.of(m).flatMap((call) => {
      const detail = detailOf(call, calleeTag(call, m));
      return detail ? waysOf(detail) : [];
    });
  }

  /** The calls that have changed since this was last asked; those that ended are no longer among `calls`. */
  takeChanged(): readonly Call[] {
    if (this.#book.changed.size === 0) return NONE;
    const changed = [...this.#book.changed];
    this.#book.changed.clear();
    return changed;
  }

  /**
   * Is a BYE for a call that, as far as the disk knows, only rings: the process was killed between the relay of the 2xx and its row. An ACK
   * would show nothing, since a refusal is acknowledged too.
   */
  #wasAnswered(call: Call, tag: string): boolean {
    return this.#book.restored.has(call.key) && call.answeredAt === null && tag !== '';
  }

  /** Where that INVITE is several calls: those that have the message's dialog, or, where none has it, those that may have lost it by a restart. */
  #withDialog(m: Message): readonly Call[] {
    const calls = this.#book.of(m);
    if (calls.length < 2) return calls;
    const found = having(calls, m);
    return found.length > 0 ? found : calls.filter((call) => this.#book.restored.has(call.key));
  }
}

/** Requests that show nothing of the dialog: an ACK belongs to what went before, and an OPTIONS may be the question of another server. */
const EMPTY = new Set(['ACK', 'OPTIONS']);

/** What a subscription within the dialog sends (RFC 6665, RFC 3515): it may outlive the call, and shows nothing of a BYE. */
const OTHER_USAGES = new Set(['NOTIFY', 'SUBSCRIBE', 'REFER']);

/** Why a call is given up whose deadline has passed. */
function expiryReason(call: Call, now: number): EndReason {
  const states = call.dialogs.map(([, state]) => state);
  if (states.includes('closing') || states.includes('terminating')) return byeReason(call);
  if (!states.includes('confirmed')) return { cause: 'timeout' };
  const over = (at: number | undefined) => at !== undefined && at <= now;
  if (call.dialogs.some(([tag]) => over(detailOf(call, tag)?.goneAt)))
    return { cause: 'probe', text: 'a party does not know of the call any more, or cannot be reached' };
  const timed = call.dialogs.some(([tag]) => over(detailOf(call, tag)?.expiresAt));
  return { cause: timed ? 'session-timer' : 'hard-cap' };
}

const NONE: readonly Call[] = [];

const NOWHERE: Onward = { callee: undefined, sent: { branch: '' } };

/** The calls that have the message's dialog, one that only rings among them. */
const having = (calls: readonly Call[], m: Message): readonly Call[] =>
  calls.filter((call) => {
    const tag = calleeTag(call, m);
    return dialogState(call, tag) !== undefined || detailOf(call, tag) !== undefined;
  });

/** The callee's tag of a message within the call, whichever side sent it; a response runs under the tags of its request. */
function calleeTag(call: Call, m: Message): string {
  const [a, b] = [from(m)?.tag ?? '', to(m)?.tag ?? ''];
  return a === call.fromTag ? b : a;
}

/** Who sent that request, or the request of that response. */
const senderOf = (call: Call, m: Message): Side => (from(m)?.tag === call.fromTag ? 'caller' : otherSide('caller'));
