import { canonicalAor, LIMITS } from '#protocol';
import type { Call } from '../dialog/call.ts';
import type { Parties, Way } from '../dialog/tracker.ts';
import type { Effects } from '../element/presence.ts';
import { identityOf } from '../report/identity.ts';
import { callId, contacts, cseq, from, type Message, type NameAddr, own, to, topVia } from '../sip/index.ts';
import type { Contacts } from './contacts.ts';
import { append } from './effects.ts';
import { Memory } from './memory.ts';
import type { MirrorCounters, MirrorParts, MirrorSettings } from './mirror.ts';
import { inviteOf } from './pieced.ts';
import type { Observed } from './reorder.ts';

/** Requests within a dialog that may have overtaken the 2xx that made the dialog: kept of one call. */
const EARLY_REQUESTS = 4;

/**
 * Calls, as they are mirrored. The same INVITE is seen at several places: as the caller's phone sends it, and as it goes to each phone of
 * a callee. Each of these is a call of its own for the tracker, with one local user, as it is where the element relays an INVITE of which
 * another proxy is in charge. A back-to-back PBX has another Call-ID on each side, and is no different.
 */
export class MirroredCalls {
  readonly #settings: MirrorSettings;
  readonly #parts: MirrorParts;
  readonly #contacts: Contacts;
  readonly #counters: MirrorCounters;
  /** Messages seen, so that a copy changes nothing. */
  readonly #seen: Memory<true>;
  /** Call-IDs of calls that a BYE ended, and INVITEs that were refused: what comes late of these begins nothing. */
  readonly #over: Memory<true>;
  /** By Call-ID: ACK and BYE of dialogs that are not known yet. */
  readonly #early: Memory<Message[]>;
  /** The 2xx of each INVITE: what is seen of that INVITE later, at another place, has been answered already. */
  readonly #answers: Memory<Message>;

  constructor(settings: MirrorSettings, parts: MirrorParts, known: Contacts, counters: MirrorCounters) {
    this.#settings = settings;
    this.#parts = parts;
    this.#contacts = known;
    this.#counters = counters;
    this.#seen = new Memory(settings.maxRemembered, settings.memory);
    this.#over = new Memory(settings.maxRemembered, settings.memory);
    this.#early = new Memory(settings.maxRemembered, settings.memory);
    this.#answers = new Memory(settings.maxRemembered, settings.memory);
  }

  request(m: Message, observed: Observed, now: number): Effects {
    if (m.method === 'INVITE' && to(m)?.tag === undefined) return this.#invite(m, observed, now);
    if (to(m)?.tag === undefined || this.#isCopy(m, now)) return nothing();
    if (m.method === 'BYE') this.#over.set(callId(m), true, now);
    if (m.method === 'BYE' || m.method === 'ACK') this.#keepEarly(m, now);
    return this.#shown(
      m,
      this.#parts.presence.request(m, () => ({}), now),
      now,
    );
  }

  response(m: Message, observed: Observed, now: number): Effects {
    if (m.status === 100) return nothing();
    if (m.method !== 'INVITE')
      return this.#isCopy(m, now) ? nothing() : this.#shown(m, this.#parts.presence.response(m, now), now);
    if (m.status >= 300 && this.#begun(m).length > 0) return this.#refused(m, observed, now);
    const known = this.#calls(m).length > 0;
    if (m.status < 300 && (!known || this.#begun(m).length > 0)) return this.#answered(m, observed, now);
    if (!known && m.status >= 300) this.#over.set(inviteKey(m), true, now);
    return this.#isCopy(m, now) ? nothing() : this.#shown(m, this.#parts.presence.response(m, now), now);
  }

  /** An INVITE that begins a call, at one of the places that it passes. */
  #invite(m: Message, observed: Observed, now: number): Effects {
    if (this.#over.has(callId(m), now) || this.#over.has(inviteKey(m), now)) return nothing();
    const caller = this.#callerOf(m, observed, now);
    return this.#begin(m, caller, this.#calleeOf(m.uri, to(m)?.uri, now), now);
  }

  #begin(m: Message, caller: string | undefined, callee: string | undefined, now: number): Effects {
    const { presence, unique } = this.#parts;
    const [calling, called] = [from(m), to(m)];
    const effects = nothing();
    const answer = this.#answers.get(inviteKey(m), now);
    const show = (parties: () => Parties, user: string | undefined) => {
      // One branch for each phone of a callee: the call is refused when all have refused.
      const branch = user === undefined ? '' : (topVia(m)?.branch ?? '');
      append(effects, presence.request(m, parties, now, { callee: user, sent: { branch } }));
      if (answer !== undefined) append(effects, presence.response(answer, now, user ?? null));
    };
    if (caller !== undefined && called)
      show(() => ({ caller: { user: own(caller), id: unique(), peer: peerOf(called) } }), undefined);
    if (callee !== undefined && calling)
      show(() => ({ callee: { user: own(callee), id: unique(), peer: peerOf(calling) } }), callee);
    if (answer !== undefined) this.#overtook(answer, effects, now);
    return this.#shown(m, effects, now);
  }

  /** A provisional answer or a 2xx: good for the caller, and for the callee whose phone it is from, wherever it was seen. */
  #answered(m: Message, observed: Observed, now: number): Effects {
    const callees = this.#begun(m).flatMap((call) => calleeOf(call) ?? []);
    const answering =
      callees.find((user) => this.#isFrom(m, observed, user, now)) ?? (callees.length === 1 ? callees[0] : undefined);
    const effects = nothing();
    const pieced = this.#piece(m, observed, answering, effects, now);
    const ways = this.#isCopy(m, now) ? pieced : new Set([null, ...(answering === undefined ? [] : [answering]), ...pieced]);
    for (const way of ways) append(effects, this.#parts.presence.response(m, now, way));
    if (m.status >= 200) {
      this.#answers.set(inviteKey(m), m, now);
      this.#overtook(m, effects, now);
    }
    return this.#shown(m, effects, now);
  }

  /** Requests that have overtaken the 2xx that made their dialog come after it now. */
  #overtook(m: Message, effects: Effects, now: number): void {
    for (const early of this.#early.get(callId(m), now) ?? []) {
      if (to(early)?.tag !== to(m)?.tag && from(early)?.tag !== to(m)?.tag) continue;
      append(
        effects,
        this.#parts.presence.request(early, () => ({}), now),
      );
    }
  }

  /** A refusal: of one phone, where it comes from that; of the whole INVITE, where it goes to the caller's. */
  #refused(m: Message, observed: Observed, now: number): Effects {
    const { presence } = this.#parts;
    const begun = this.#begun(m);
    const callees = begun.flatMap((call) => calleeOf(call) ?? []);
    const branch = topVia(m)?.branch;
    const isOf = (call: Call) => call.branches.some((one) => one.branch === branch);
    const refusing =
      callees.find((user) => this.#contacts.isAt(user, observed.source, now)) ??
      begun.filter(isOf).flatMap((call) => calleeOf(call) ?? [])[0];
    if (refusing !== undefined) {
      const call = begun.find((one) => calleeOf(one) === refusing);
      if (call) call.branches = call.branches.filter((one) => one.branch !== branch);
      // RFC 3261 16.7: another phone of the same user may still ring.
      return call && call.branches.length > 0 ? nothing() : this.#shown(m, presence.response(m, now, refusing), now);
    }
    const callers = begun.flatMap((call) => call.legs.filter((leg) => leg.direction === 'outgoing').map((leg) => leg.user));
    if (!callers.some((user) => this.#isAddressOf(user, observed.destination.address, now))) return nothing();
    // RFC 3261 16.7: a final response goes back when all branches are done.
    this.#over.set(inviteKey(m), true, now);
    const effects = nothing();
    for (const way of [null, ...callees]) {
      append(effects, presence.response(m, now, way));
    }
    return this.#shown(m, effects, now);
  }

  /** Where the INVITE was not seen on its way from the caller's phone, or to the callee's, its answer makes that call known. Returns the ways back. */
  #piece(m: Message, { source, destination }: Observed, answering: string | undefined, effects: Effects, now: number): Set<Way> {
    const ways = new Set<Way>();
    if (this.#over.has(callId(m), now) || this.#over.has(inviteKey(m), now)) return ways;
    const { userOf } = this.#parts;
    const begun = this.#begun(m);
    let caller: string | undefined;
    if (!begun.some((call) => call.legs.some((leg) => leg.direction === 'outgoing')) && !this.#contacts.isServer(destination)) {
      const calling = userOf(from(m)?.uri ?? '');
      if (calling !== undefined && this.#isAddressOf(calling, destination.address, now)) caller = calling;
    }
    let callee: string | undefined;
    if (answering === undefined) {
      const called = userOf(to(m)?.uri ?? '');
      callee = this.#calleeOf(contactOf(m), to(m)?.uri, now);
      if (callee === undefined && called !== undefined && this.#contacts.isAt(called, source, now)) callee = called;
    }
    const invite = caller === undefined && callee === undefined ? undefined : inviteOf(m, this.#settings.messages);
    if (invite === undefined) return ways;
    this.#counters.pieced += 1;
    append(effects, this.#begin(invite, caller, callee, now));
    if (caller !== undefined) ways.add(null);
    if (callee !== undefined) ways.add(callee);
    return ways;
  }

  /**
   * Who stands in From, where the INVITE comes from an address at which that user is registered, and not from a server that may be at the
   * same address: a name in From is anybody's word.
   */
  #callerOf(m: Message, { source }: Observed, now: number): string | undefined {
    const user = this.#parts.userOf(from(m)?.uri ?? '');
    if (user === undefined || this.#contacts.isServer(source)) return undefined;
    return this.#isAddressOf(user, source.address, now) ? user : undefined;
  }

  /** Whose phone that URI is; where it is several users', the one in To, else the last to register. */
  #calleeOf(uri: string, called: string | undefined, now: number): string | undefined {
    const users = this.#contacts.usersOf(uri, now);
    if (users.length < 2) return users[0];
    const named = this.#parts.userOf(called ?? '');
    return named !== undefined && users.includes(named) ? named : users.at(-1);
  }

  #isAddressOf(user: string, address: string, now: number): boolean {
    return this.#parts.location.lookup(user, now).some((binding) => binding.flow.remote.address === address);
  }

  /** Is that answer from that user's phone: by its Contact, else by where it was sent from. */
  #isFrom(m: Message, { source }: Observed, user: string, now: number): boolean {
    return this.#contacts.usersOf(contactOf(m), now).includes(user) || this.#contacts.isAt(user, source, now);
  }

  #calls(m: Message): readonly Call[] {
    return this.#parts.presence.tracker.calls.withCallId(callId(m));
  }

  /** The calls that the INVITE began which this answers. */
  #begun(m: Message): Call[] {
    const number = cseq(m).number;
    const tag = from(m)?.tag ?? '';
    return this.#calls(m).filter((call) => call.fromTag === tag && call.cseq === number);
  }

  #isCopy(m: Message, now: number): boolean {
    const { number } = cseq(m);
    const key = `${m.status} ${m.method} ${number}\n${callId(m)}\n${from(m)?.tag ?? ''}\n${to(m)?.tag ?? ''}`;
    if (this.#seen.has(key, now)) {
      this.#counters.duplicates += 1;
      return true;
    }
    this.#seen.set(key, true, now);
    return false;
  }

  #keepEarly(m: Message, now: number): void {
    const tags = [from(m)?.tag, to(m)?.tag];
    if (this.#calls(m).some((call) => call.dialogs.some(([tag]) => tags.includes(tag)))) return;
    const kept = this.#early.get(callId(m), now) ?? [];
    if (kept.length < EARLY_REQUESTS) this.#early.set(callId(m), [...kept, m], now);
  }

  /** No mirrored call lives longer without a word than it may. */
  #shown(m: Message, effects: Effects, now: number): Effects {
    const { calls } = this.#parts.presence.tracker;
    const latest = now + this.#settings.cap;
    for (const call of this.#calls(m)) if (call.deadline > latest) calls.setDeadline(call, latest);
    return effects;
  }
}

const nothing = (): Effects => ({ ops: [], events: [] });

const inviteKey = (m: Message): string => `${callId(m)}\n${cseq(m).number}`;

const calleeOf = (call: Call): string | undefined => call.legs.find((leg) => leg.direction === 'incoming')?.user;

function contactOf(m: Message): string {
  const found = contacts(m);
  return found.ok ? (found.contacts[0]?.uri ?? '') : '';
}

/** The other side as presence tells it: the address of record where it is one, and the display name. */
function peerOf(address: NameAddr): { uri: string; name?: string } {
  const uri = canonicalAor(address.uri) ?? identityOf(address.uri);
  const name = address.display.slice(0, LIMITS.fieldLength);
  return name === '' ? { uri: own(uri) } : { uri: own(uri), name };
}
