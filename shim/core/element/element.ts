import { adopt } from '../adopt.ts';
import { Authorization, type AuthorizationSettings } from '../auth/authorization.ts';
import type { Hashes } from '../auth/hashes.ts';
import type { Users } from '../auth/users.ts';
import { type Admission, type Ban, Guard, type GuardSettings } from '../guard/guard.ts';
import type { JournalOp, JournalState } from '../journal.ts';
import type { OutboxEvent } from '../outbox/types.ts';
import { edgeRoute } from '../placing/edge-route.ts';
import { Placing, type PlacingSettings } from '../placing/placing.ts';
import { FlowTokens } from '../proxy/flow-token.ts';
import { StatefulProxy } from '../proxy/proxy.ts';
import { OWN_METHODS, REFUSALS, type Refusal } from '../proxy/refusal.ts';
import type { Routing } from '../proxy/route.ts';
import type { Self } from '../proxy/self.ts';
import { type Locate, Servers } from '../proxy/servers.ts';
import type { SessionTimerPolicy } from '../proxy/session-timer.ts';
import type { Binding, BindingChange } from '../registrar/binding.ts';
import { EdgeRegistrar } from '../registrar/edge.ts';
import { KnownUsers } from '../registrar/known.ts';
import { Location, type LocationLimits } from '../registrar/location.ts';
import { REGISTRAR_OPTIONS } from '../registrar/outbound.ts';
import type { RegistrarPolicy } from '../registrar/policy.ts';
import { register } from '../registrar/register.ts';
import { isRequest, type Message, type MessageLimits, parseUri, requires, scan, to } from '../sip/index.ts';
import { TransactionTable } from '../transaction/table.ts';
import type { Action, SendAction, TransactionEvent, TransactionSettings } from '../transaction/types.ts';
import { type Flow, isFramed, type Target } from '../transport.ts';
import { type Counters, newCounters } from './counters.ts';
import { partiesOf } from './parties.ts';
import { type Effects, Presence, type PresenceSettings } from './presence.ts';
import { Prober } from './prober.ts';

export interface ElementSettings {
  readonly messages: MessageLimits;
  readonly transactions: TransactionSettings;
  readonly registrar: RegistrarPolicy;
  readonly location: LocationLimits;
  readonly presence: PresenceSettings;
  /** Undefined: nobody is asked for a password, and whoever says to be a user is believed. */
  readonly authorization?: AuthorizationSettings;
  /** Undefined: no source is limited or banned. */
  readonly guard?: GuardSettings;
  /** Next hop for what is not local; at the edge of a PBX, the PBX. */
  readonly upstream: Target | undefined;
  readonly placing: PlacingSettings;
  /** RFC 4028: session timers that are asked for; left out where none are. */
  readonly sessionTimer?: SessionTimerPolicy | undefined;
  /** Most targets that one request is sent on to. */
  readonly maxBranches: number;
  /** Longest request that goes by UDP, bytes (RFC 3261 18.1.1). */
  readonly udpBytes: number;
  /** RFC 3263 4.3: servers of one name that a request is tried at, and how long one that failed is tried last, ms. */
  readonly serverTries: number;
  readonly serverAvoid: number;
  /** RFC 5393: the Max-Breadth of a request that carries none, and the highest taken of others. */
  readonly maxBreadth: number;
  /** Whether redirections to what is served here, or to the upstream, are followed here. */
  readonly recurse: boolean;
  /** Addresses of record remembered as known after their last binding ended: they are away (480), not unknown (404). */
  readonly knownUsers: number;
}

export interface ElementParts {
  readonly self: Self;
  /** A new string of token characters at each call, never the same again, also not in the next process. */
  readonly unique: () => string;
  /** RFC 3263: where names lead; left out where they are looked up only as messages leave. */
  readonly locate?: Locate;
  /** A message authentication code under a key of this process: for names of flows (RFC 5626 5.2), of which none are made without. */
  readonly mac?: Hashes['mac'];
  /** What authentication needs besides its settings. */
  readonly authentication?: { readonly users: Users; readonly hashes: Hashes };
}

/** What the shell is to do, in order. */
export type ElementAction =
  /** `durable`: only when all that was journaled before is on disk. A failure is told by `transportError(id)`, where there is an id. */
  | (SendAction & { readonly durable?: true })
  | { readonly type: 'journal'; readonly ops: readonly JournalOp[] }
  | { readonly type: 'log'; readonly event: OutboxEvent }
  | { readonly type: 'banned'; readonly ban: Ban }
  /** A defect in what stands behind the relay. The call has gone on. */
  | { readonly type: 'defect'; readonly error: unknown };

/**
 * The whole session control server of FIG. 2, without sockets, disk and clock: bytes in, actions out. Each message is relayed first, and
 * only then shown to presence, so that nothing of presence can delay or break a call.
 */
export class Element {
  readonly counters: Counters = newCounters();
  readonly table: TransactionTable;
  readonly location: Location;
  readonly presence: Presence;
  readonly #settings: ElementSettings;
  readonly #self: Self;
  readonly #unique: () => string;
  readonly #proxy: StatefulProxy;
  readonly #servers: Servers;
  readonly #flowTokens: FlowTokens | undefined;
  #placing: Placing;
  /** At the edge of a PBX: it takes the place of the registrar. */
  readonly #edge: EdgeRegistrar | undefined;
  /** Undefined where authentication is off. */
  readonly authorization: Authorization | undefined;
  /** Undefined where no source is limited or banned. */
  readonly guard: Guard | undefined;
  /** The request in hand comes from somebody of whom nothing is known, who is to learn nothing of who is known here. */
  #stranger = false;
  readonly #prober: Prober;
  readonly #known = new KnownUsers();
  /** What was relayed in the step under way, for presence to look at when the step is done. */
  #observed: (() => Effects)[] = [];
  #now = 0;
  #draining = false;

  constructor(settings: ElementSettings, parts: ElementParts) {
    this.#settings = settings;
    this.#self = parts.self;
    this.#unique = parts.unique;
    this.table = new TransactionTable(settings.transactions);
    this.location = new Location(settings.location);
    this.presence = new Presence(this.location, settings.presence);
    this.#placing = new Placing(settings.placing, settings.upstream, parts.self.domains);
    const placed = () => this.#placing;
    const isStranger = () => this.#stranger;
    const { authentication, self, unique } = parts;
    this.guard = settings.guard && new Guard(settings.guard, (flow) => placed().isTrusted(flow));
    this.authorization =
      settings.authorization &&
      authentication &&
      new Authorization(settings.authorization, {
        ...{ ...authentication, self, unique, location: this.location },
        get placing() {
          return placed();
        },
        calls: () => this.presence.tracker.calls,
      });
    const servers = new Servers(settings, parts.locate);
    this.#servers = servers;
    this.#flowTokens = parts.mac && new FlowTokens(parts.mac);
    const routing: Routing = {
      ...{ self: parts.self, servers, flowTokens: this.#flowTokens },
      // Asked each time, as they may change (`reconfigure`).
      get placing() {
        return placed();
      },
      get stranger() {
        return isStranger();
      },
      isKnownDialog: (m) => this.presence.tracker.knows(m),
      waysOf: (m) => this.presence.tracker.waysOf(m),
      ...(this.#placing.edge ? { edge: edgeRoute } : {}),
      get maxBranches() {
        return settings.maxBranches;
      },
      get udpBytes() {
        return settings.udpBytes;
      },
      get maxBreadth() {
        return settings.maxBreadth;
      },
      get recurse() {
        return settings.recurse;
      },
      lookup: (aor) => this.location.lookup(aor, this.#now),
      isKnown: (aor) => this.#stranger || this.#known.has(aor) || this.location.get(aor).length > 0,
    };
    this.#proxy = new StatefulProxy({
      table: this.table,
      unique: parts.unique,
      sessionTimer: settings.sessionTimer,
      restored: this.presence.tracker.restored,
      routing,
      observer: {
        request: (m, flow, callee, sent) => {
          const parties = () =>
            partiesOf(m, { flow, callee }, { location: this.location, placing: this.#placing, unique: this.#unique }, this.#now);
          this.#observed.push(() => this.presence.request(m, parties, this.#now, { callee, sent }));
        },
        response: (m, way) => {
          this.#observed.push(() => this.presence.response(m, this.#now, way));
        },
      },
    });
    this.#prober = new Prober({ table: this.table, routing, unique: parts.unique });
    this.#edge = this.#placing.edge && settings.upstream ? this.#edgeOf(settings.upstream) : undefined;
  }

  /** Goes on by other settings. What is under way keeps the deadlines that it has. `settings` of the start become this element's own. */
  reconfigure(settings: ElementSettings, domains: readonly string[]): void {
    adopt(this.#settings, settings);
    this.#self.serve(domains);
    this.#placing = new Placing(this.#settings.placing, this.#settings.upstream, domains);
    this.guard?.reconfigured();
  }

  /** Takes no new calls from now on, as the process is about to end. All else goes on: calls that are there, registrations. */
  drain(): void {
    this.#draining = true;
  }

  /** New calls are refused. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Takes up what an earlier process left on disk. */
  restore(state: JournalState, now: number): ElementAction[] {
    this.#now = now;
    // An earlier process may have had a clock that was ahead, or granted more: no binding lasts longer than one that begins now could.
    const { registrar, placing } = this.#settings;
    const latest = now + (this.#placing.edge || placing.mirrored === true ? placing.longestGrant : registrar.maxExpires) * 1000;
    const bindings = state.bindings.map((b) =>
      b.since <= now && b.expiresAt <= latest
        ? b
        : { ...b, since: Math.min(b.since, now), expiresAt: Math.min(b.expiresAt, latest) },
    );
    this.location.restore(bindings);
    this.#known.restore(state.known, this.#settings.knownUsers);
    this.guard?.bindings(
      bindings.map((binding) => ({ type: 'added', binding })),
      now,
    );
    return this.#effects(this.presence.restore(state, now));
  }

  /** A datagram, or one framed message of a connection: a byte string. */
  receive(text: string, flow: Flow, now: number): ElementAction[] {
    return this.admit(text, flow, now) === 'refused' ? this.bans() : this.take(text, flow, now);
  }

  /** Is a message to be read, and when: before `take`, where some wait for their turn. */
  admit(text: string, flow: Flow, now: number): Admission {
    return this.guard?.admit(text, flow, now) ?? 'at-once';
  }

  /** A message that was admitted. */
  take(text: string, flow: Flow, now: number): ElementAction[] {
    this.#now = now;
    this.#stranger = false;
    const scanned = scan(text, this.#settings.messages, isFramed(flow.transport) ? 'datagram' : 'stream');
    if (!scanned.ok) {
      this.guard?.against(flow, 'malformed', now);
      return [...this.#malformed(scanned, flow), ...this.bans()];
    }
    const m = scanned.message;
    if (!isRequest(m)) return this.#observe(this.#response(m, flow, now));
    if (this.guard?.request(m, flow, now) === false) return this.bans();
    const actions = this.#observe(this.#request(m, flow, now));
    return this.guard === undefined ? actions : [...actions, ...this.bans()];
  }

  /** What was sent under that id did not leave. */
  transportError(id: string, now: number): ElementAction[] {
    this.#now = now;
    if (id === '') return [];
    this.counters.transportErrors += 1;
    return this.#observe(this.#events(this.table.transportError(id, now), now));
  }

  /** Does what is due. Early, late and repeated calls are harmless. */
  expire(now: number): ElementAction[] {
    this.#now = now;
    const { actions, events } = this.table.expire(now);
    const sent = [...actions, ...this.#events(events, now)];
    this.#observed.push(() => this.#bound(this.location.expire(now), now));
    this.#observed.push(() => this.presence.expire(now));
    return [...this.#observe(sent), ...this.#probe(now)];
  }

  /** The answer to a question whether a call lives: for presence alone. */
  #asked({ probe, finding }: NonNullable<ReturnType<Prober['answered']>>, now: number): [] {
    if (finding) this.#observed.push(() => this.presence.probed(probe, finding, now));
    return [];
  }

  /** Asks calls of which nothing is heard whether they live: a defect in it, too, may touch no call. */
  #probe(now: number): ElementAction[] {
    try {
      const { actions, failed } = this.#prober.send(this.presence.tracker.probes(now), now);
      for (const probe of failed) this.#observed.push(() => this.presence.probed(probe, 'there', now));
      return this.#observe([...actions]);
    } catch (error) {
      this.counters.defects += 1;
      return [{ type: 'defect', error }];
    }
  }

  /** Response contexts, and branches under which something may still come. */
  get contexts(): readonly [contexts: number, branches: number] {
    const { size, branches } = this.#proxy.contexts;
    return [size, branches];
  }

  nextDeadline(): number | undefined {
    let next = this.table.nextDeadline();
    for (const at of [this.location.nextDeadline(), this.presence.nextDeadline()]) {
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    return next;
  }

  #request(m: Message, flow: Flow, now: number): ElementAction[] {
    this.counters.requests += 1;
    const result = this.table.request(m, flow, now);
    switch (result.kind) {
      case 'absorbed':
        return [...result.actions];
      case 'ack':
        return [...result.actions, ...this.#proxy.acknowledge(m, flow, now)];
      case 'full':
        this.counters.overload += 1;
        return [...result.actions, ...this.#proxy.reject(m, flow, REFUSALS.full)];
      case 'new': {
        if (this.#draining && m.method === 'INVITE' && to(m)?.tag === undefined)
          return [...result.actions, ...this.#proxy.refuse(result.id, m, flow, REFUSALS.draining, now)];
        if (this.#edge?.takes(m)) return [...result.actions, ...this.#edge.request(m, flow, result.id, now)];
        const refuse = (refusal: Refusal) => [...result.actions, ...this.#proxy.refuse(result.id, m, flow, refusal, now)];
        const ruling = this.authorization?.rule(m, flow, now);
        if (ruling?.kind === 'refused') {
          this.guard?.against(flow, ruling.why, now);
          return refuse(ruling.refusal);
        }
        if (ruling?.authenticated) this.guard?.authenticated(flow, now);
        if (this.#isBeyondCap(m, result.id, flow, now)) return refuse(REFUSALS.busySource);
        this.#stranger = ruling?.stranger ?? false;
        const relay = ruling?.relay ?? m;
        const done = this.#proxy.request(relay, flow, result.id, now);
        const answered = done === 'own' ? this.#serve(relay, flow, result.id, now) : done;
        if (this.guard !== undefined && answered.some(isProbed)) this.guard.against(flow, 'probe', now);
        return [...result.actions, ...answered];
      }
    }
  }

  #response(m: Message, flow: Flow, now: number): ElementAction[] {
    this.counters.responses += 1;
    const result = this.table.response(m, now);
    if (result.kind !== 'stray') this.guard?.answered(flow, now);
    if (result.kind === 'deliver') {
      const asked = this.#prober.answered(result.id, m);
      if (asked) return [...result.actions, ...this.#asked(asked, now)];
      const edge = this.#edge?.owns(result.id) ? this.#edge : undefined;
      if (edge === undefined) return [...result.actions, ...this.#proxy.response(m, result.id, now)];
      const { actions, changes, wrong, right } = edge.response(m, result.id, now);
      if (right !== undefined) this.guard?.authenticated(right, now);
      const done = [...result.actions, ...this.#afterBindings(actions, changes, now)];
      if (wrong === undefined) return done;
      this.guard?.against(wrong, 'wrong', now);
      return [...done, ...this.bans()];
    }
    if (result.kind === 'absorbed') return [...result.actions];
    this.counters.strays += 1;
    return [...result.actions, ...this.#proxy.stray(m, now)];
  }

  /** A request for this element itself. */
  #serve(m: Message, flow: Flow, id: string, now: number): ElementAction[] {
    const refuse = (refusal: Refusal) => this.#proxy.refuse(id, m, flow, refusal, now);
    // RFC 3261 11.2: OPTIONS answered as if it were an INVITE: this element is there, and takes no calls of its own.
    if (m.method === 'OPTIONS')
      return refuse({
        status: 200,
        reason: 'OK',
        headers: [
          ['Allow', OWN_METHODS],
          ['Accept', 'application/sdp'],
        ],
      });
    if (m.method !== 'REGISTER') return refuse(REFUSALS.method);
    // RFC 3261 10.3 step 5: "If the address-of-record is not valid for the domain in the Request-URI, the registrar MUST send a 404."
    // RFC 3261 10.3 step 2: "the registrar MUST process the Require header field values as described for UASs in Section 8.2.2": 420 for
    // what is not supported.
    const required = requires(m).filter((option) => !REGISTRAR_OPTIONS.has(option));
    if (required.length > 0) return refuse(REFUSALS.extension(required));
    const uri = parseUri(to(m)?.uri ?? '');
    const aor = uri && this.#placing.naming.localUser(uri, this.#self);
    if (aor === undefined) return refuse(REFUSALS.unknownUser);
    const all = () => this.#bindings();
    if (!this.location.has(aor, now) && this.guard?.mayRegister(flow, all, now) === false) return refuse(REFUSALS.busySource);
    const result = register(m, aor, this.location, this.#settings.registrar, flow, now);
    return this.#afterBindings(refuse(result), result.changes, now);
  }

  /** An answer to REGISTER leaves when what it tells of is on disk. */
  #afterBindings(answer: readonly Action[], changes: readonly BindingChange[], now: number): ElementAction[] {
    if (changes.length === 0) return [...answer];
    const effects = this.#guarded(() => this.#bound(changes, now));
    return [...effects, ...answer.map((action) => ({ ...action, durable: true as const }))];
  }

  #edgeOf(pbx: Target): EdgeRegistrar {
    const settings = this.#settings;
    const placed = () => this.#placing;
    const { contactRewrite, longestGrant } = settings.placing;
    return new EdgeRegistrar(
      {
        get pbx() {
          return settings.upstream ?? pbx;
        },
        contactRewrite,
        get policy() {
          return { ...settings.registrar, maxExpires: longestGrant };
        },
        messages: settings.messages,
      },
      {
        table: this.table,
        self: this.#self,
        servers: this.#servers,
        get naming() {
          return placed().naming;
        },
        location: this.location,
        ...{ unique: this.#unique, flowTokens: this.#flowTokens },
        refuse: (id, m, flow, refusal, now) => this.#proxy.refuse(id, m, flow, refusal, now),
        mayRegister: (flow, now) => this.guard?.mayRegister(flow, () => this.#bindings(), now) ?? true,
      },
    );
  }

  /** RFC 3261 16.3 step 1, 21.4.1: what cannot be understood is answered where it can be, and dropped where not. */
  #malformed(scanned: Extract<ReturnType<typeof scan>, { ok: false }>, flow: Flow): ElementAction[] {
    this.counters.malformed += 1;
    const { message, status, reason } = scanned;
    if (message === undefined) return [];
    this.counters.malformedAnswered += 1;
    return this.#proxy.reject(message, flow, { status, reason, headers: [] });
  }

  #events(events: readonly TransactionEvent[], now: number): ElementAction[] {
    return events.flatMap((event) => {
      const probe = this.#prober.event(event);
      if (probe === undefined) return (this.#edge?.owns(event.id) ? this.#edge : this.#proxy).event(event, now);
      this.#observed.push(() => this.presence.probed(probe, 'gone', now));
      return [];
    });
  }

  /** Does an INVITE that begins a call come from a source that has too many open. */
  #isBeyondCap(m: Message, id: string, flow: Flow, now: number): boolean {
    if (this.guard === undefined || m.method !== 'INVITE' || to(m)?.tag !== undefined) return false;
    const { calls } = this.presence.tracker;
    return !this.guard.begin(m, id, flow, (one, of) => this.table.awaits(one) || calls.withCallId(of).length > 0, now);
  }

  *#bindings(): Iterable<Binding> {
    for (const user of this.location.users()) yield* this.location.get(user);
  }

  /** The bans to be told since the last that were. */
  bans(): ElementAction[] {
    return (this.guard?.takeBans() ?? []).map((ban) => ({ type: 'banned', ban }));
  }

  /** Bindings changed: who was here, and from where, is remembered, and the Worker is told. */
  #bound(changes: readonly BindingChange[], now: number): Effects {
    this.guard?.bindings(changes, now);
    const known = this.#known.learn(changes, this.#settings.knownUsers);
    const { ops, events } = this.presence.bindings(changes, now);
    return { ops: [...ops, ...known], events };
  }

  /** The relay is done: now presence looks at what passed. */
  #observe(actions: ElementAction[]): ElementAction[] {
    if (this.#observed.length === 0) return actions;
    const observed = this.#observed;
    this.#observed = [];
    for (const look of observed) actions.push(...this.#guarded(look));
    return actions;
  }

  /** Invariant 7: "if everything behind the tracker fails, calls go on". */
  #guarded(look: () => Effects): ElementAction[] {
    try {
      return this.#effects(look());
    } catch (error) {
      this.counters.defects += 1;
      return [{ type: 'defect', error }];
    }
  }

  #effects({ ops, events }: Effects): ElementAction[] {
    const actions: ElementAction[] = [];
    if (ops.length > 0) actions.push({ type: 'journal', ops });
    for (const event of events) actions.push({ type: 'log', event });
    return actions;
  }
}

/** Is that an answer to who asks for what is not here, or for what is not given to him. */
function isProbed(action: ElementAction): boolean {
  return action.type === 'send' && /^SIP\/2\.0 (404|403|484|604) /.test(action.text);
}
