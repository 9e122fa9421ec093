import type { Naming } from '../placing/naming.ts';
import { contactHash, parsePlace, placeToken } from '../placing/token.ts';
import { isLoop, loopHash, makeBranch } from '../proxy/branch.ts';
import type { FlowTokens } from '../proxy/flow-token.ts';
import { MAX_FORWARDS, viaValue } from '../proxy/forward.ts';
import { REFUSALS, type Refusal } from '../proxy/refusal.ts';
import { bracketed, type Self } from '../proxy/self.ts';
import type { Servers } from '../proxy/servers.ts';
import { sentFrom } from '../proxy/target-search.ts';
import { validate } from '../proxy/validate.ts';
import {
  contacts,
  header,
  type Message,
  type MessageLimits,
  maxForwards,
  parseUri,
  relayRequest,
  relayResponse,
  replaceContacts,
  routes,
  scan,
  to,
  topVia,
  vias,
} from '../sip/index.ts';
import type { TransactionTable } from '../transaction/table.ts';
import type { Action, TransactionEvent } from '../transaction/types.ts';
import { type Flow, isFramed, type ListenPoint, type Target, viaStamp } from '../transport.ts';
import type { BindingChange } from './binding.ts';
import { learn } from './learn.ts';
import type { Location } from './location.ts';
import { outboundOf } from './outbound.ts';
import type { RegistrarPolicy } from './policy.ts';

export interface EdgeSettings {
  /** The PBX. */
  readonly pbx: Target;
  /** Off: the PBX is given a Path (RFC 3327). On: it is given a Contact that leads here. */
  readonly contactRewrite: boolean;
  /** `maxExpires`: no binding is believed to last longer. */
  readonly policy: Pick<RegistrarPolicy, 'defaultExpires' | 'maxExpires' | 'maxContacts'>;
  readonly messages: MessageLimits;
}

export interface EdgeParts {
  readonly table: TransactionTable;
  readonly self: Self;
  readonly servers: Servers;
  readonly naming: Naming;
  readonly location: Location;
  readonly unique: () => string;
  /** RFC 5626 5.2: names of flows; undefined where none are made. */
  readonly flowTokens: FlowTokens | undefined;
  /** Answers a request from here, in its server transaction. */
  readonly refuse: (id: string, m: Message, flow: Flow, refusal: Refusal, now: number) => Action[];
  /** May one more user be registered from there. */
  readonly mayRegister: (flow: Flow, now: number) => boolean;
}

/** A REGISTER on its way to the PBX. */
interface Registering {
  /** Which of the PBX's servers it was sent to. */
  readonly pbx: Target;
  readonly server: string;
  readonly request: Message;
  readonly flow: Flow;
  /** Undefined where it is for no user of a domain served here: then nothing is learned from it. */
  readonly aor: string | undefined;
  /** The contacts as the telephone wrote them, by the user parts that the PBX was given in their place. */
  readonly contacts: ReadonlyMap<string, string>;
  done: boolean;
  overtaken: boolean;
}

/** What one step led to: what is to be sent, after the changes of bindings are on disk where there are any. */
export interface EdgeStep {
  readonly actions: readonly Action[];
  readonly changes: readonly BindingChange[];
  /** Where credentials came from that the PBX has found wrong. */
  readonly wrong?: Flow;
  /** Where those came from that the PBX has found right. */
  readonly right?: Flow;
}

/**
 * The edge of a PBX: REGISTER passes through to the PBX, which challenges and decides, and the bindings are learned from its 2xx. The PBX
 * is told to send calls for these telephones through here.
 */
export class EdgeRegistrar {
  readonly #settings: EdgeSettings;
  readonly #parts: EdgeParts;
  readonly #byClient = new Map<string, Registering>();
  readonly #byUser = new Map<string, Set<Registering>>();

  constructor(settings: EdgeSettings, parts: EdgeParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Is that REGISTER for a domain served here, or for this element by its address. */
  takes(m: Message): boolean {
    if (m.method !== 'REGISTER') return false;
    const uri = parseUri(m.uri);
    return uri !== undefined && (this.#parts.self.servesDomain(uri) || this.#parts.self.isSelf(uri));
  }

  /** Did client transaction `id` begin here. */
  owns(id: string): boolean {
    return this.#byClient.has(id);
  }

  /** A REGISTER in a new server transaction. */
  request(m: Message, flow: Flow, id: string, now: number): Action[] {
    const { table, self, refuse, location } = this.#parts;
    const pbx = this.#parts.servers.first(this.#settings.pbx, now);
    const loop = loopHash(m, m.uri);
    const own = (routes(m) ?? []).map((route) => parseUri(route.uri)).filter((uri) => uri && self.isSelf(uri)).length;
    const outbound = self.pointFor(pbx, flow);
    const aor = this.#userOf(m);
    const isNew = aor !== undefined && !location.has(aor, now);
    const problem =
      validate(m) ??
      (isLoop(m, loop, self) ? REFUSALS.loop : undefined) ??
      // A way that the telephone wants gone from here on would lead past the PBX.
      ((routes(m) ?? []).length > own ? REFUSALS.relay : undefined) ??
      (isNew && location.room === 0 ? REFUSALS.registrarFull : undefined);
    if (problem || outbound === undefined) return refuse(id, m, flow, problem ?? REFUSALS.pbxAway, now);
    if (isNew && !this.#parts.mayRegister(flow, now)) return refuse(id, m, flow, REFUSALS.busySource, now);
    const contacts = new Map<string, string>();
    const branch = makeBranch(this.#parts.unique(), loop);
    const text = this.#onward(m, { aor, flow, outbound, branch, routes: own, contacts });
    const sent = table.send({ text, method: 'REGISTER', branch }, sentFrom(pbx, outbound), now);
    if (!sent.ok) return refuse(id, m, flow, REFUSALS.full, now);
    const one: Registering = { server: id, pbx, request: m, flow, aor, contacts, done: false, overtaken: false };
    this.#byClient.set(sent.id, one);
    if (aor !== undefined) {
      const others = this.#byUser.get(aor);
      if (others) others.add(one);
      else this.#byUser.set(aor, new Set([one]));
    }
    return [...sent.actions];
  }

  /** A response that the transaction layer delivers for client transaction `id`. */
  response(m: Message, id: string, now: number): EdgeStep {
    const one = this.#byClient.get(id);
    if (one === undefined || one.done || m.status === 100) return { actions: [], changes: [] };
    const { table, location } = this.#parts;
    const restored = this.#restored(m, one);
    const actions = [...table.respond(one.server, m.status, relayResponse(restored), now)];
    if (m.status < 200) return { actions, changes: [] };
    one.done = true;
    if (m.status === 503) this.#parts.servers.failed(one.pbx, now, header(m, 'retry-after'));
    const { aor, flow, request } = one;
    if (isWrong(request, m)) return { actions, changes: [], wrong: flow };
    const right = m.status < 300 && hasCredentials(request) ? { right: flow } : {};
    if (m.status >= 300 || aor === undefined) return { actions, changes: [], ...right };
    const { policy } = this.#settings;
    const changes = learn(request, restored, { aor, location, flow, policy, enumerates: !one.overtaken, now });
    for (const other of this.#byUser.get(aor) ?? []) other.overtaken = true;
    return { actions, changes, ...right };
  }

  /** What the transaction layer tells of a client transaction that began here. */
  event(event: TransactionEvent, now: number): Action[] {
    const one = this.#byClient.get(event.id);
    if (one === undefined) return [];
    if (event.type === 'terminated') {
      this.#byClient.delete(event.id);
      this.#forget(one);
      return [];
    }
    if (one.done) return [];
    one.done = true;
    this.#parts.servers.failed(one.pbx, now);
    // RFC 4320 4.2: "A transaction-stateful SIP element MUST NOT send a response with Status-Code of 408 to a non-INVITE request": where
    // the PBX is silent the telephone's own timer F ends its request.
    if (event.type === 'timeout') return [];
    // RFC 3261 16.9: as if the PBX had answered 503; and any request that comes after this one would get the same answer (16.7 step 6).
    return this.#parts.refuse(one.server, one.request, one.flow, REFUSALS.pbxAway, now);
  }

  #forget(one: Registering): void {
    const user = one.aor;
    const others = user === undefined ? undefined : this.#byUser.get(user);
    others?.delete(one);
    if (user !== undefined && others?.size === 0) this.#byUser.delete(user);
  }

  #userOf(m: Message): string | undefined {
    const uri = parseUri(to(m)?.uri ?? '');
    return uri && this.#parts.naming.localUser(uri, this.#parts.self);
  }

  #onward(
    m: Message,
    way: {
      readonly aor: string | undefined;
      readonly flow: Flow;
      readonly outbound: ListenPoint;
      readonly branch: string;
      readonly routes: number;
      readonly contacts: Map<string, string>;
    },
  ): string {
    const { aor, flow, outbound, branch } = way;
    const { contactRewrite, messages } = this.#settings;
    const at = `${bracketed(outbound.address)}:${outbound.port}${outbound.transport === 'udp' ? '' : `;transport=${outbound.transport}`}`;
    const via = topVia(m);
    const stamp = via ? viaStamp(via, flow) : {};
    const hops = maxForwards(m);
    const edit = {
      via: viaValue(outbound, branch),
      maxForwards: hops === undefined ? MAX_FORWARDS : hops - 1,
      popRoutes: way.routes,
      ...(stamp.received === undefined ? {} : { stampVia: stamp }),
    };
    if (aor === undefined) return relayRequest(m, edit);
    if (!contactRewrite) {
      // RFC 3327 5.2: "a proxy [...] inserts a URI that resolves to itself as the topmost value in the Path header field"; 5.1: a UA that
      // does not say that it supports the extension may be spoken for by the proxy between.
      return relayRequest(m, { ...edit, fields: [`Path: <sip:${this.#path(m, aor, flow, at)}>`, 'Supported: path'] });
    }
    const text = replaceContacts(m, (uri) => {
      const token = placeToken(aor, uri);
      way.contacts.set(token, uri);
      return `sip:${token}@${at}`;
    });
    const rewritten = scan(text, { ...messages, headerBytes: text.length }, isFramed(flow.transport) ? 'datagram' : 'stream');
    return relayRequest(rewritten.ok ? rewritten.message : m, edit);
  }

  /**
   * RFC 5626 5.1: for a telephone that asks for flows "if the edge proxy is the first SIP node after the UAC, the edge proxy [...] MUST store a
   * "flow token" [...] in its Path URI" and "MUST include an "ob" URI parameter". The place before it means the same after a restart.
   */
  #path(m: Message, aor: string, flow: Flow, at: string): string {
    const { flowTokens } = this.#parts;
    const listed = contacts(m);
    const first = vias(m)?.length === 1;
    const flows = first && flowTokens !== undefined && listed.ok && outboundOf(m, listed.contacts) === 'served';
    return flows ? `${flowTokens.of(flow, placeToken(aor))}@${at};lr;ob` : `${placeToken(aor)}@${at};lr`;
  }

  /** The answer with the telephone's own contacts where the PBX was given others. */
  #restored(m: Message, one: Registering): Message {
    const { aor, contacts } = one;
    if (!this.#settings.contactRewrite || aor === undefined || m.status >= 300) return m;
    const text = replaceContacts(m, (written) => {
      const uri = parseUri(written);
      const place = uri && this.#parts.self.isSelf(uri) ? parsePlace(uri.user) : undefined;
      if (place?.aor !== aor || uri === undefined) return undefined;
      const known = this.#parts.location.get(aor).find((binding) => contactHash(binding.contact) === place.contact);
      return contacts.get(uri.user) ?? known?.contact;
    });
    if (text === m.text) return m;
    const { headerCount, bodyBytes } = this.#settings.messages;
    const again = scan(text, { headerBytes: text.length, headerCount, bodyBytes }, 'datagram');
    return again.ok ? again.message : m;
  }
}

const hasCredentials = (request: Message): boolean =>
  header(request, 'authorization') !== undefined || header(request, 'proxy-authorization') !== undefined;

/** RFC 7616 3.3: a challenge with `stale=true` says that the credentials were right, and the nonce too old. */
function isWrong(request: Message, answer: Message): boolean {
  if (answer.status !== 401 && answer.status !== 403 && answer.status !== 407) return false;
  if (!hasCredentials(request)) return false;
  return !/stale *= *"?true/i.test(header(answer, 'www-authenticate') ?? header(answer, 'proxy-authenticate') ?? '');
}
