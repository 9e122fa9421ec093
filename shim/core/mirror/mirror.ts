import type { Effects, Presence } from '../element/presence.ts';
import { learn, type Registered } from '../registrar/learn.ts';
import type { Location } from '../registrar/location.ts';
import { isRequest, type MessageLimits, scan, to } from '../sip/index.ts';
import { MirroredCalls } from './calls.ts';
import { Contacts } from './contacts.ts';
import { append } from './effects.ts';
import { type Registration, Registrations } from './registrations.ts';
import { renew } from './renew.ts';
import { type Observed, Reorder } from './reorder.ts';

export interface MirrorSettings {
  readonly messages: MessageLimits;
  /** How long what others granted is believed at most, and what stands in where nobody names a time. */
  readonly registrar: Registered['policy'];
  /** A mirrored call of which nothing is heard is given up after so long, ms: the longest that a lost BYE can leave a ghost. */
  readonly cap: number;
  /** What is seen out of order is put in order within so long, ms. */
  readonly reorder: number;
  /** Messages held at once to be put in order. */
  readonly maxHeld: number;
  /** Messages, registrations and calls remembered, each. */
  readonly maxRemembered: number;
  /** How long a message may come a second time, or late, ms: 64*T1 and then some. */
  readonly memory: number;
}

export interface MirrorParts {
  readonly location: Location;
  readonly presence: Presence;
  /** The canonical address of record that this URI names, where it is one of a domain that is served; else undefined. */
  readonly userOf: (uri: string) => string | undefined;
  /** A new string of token characters at each call, never the same again. */
  readonly unique: () => string;
}

/** Totals since start. */
export interface MirrorCounters {
  messages: number;
  malformed: number;
  /** Seen before: at another place, or a retransmission. */
  duplicates: number;
  /** REGISTERs that their 2xx made good. */
  registrations: number;
  /** 2xx whose REGISTER was never seen. */
  orphans: number;
  /** REGISTERs of domains that are not served here. */
  foreign: number;
  /** Calls whose INVITE was never seen, known by their answer. */
  pieced: number;
}

/**
 * The passive source: what a SIP server mirrors of its traffic, shown to the same location service and the same presence as relayed
 * traffic is. Nothing is ever sent. Mirrored messages may come twice, late or never: what is said of a call is bounded by its deadlines
 * (`cap` at the most), what is said of a registration by the time that was granted to it.
 */
export class Mirror {
  readonly counters: MirrorCounters = {
    messages: 0,
    malformed: 0,
    duplicates: 0,
    registrations: 0,
    orphans: 0,
    foreign: 0,
    pieced: 0,
  };
  readonly #settings: MirrorSettings;
  readonly #parts: MirrorParts;
  readonly #reorder: Reorder;
  readonly #registrations: Registrations;
  readonly #contacts: Contacts;
  readonly #calls: MirroredCalls;

  /** `parts.location` and `parts.presence` are as they come from disk: what they hold is known from the start. */
  constructor(settings: MirrorSettings, parts: MirrorParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#reorder = new Reorder(settings.reorder, settings.maxHeld);
    this.#registrations = new Registrations(settings.maxRemembered, settings.memory);
    this.#contacts = new Contacts(parts.location);
    this.#calls = new MirroredCalls(settings, parts, this.#contacts, this.counters);
  }

  /** Messages that wait to be put in order. */
  get held(): number {
    return this.#reorder.size;
  }

  /** A message was seen. */
  observe(observed: Observed, now: number): Effects {
    this.counters.messages += 1;
    return this.#all(this.#reorder.add(observed, now), now);
  }

  /** Does what is due. Early, late and repeated calls are harmless. */
  expire(now: number): Effects {
    const effects = this.#all(this.#reorder.due(now), now);
    for (const registration of this.#registrations.expire(now)) {
      this.counters.orphans += 1;
      append(effects, this.#learn(registration, now));
    }
    return effects;
  }

  nextDeadline(): number | undefined {
    const [held, waiting] = [this.#reorder.nextDeadline(), this.#registrations.nextDeadline()];
    return held === undefined || waiting === undefined ? (held ?? waiting) : Math.min(held, waiting);
  }

  #all(messages: readonly Observed[], now: number): Effects {
    const effects: Effects = { ops: [], events: [] };
    for (const observed of messages) append(effects, this.#one(observed, now));
    return effects;
  }

  #one(observed: Observed, now: number): Effects {
    const scanned = scan(observed.text, this.#settings.messages, observed.transport === 'udp' ? 'datagram' : 'stream');
    if (!scanned.ok) {
      this.counters.malformed += 1;
      return { ops: [], events: [] };
    }
    const m = scanned.message;
    if (m.method !== 'REGISTER')
      return isRequest(m) ? this.#calls.request(m, observed, now) : this.#calls.response(m, observed, now);
    const half = isRequest(m) ? this.#registrations.request(m, observed, now) : this.#registrations.response(m, observed, now);
    if (half === undefined) return { ops: [], events: [] };
    this.counters.registrations += 1;
    return this.#learn(half, now);
  }

  #learn({ request, response, flow, at }: Registration, now: number): Effects {
    const { location, presence, userOf } = this.#parts;
    const aor = userOf(to(response)?.uri ?? '');
    if (aor === undefined) {
      this.counters.foreign += 1;
      return { ops: [], events: [] };
    }
    const registered = { aor, location, flow, policy: this.#settings.registrar, now };
    const changes = request === undefined ? renew(response, { ...registered, now: at }) : learn(request, response, registered);
    this.#contacts.learned(changes);
    return presence.bindings(changes, now);
  }
}
