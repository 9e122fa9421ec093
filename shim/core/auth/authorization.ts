import { domainOf } from '#protocol';
import type { Calls } from '../dialog/calls.ts';
import type { Placing } from '../placing/placing.ts';
import type { Refusal } from '../proxy/refusal.ts';
import type { Self } from '../proxy/self.ts';
import type { Location } from '../registrar/location.ts';
import { callId, from, type Message, parseUri, routes, to } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import { Authenticator, type CredentialsField, type Verdict } from './authenticator.ts';
import type { Hashes } from './hashes.ts';
import type { NonceSettings } from './nonces.ts';
import { relayable } from './relayed.ts';
import type { Users } from './users.ts';

export interface AuthorizationSettings extends NonceSettings {
  /** The realm of every challenge; undefined: the domain of the user. */
  readonly realm: string | undefined;
  /** The realm for whom no domain here is told. */
  readonly defaultRealm: string;
  /** Whether calls of others than our own users and those who are trusted are taken. */
  readonly inbound: 'trusted' | 'open';
}

export interface AuthorizationParts {
  readonly users: Users;
  readonly hashes: Hashes;
  readonly unique: () => string;
  readonly self: Self;
  readonly location: Location;
  /** Trusted peers are never challenged, and what they say of the caller is believed; it tells whose an address is, by aliases and numbers. */
  readonly placing: Placing;
  readonly calls: () => Calls;
}

/** What a request may do. */
export type Ruling =
  | {
      readonly kind: 'passed';
      /** The request as it goes on. */
      readonly relay: Message;
      /** Not trusted, and not shown to be anybody. */
      readonly stranger: boolean;
      /** The right password was given. */
      readonly authenticated?: true;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly why: 'challenged' | 'wrong' | 'proven-wrong' | 'forbidden' };

/** Totals since start. */
export interface AuthorizationCounters {
  /** Requests with the right credentials. */
  authenticated: number;
  /** Requests without credentials that were asked for them. */
  challenged: number;
  /** Right ones with a nonce that was too old, or that came a second time. */
  stale: number;
  wrong: number;
  /** Right ones of somebody else. */
  forbidden: number;
}

/** RFC 3323 4.1.1.3: the address of a caller who does not want to be named. */
const ANONYMOUS = 'sip:anonymous@anonymous.invalid';

/** Requests within a dialog that phones send and that many cannot send with credentials. INVITE and REFER, which begin something, are not. */
const WITHIN_DIALOG = new Set(['BYE', 'NOTIFY', 'UPDATE', 'PRACK', 'INFO']);

/** Who may do what (RFC 3261 10.3 steps 3 and 4, 16.3 step 6, 22.3): nobody registers for, or calls as, somebody else. */
export class Authorization {
  readonly counters: AuthorizationCounters = { authenticated: 0, challenged: 0, stale: 0, wrong: 0, forbidden: 0 };
  readonly authenticator: Authenticator;
  readonly #settings: AuthorizationSettings;
  readonly #parts: AuthorizationParts;

  constructor(settings: AuthorizationSettings, parts: AuthorizationParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.authenticator = new Authenticator(settings, parts);
  }

  /** Rules on a request that begins a transaction. */
  rule(m: Message, flow: Flow, now: number): Ruling {
    // RFC 3261 22.1: an ACK has no answer, so none that challenges; a CANCEL cannot be sent again with credentials (9.2): it is known by
    // its transaction.
    if (m.method === 'ACK' || m.method === 'CANCEL') return passed(m);
    if (this.#parts.placing.isTrusted(flow)) return passed(m);
    // By To, as that is whose bindings change: a Request-URI can name the registrar by an address of this element too, or by a Route.
    if (m.method === 'REGISTER' && (this.#isLocal(m.uri) || this.#isLocal(to(m)?.uri ?? ''))) return this.#registrar(m, now);
    return this.#proxy(m, flow, now);
  }

  /** RFC 3261 10.3 step 3: who registers is shown to be who stands in To; before that nothing is told of who is known here. */
  #registrar(m: Message, now: number): Ruling {
    const asked = this.#aorOf(to(m)?.uri);
    const realm = this.#realmOf(to(m)?.uri ?? '');
    const verdict = this.authenticator.check(m, 'authorization', realm, now);
    if (verdict.kind !== 'good') return this.#challenge('authorization', realm, verdict, now);
    if (verdict.aor !== asked) return this.#forbidden();
    this.counters.authenticated += 1;
    return { ...passed(m), authenticated: true };
  }

  /** RFC 3261 16.3 step 6. */
  #proxy(m: Message, flow: Flow, now: number): Ruling {
    if (this.#isPing(m)) return passed(m);
    const sender = from(m)?.uri ?? '';
    const realm = this.#realmOf(sender);
    if (this.#isWithinDialog(m, flow, now)) return passed(relayable(m, realm));
    const local = this.#isLocal(sender);
    if (!local && this.#settings.inbound === 'open' && this.#isLocal(m.uri)) {
      return { kind: 'passed', relay: relayable(m, realm), stranger: true };
    }
    const verdict = this.authenticator.check(m, 'proxy-authorization', realm, now);
    if (verdict.kind !== 'good') return this.#challenge('proxy-authorization', realm, verdict, now);
    // Who is one of our users may hide his name, and may take no other.
    const aor = this.#aorOf(sender);
    if (aor !== (local ? verdict.aor : ANONYMOUS)) return this.#forbidden();
    this.counters.authenticated += 1;
    return { kind: 'passed', relay: relayable(m, realm), stranger: false, authenticated: true };
  }

  #challenge(field: CredentialsField, realm: string, verdict: Exclude<Verdict, { kind: 'good' }>, now: number): Ruling {
    const stale = verdict.kind === 'stale';
    this.counters[verdict.kind === 'none' ? 'challenged' : verdict.kind] += 1;
    const registrar = field === 'authorization';
    const name = registrar ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    const headers = this.authenticator.challenge(realm, stale, now).map((value) => [name, value] as const);
    const refusal = registrar
      ? { status: 401, reason: 'Unauthorized', headers }
      : { status: 407, reason: 'Proxy Authentication Required', headers };
    const why = verdict.kind !== 'wrong' ? 'challenged' : verdict.proven ? 'proven-wrong' : 'wrong';
    return { kind: 'refused', refusal, why };
  }

  #forbidden(): Ruling {
    this.counters.forbidden += 1;
    return { kind: 'refused', refusal: { status: 403, reason: 'Forbidden', headers: [] }, why: 'forbidden' };
  }

  /** Is that an address in a domain served here, whatever port it names, or the number of a user here. */
  #isLocal(text: string): boolean {
    return this.#isServed(text) || this.#isServed(this.#aorOf(text) ?? '');
  }

  #isServed(text: string): boolean {
    const uri = parseUri(text);
    return uri !== undefined && uri.host !== '' && this.#parts.self.servesDomain({ ...uri, port: undefined });
  }

  /** RFC 3261 22.1 wants realms to be unique, by a domain in them. */
  #realmOf(text: string): string {
    if (this.#settings.realm !== undefined) return this.#settings.realm;
    const aor = this.#isLocal(text) ? this.#aorOf(text) : undefined;
    return aor === undefined ? this.#settings.defaultRealm : domainOf(aor);
  }

  #aorOf(text: string | undefined): string | undefined {
    return text === undefined ? undefined : this.#parts.placing.naming.aorOf(text);
  }

  /** OPTIONS to this element itself, by which phones see whether it is there: the answer tells of nobody. */
  #isPing(m: Message): boolean {
    if (m.method !== 'OPTIONS') return false;
    const { self } = this.#parts;
    const own = (text: string): boolean => {
      const uri = parseUri(text);
      return uri !== undefined && self.isSelf(uri);
    };
    const uri = parseUri(m.uri);
    if (uri === undefined || uri.user !== '' || !(self.servesDomain(uri) || self.isSelf(uri))) return false;
    return (routes(m) ?? []).every((route) => own(route.uri));
  }

  /**
   * A To tag alone proves nothing. What does is a call followed here with both tags, which only its parties know; for dialogs that are not
   * followed (SUBSCRIBE) the very flow over which the sender is registered, and then only for what begins nothing.
   */
  #isWithinDialog(m: Message, flow: Flow, now: number): boolean {
    const [near, far] = [from(m), to(m)];
    if (far?.tag === undefined || near?.tag === undefined) return false;
    for (const { fromTag, dialogs } of this.#parts.calls().withCallId(callId(m))) {
      const other = fromTag === near.tag ? far.tag : fromTag === far.tag ? near.tag : undefined;
      if (dialogs.some(([tag]) => tag === other)) return true;
    }
    if (!WITHIN_DIALOG.has(m.method)) return false;
    const { transport, remote } = flow;
    const bindings = this.#parts.location.lookup(this.#aorOf(near.uri) ?? '', now);
    return bindings.some(
      (one) =>
        one.flow.transport === transport &&
        one.flow.remote.address === remote.address &&
        one.flow.remote.port === remote.port &&
        one.flow.connection === flow.connection,
    );
  }
}

const passed = (relay: Message): Extract<Ruling, { kind: 'passed' }> => ({ kind: 'passed', relay, stranger: false });
