import type { AddressSet } from '../address-set.ts';
import type { Binding, BindingChange } from '../registrar/binding.ts';
import { callId, type Message } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import { fullBucket, giveBack, type Rate, take } from './bucket.ts';
import { RegisteredFlows } from './flows.ts';
import { OpenCalls } from './open-calls.ts';
import { isScanner } from './scanners.ts';
import { showSource, sourceOf } from './source.ts';
import { type Source, Sources } from './sources.ts';

/** Times in ms. */
export interface GuardSettings {
  /** Never limited or banned. */
  readonly exempt: AddressSet;
  /** Messages of one source, and of one registered flow. */
  readonly messages: Rate;
  /** REGISTERs of one source from where nobody is registered. */
  readonly registers: Rate;
  /** Points that lead to a ban; they fade within `banWindow`. */
  readonly banAfter: number;
  readonly banWindow: number;
  /** The first ban; each further one is twice as long, up to `banMax`. */
  readonly banTime: number;
  readonly banMax: number;
  /** Names of scanners, in lower case. */
  readonly scanners: readonly string[];
  /** Calls open at once of one source, and registrations. */
  readonly sourceCalls: number;
  readonly sourceBindings: number;
  /** Connections (TCP, TLS, WebSocket) that one source may have open. */
  readonly sourceConnections: number;
  /** Sources remembered. */
  readonly maxSources: number;
  /** Registered flows remembered. */
  readonly maxFlows: number;
  /** Registrations were made with a password: nobody can have made one up. */
  readonly registrationsProven: boolean;
}

/** What speaks against a source. */
export type Evidence =
  /** Credentials that are wrong: `proven` for a nonce of ours, which nobody gets who makes up his address. */
  | 'proven-wrong'
  | 'wrong'
  | 'forbidden'
  /** Asked for a password. All are at first; who only ever is asks for names. */
  | 'challenged'
  /** Asked for what is not here. */
  | 'probe'
  | 'malformed'
  | 'scanner'
  /** More messages than its rate. */
  | 'flood';

/** A source that was banned, for the log. */
export interface Ban {
  readonly source: string;
  readonly until: number;
  readonly why: Evidence;
}

/**
 * How a message is taken: at once, from who is trusted, or registered and sends no more than a phone does; in its turn, from who is not
 * known or sends much; or not at all.
 */
export type Admission = 'at-once' | 'in-turn' | 'refused';

/** Messages beyond its rate that a registered flow may send before it waits for its turn: a phone with a busy line or two. */
const LIGHT = 64;

/** A REGISTER, as far as can be told before it is read (RFC 3261 7.5: CRLFs before it are ignored). */
const REGISTER = /^[\r\n]*REGISTER /;

/** Totals since start. */
export interface GuardCounters {
  bans: number;
  /** Messages of banned sources, dropped unread. */
  banned: number;
  /** Messages beyond a rate, dropped. */
  limited: number;
  scanners: number;
  /** Bans that were not made, as somebody is registered there and the evidence may be made up. */
  spared: number;
  /** Calls and registrations refused at the cap of their source. */
  cappedCalls: number;
  cappedBindings: number;
  /** Connections refused at the cap of their source. */
  cappedConnections: number;
}

/** Bans told to the log in one second; further ones are counted. */
const TOLD_A_SECOND = 10;

/** How often the registrations of a source at its cap are counted anew at most, ms. */
const RECOUNT = 1000;

/**
 * Limits by source, and temporary bans. It decides before a message is read, keeps a bounded memory, and never sends anything: who is banned
 * hears nothing. Over UDP an address is anybody's word, so: a registered flow (address and port) goes past every ban and has a rate of its own;
 * a source with registrations by password is not banned on what others may have sent in its name; bans on such evidence do not grow.
 */
export class Guard {
  readonly counters: GuardCounters = {
    bans: 0,
    banned: 0,
    limited: 0,
    scanners: 0,
    spared: 0,
    cappedCalls: 0,
    cappedBindings: 0,
    cappedConnections: 0,
  };
  readonly sources: Sources;
  readonly flows: RegisteredFlows;
  readonly #settings: GuardSettings;
  readonly #isTrusted: (flow: Pick<Flow, 'remote'>) => boolean;
  #told: Ban[] = [];
  #tellable = fullBucket({ rate: TOLD_A_SECOND, burst: TOLD_A_SECOND }, 0);
  #recountAt = 0;

  /** `isTrusted`: who is neither limited nor banned besides those of the settings. */
  constructor(settings: GuardSettings, isTrusted: (flow: Pick<Flow, 'remote'>) => boolean = () => false) {
    this.#settings = settings;
    this.#isTrusted = isTrusted;
    this.sources = new Sources(settings.maxSources);
    this.flows = new RegisteredFlows(settings.maxFlows, settings.messages);
  }

  /** The settings, or who is trusted, have changed. Bans that are there stay, but for those who are exempt now. */
  reconfigured(): void {
    this.sources.exempt((address) => this.#isExempt(address));
  }

  /** Is a message to be read, and when. `now` in ms since 1970. */
  admit(text: string, flow: Flow, now: number): Admission {
    const source = this.#source(flow.remote.address, now);
    if (this.#isFree(source, flow.remote.address)) return 'at-once';
    const { messages, registers } = this.#settings;
    const registered = this.flows.get(flow, now);
    if (registered !== undefined) {
      if (!take(registered.bucket, messages, now)) return this.#limited();
      return messages.burst - registered.bucket.tokens <= LIGHT ? 'at-once' : 'in-turn';
    }
    if (source.bannedUntil > now) return this.#banned();
    if (!take(source.messages, messages, now)) {
      this.against(flow, 'flood', now);
      return this.#limited();
    }
    if (REGISTER.test(text) && !take(source.registers, registers, now)) return this.#limited();
    return 'in-turn';
  }

  /** Was the source of a message that was admitted, and waited, banned meanwhile. */
  isBanned(flow: Flow, now: number): boolean {
    const source = this.#source(flow.remote.address, now);
    if (source.bannedUntil <= now || this.#isFree(source, flow.remote.address)) return false;
    if (this.flows.get(flow, now) !== undefined) return false;
    this.#banned();
    return true;
  }

  /** A message was admitted, and too many waited for it to wait too. */
  crowded(): void {
    this.#limited();
  }

  /** What was admitted answers what was sent from here: it counts for nothing, as whoever carries many calls answers much. */
  answered(flow: Flow, now: number): void {
    const { bucket } = this.flows.get(flow, now) ?? { bucket: this.#source(flow.remote.address, now).messages };
    giveBack(bucket, this.#settings.messages);
  }

  /** Is a new connection from there to be taken, where so many are open from the same source. */
  welcomes(address: string, open: number, now: number): boolean {
    const source = this.#source(address, now);
    if (this.#isFree(source, address)) return true;
    if (source.bannedUntil > now) {
      this.#banned();
      return false;
    }
    if (open < this.#settings.sourceConnections) return true;
    this.counters.cappedConnections += 1;
    return false;
  }

  /** Is a request that was read to be looked at further. */
  request(m: Message, flow: Flow, now: number): boolean {
    const source = this.#source(flow.remote.address, now);
    if (this.#isFree(source, flow.remote.address) || this.flows.get(flow, now) !== undefined) return true;
    if (!isScanner(m, this.#settings.scanners)) return true;
    this.counters.scanners += 1;
    this.against(flow, 'scanner', now);
    return false;
  }

  /** Something speaks against whoever sent over that flow. */
  against(flow: Flow, evidence: Evidence, now: number): void {
    const { address } = flow.remote;
    const source = this.#source(address, now);
    if (this.#isFree(source, address) || source.bannedUntil > now || this.flows.get(flow, now) !== undefined) return;
    const { banAfter, banWindow, banTime, banMax, registrationsProven } = this.#settings;
    const faded = ((now - source.scoredAt) * banAfter) / banWindow;
    source.score = Math.max(0, source.score - faded) + this.#weight(evidence);
    source.scoredAt = now;
    // Tenths do not add up to a whole in binary.
    if (source.score < banAfter - 1e-6) return;
    const proven = evidence === 'proven-wrong' || flow.transport !== 'udp';
    source.score = 0;
    if (!proven && registrationsProven && this.flows.bindingsOf(sourceOf(address)) > 0) {
      this.counters.spared += 1;
      return;
    }
    const time = Math.min(banMax, banTime * 2 ** Math.min(source.bans, 30));
    source.bannedUntil = now + (proven ? time : Math.min(time, banTime));
    if (proven) source.bans += 1;
    this.counters.bans += 1;
    if (take(this.#tellable, { rate: TOLD_A_SECOND, burst: TOLD_A_SECOND }, now)) {
      this.#told.push({ source: showSource(address), until: source.bannedUntil, why: evidence });
    }
  }

  /** Whoever sent over that flow gave the right password: those asked for it before it was one of them. */
  authenticated(flow: Flow, now: number): void {
    this.#source(flow.remote.address, now).score = 0;
  }

  /** Takes up an INVITE that begins a call, in its server transaction; false where its source has too many open. */
  begin(m: Message, id: string, flow: Flow, isOpen: (id: string, callId: string) => boolean, now: number): boolean {
    const source = this.#source(flow.remote.address, now);
    if (this.#isFree(source, flow.remote.address)) return true;
    const whose = this.flows.get(flow, now) ?? source;
    whose.calls ??= new OpenCalls();
    if (whose.calls.add(id, callId(m), this.#settings.sourceCalls, isOpen)) return true;
    this.counters.cappedCalls += 1;
    return false;
  }

  /** May one more registration come from there. `all` tells every binding, for counting anew. */
  mayRegister(flow: Flow, all: () => Iterable<Binding>, now: number): boolean {
    const { address } = flow.remote;
    if (this.#isFree(this.#source(address, now), address)) return true;
    const source = sourceOf(address);
    if (this.flows.bindingsOf(source) < this.#settings.sourceBindings) return true;
    if (now >= this.#recountAt) {
      this.#recountAt = now + RECOUNT;
      let bindings = 0;
      for (const { flow: other } of all()) if (sourceOf(other.remote.address) === source) bindings += 1;
      this.flows.recount(source, bindings);
      if (bindings < this.#settings.sourceBindings) return true;
    }
    this.counters.cappedBindings += 1;
    return false;
  }

  /** What became of bindings. */
  bindings(changes: readonly BindingChange[], now: number): void {
    this.flows.changed(changes, now);
  }

  /** The bans since it was last asked. */
  takeBans(): readonly Ban[] {
    if (this.#told.length === 0) return NO_BANS;
    const told = this.#told;
    this.#told = [];
    return told;
  }

  #limited(): 'refused' {
    this.counters.limited += 1;
    return 'refused';
  }

  #banned(): 'refused' {
    this.counters.banned += 1;
    return 'refused';
  }

  #source(address: string, now: number): Source {
    const key = sourceOf(address);
    const known = this.sources.get(key);
    if (known !== undefined) return known;
    const { messages, registers } = this.#settings;
    return this.sources.add(key, address, this.#isExempt(address), { messages, registers }, now);
  }

  /** Is that address of the source neither limited nor banned: of a /64, where a PBX stands beside its telephones, each for itself. */
  #isFree(source: Source, address: string): boolean {
    return source.address === address ? source.exempt : this.#isExempt(address);
  }

  #isExempt(address: string): boolean {
    return this.#settings.exempt.has(address) || this.#isTrusted({ remote: { address, port: 0 } });
  }

  /** Points of one piece of evidence. */
  #weight(evidence: Evidence): number {
    const { banAfter, messages } = this.#settings;
    if (evidence === 'scanner') return banAfter;
    // As many messages beyond the rate as make a burst.
    if (evidence === 'flood') return banAfter / messages.burst;
    // The phones of an office that come back together after a power cut are all asked before the first has answered.
    return evidence === 'challenged' ? 1 / 50 : 1;
  }
}

const NO_BANS: readonly Ban[] = [];
