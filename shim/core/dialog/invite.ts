import { callId, contacts, cseq, from, header, type Message, own, requires, to } from '../sip/index.ts';
import { type CallBook, tell } from './book.ts';
import {
  type Branch,
  type Call,
  type CallEvent,
  type Dialog,
  detailOf,
  dialogState,
  failureReason,
  type Leg,
  setDialog,
} from './call.ts';
import { openDetail, requestDescribes, responseDescribes } from './offer-answer.ts';
import { replace } from './replaces.ts';
import { streamsOf } from './sdp.ts';
import { ruleFor } from './session-rules.ts';
import { observeTimer } from './session-timer.ts';
import { learnEnds, learnRoute, TARGET_LENGTH } from './target.ts';

/** The parties of an INVITE, as far as they are users that this shim may speak for. */
export interface Parties {
  readonly caller?: Omit<Leg, 'told' | 'direction'>;
  readonly callee?: Omit<Leg, 'told' | 'direction'>;
}

/** Where a request was sent on: to that local user, under that Via branch to that target. */
export interface Onward {
  readonly callee: string | undefined;
  readonly sent: Branch & { readonly asked?: string | null };
}

/** Dialogs followed of one call. A callee who answers more often than any fork does is relayed all the same. */
const DIALOGS_OF_A_CALL = 32;

/** Branches kept of a call that is not answered: more than a request has targets. */
const BRANCHES_OF_A_CALL = 100;

/** Calls followed under one Call-ID: the branches of a fork, and those who reuse Call-IDs. */
const CALLS_OF_A_CALL_ID = 64;

/** RFC 3261 13.2.1: an INVITE outside of any dialog begins a call. `parties` is asked for once. */
export function begin(book: CallBook, m: Message, parties: () => Parties, now: number, { callee, sent }: Onward): void {
  const { calls, settings } = book;
  const fromTag = from(m)?.tag ?? '';
  const key = `${callId(m)}\n${fromTag}\n${callee ?? ''}`;
  const number = cseq(m)?.number ?? 0;
  const known = calls.get(key);
  if (known) {
    // The same INVITE with credentials: the same call.
    if (number > known.cseq && known.dialogs.length === 0) {
      known.cseq = number;
      known.branches = kept(sent);
      known.details = [];
      offers(known, m);
      calls.setDeadline(known, now + settings.earlyCap);
    } else if (number === known.cseq && known.dialogs.length === 0 && known.branches.length < BRANCHES_OF_A_CALL) {
      // RFC 3261 16.6: the same INVITE on another branch, to another telephone of this callee.
      // A mirrored one comes more than once.
      known.branches.push(...kept(sent).filter(({ branch }) => known.branches.every((one) => one.branch !== branch)));
      if (known.phase !== 'trying') book.changed.add(known);
      calls.setDeadline(known, now + settings.earlyCap);
    }
    return;
  }
  if (calls.size >= settings.maxDialogs || calls.withCallId(callId(m)).length >= CALLS_OF_A_CALL_ID) {
    book.untracked += 1;
    return;
  }
  const { caller, callee: called } = parties();
  const legs: Leg[] = [];
  if (caller) legs.push({ ...caller, direction: 'outgoing', told: '' });
  if (called) legs.push({ ...called, direction: 'incoming', told: '' });
  if (legs.length === 0) return;
  const call: Call = {
    key: own(key),
    callId: own(callId(m)),
    fromTag: own(fromTag),
    cseq: number,
    branches: kept(sent),
    ...(sent.asked === undefined ? {} : { asked: sent.asked && own(sent.asked) }),
    offer: 'delayed',
    phase: 'trying',
    dialogs: [],
    legs,
    startedAt: now,
    answeredAt: null,
    deadline: now + settings.earlyCap,
    toldDeadline: 0,
    media: [],
    session: 'unknown',
  };
  offers(call, m);
  remember(call, m, settings);
  calls.add(call);
}

/** A branch with memory of its own; none where what was seen is a copy of a message that another server relayed. */
function kept({ branch, uri, target }: Branch): Branch[] {
  if (branch === '') return [];
  return [
    {
      branch: own(branch),
      ...(uri === undefined ? {} : { uri: own(uri) }),
      ...(target === undefined ? {} : { target: { ...target, host: own(target.host) } }),
    },
  ];
}

/** What of the INVITE is needed later: for whom the call is by the configuration, whom it replaces, and how its caller is reached. */
function remember(call: Call, m: Message, { sessionRules }: CallBook['settings']): void {
  const [caller, called] = [from(m)?.uri ?? '', to(m)?.uri ?? ''];
  const rule = sessionRules && ruleFor(sessionRules, [called, m.uri]);
  if (rule) {
    call.rule = rule;
    call.session = rule;
  }
  const replaces = header(m, 'replaces');
  if (replaces !== undefined) call.replaces = own(replaces);
  const listed = contacts(m);
  const contact = (listed.ok && listed.contacts[0]?.uri) || '';
  if ([caller, called, contact].some((uri) => uri.length > TARGET_LENGTH)) return;
  call.ends = { from: own(caller), to: own(called), contact: own(contact) };
}

/** RFC 3261 13.2.1: an INVITE without a session description asks for the offer in the answer. */
function offers(call: Call, m: Message): void {
  const streams = streamsOf(m);
  call.offer = streams === undefined ? 'delayed' : 'early';
  if (streams) call.offered = streams;
  else if (call.offered) delete call.offered;
}

/** A response to the INVITE that began the call. */
export function answer(book: CallBook, call: Call, m: Message, now: number): CallEvent[] {
  if (m.status === 100) return [];
  const tag = to(m)?.tag ?? '';
  if (m.status < 200) return provisional(book, call, m, tag, now);
  if (m.status >= 300) {
    // RFC 3261 13.2.2.4: other forks may have answered; what they confirmed stays.
    if (call.dialogs.length > 0) return [];
    return book.end(call, failureReason(m.status, m.reason), now);
  }
  if (dialogState(call, tag) !== undefined || call.dialogs.length >= DIALOGS_OF_A_CALL) return [];
  const { talking, byeCap } = book.settings;
  call.answeredAt ??= now;
  call.branches = [];
  const detail = describe(call, m, own(tag));
  if (detail) {
    observeTimer(detail, m, now);
    learnEnds(call, detail, m);
  }
  // FIG. 4: "When information required for data communication is notified by the 200 response message and the ACK message, the
  // method shown in FIG. 4 must be used."
  const waits = talking === 'on-ack' || (talking === 'auto' && call.offer === 'delayed');
  setDialog(call, own(tag), waits ? 'answered' : 'confirmed');
  // RFC 3261 13.3.1.4: "If the server retransmits the 2xx response for 64*T1 seconds without receiving an ACK, [...] the session SHOULD be
  // terminated."
  book.calls.setDeadline(call, call.dialogs.some(([, state]) => state === 'confirmed') ? book.lifeOf(call, now) : now + byeCap);
  if (!waits) book.probes?.plan(call, now);
  return [...book.settle(call, undefined, now), ...replace(book, call, now)];
}

/** Early dialogs (RFC 3261 12.1), which may have media of their own. */
function provisional(book: CallBook, call: Call, m: Message, tag: string, now: number): CallEvent[] {
  if (call.phase !== 'trying' && call.phase !== 'early') return [];
  const reliable = requires(m).includes('100rel');
  if (tag !== '' && dialogState(call, tag) === undefined && (reliable || m.bodyStart < m.text.length)) {
    const detail = describe(call, m, own(tag));
    if (detail && reliable) learnRoute(detail, m);
  }
  if (call.phase === 'early') return book.rings(call, now);
  book.calls.setDeadline(call, now + book.settings.earlyCap);
  call.phase = 'early';
  book.changed.add(call);
  return [tell({ type: 'early', call, at: now })];
}

function describe(call: Call, m: Message, tag: string): Dialog | undefined {
  const detail = openDetail(call, tag);
  if (detail) responseDescribes(call, detail, m, 'caller');
  return detail;
}

/** FIG. 4: the ACK. */
export function acknowledged(book: CallBook, call: Call, tag: string, m: Message, now: number): CallEvent[] {
  const detail = detailOf(call, tag);
  if (detail) requestDescribes(call, detail, m, 'caller');
  return confirm(book, call, tag, now);
}

/** The 2xx that made the dialog has been acknowledged. */
export function confirm(book: CallBook, call: Call, tag: string, now: number): CallEvent[] {
  setDialog(call, tag, 'confirmed');
  book.calls.setDeadline(call, book.lifeOf(call, now));
  book.probes?.plan(call, now);
  return book.settle(call, undefined, now);
}
