import { LIMITS } from '#protocol';
import {
  type Contact,
  callId,
  contacts,
  cseq,
  expires,
  formatNameAddr,
  header,
  type Message,
  own,
  parseUri,
  type SipUri,
  sameUri,
} from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import type { Binding, BindingChange } from './binding.ts';
import { type Location, removed } from './location.ts';
import { indexOfFlow, OUTBOUND_HEADERS, outboundOf } from './outbound.ts';
import type { RegistrarPolicy } from './policy.ts';

/** The answer to a REGISTER, and what became of the user's bindings. */
export interface RegisterResult {
  readonly status: number;
  readonly reason: string;
  /** For the answer, in order: Contact, Date, Min-Expires, Retry-After, Warning. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Already done in the location service; to be journalled and reported. A refused request may still have found bindings expired. */
  readonly changes: readonly BindingChange[];
}

type Refusal = Pick<RegisterResult, 'status' | 'reason'> & { readonly headers?: RegisterResult['headers'] };

/** What a request makes of a user's bindings: all of it, or a refusal and nothing. */
type Plan =
  | { readonly ok: true; readonly bindings: Binding[]; readonly changes: BindingChange[]; readonly outbound?: boolean }
  | ({ readonly ok: false } & Refusal);

const refuse = (status: number, reason: string, headers: RegisterResult['headers'] = []): Plan => ({
  ok: false,
  status,
  reason,
  headers,
});

/** RFC 3261 10.3 step 7: "If not, the update MUST be aborted and the request fails", by step 8 with 500. */
const OUT_OF_ORDER = refuse(500, 'REGISTER Out of Order');

/** Contact values of one REGISTER: enough to end every binding that a user may have and to begin as many. Each is compared with each. */
const MAX_CONTACTS = 2 * LIMITS.terminals;

/**
 * RFC 3261 10.3 steps 6 to 8: a REGISTER that is for this registrar and for `aor`, from a user who may do so (steps 1 to 5 are the
 * caller's). All its contacts are taken, or none. Only `sip` and `sips` contacts are kept: nothing else could be called through here.
 * `now` in ms since 1970.
 */
export function register(
  request: Message,
  aor: string,
  location: Location,
  policy: RegistrarPolicy,
  flow: Flow,
  now: number,
): RegisterResult {
  const expired = location.expireUser(aor, now);
  const plan = decide(request, aor, location, policy, flow, now);
  if (!plan.ok) return { status: plan.status, reason: plan.reason, headers: plan.headers ?? [], changes: expired };
  if (plan.changes.length > 0) location.replace(aor, plan.bindings);
  // "The registrar returns a 200 (OK) response. The response MUST contain Contact header field values enumerating all current bindings.
  // Each Contact value MUST feature an "expires" parameter [...] The response SHOULD include a Date header field."
  const headers = location.lookup(aor, now).map((binding) => ['Contact', contactValue(binding, now)] as const);
  return {
    status: 200,
    reason: 'OK',
    headers: [...headers, ['Date', new Date(now).toUTCString()], ...(plan.outbound ? OUTBOUND_HEADERS : [])],
    changes: [...expired, ...plan.changes],
  };
}

function decide(request: Message, aor: string, location: Location, policy: RegistrarPolicy, flow: Flow, now: number): Plan {
  const asked = contacts(request);
  if (!asked.ok) return refuse(400, asked.reason);
  const current = location.get(aor);
  const order = { callId: callId(request), cseq: cseq(request).number };
  if (order.callId.length > LIMITS.fieldLength) return refuse(400, 'Call-ID Too Long');
  if (asked.star) return removeAll(request, current, order);
  if (asked.contacts.length > MAX_CONTACTS) return refuse(403, 'Too Many Contacts', tooMany(MAX_CONTACTS, 'request'));
  const outbound = outboundOf(request, asked.contacts);
  if (outbound === 'first hop lacks it') return refuse(439, 'First Hop Lacks Outbound Support');
  const userAgent = own((header(request, 'user-agent') ?? '').slice(0, LIMITS.fieldLength));
  const common = { aor: own(aor), callId: own(order.callId), cseq: order.cseq, userAgent, flow };
  const bindings = [...current];
  const uris = bindings.map((binding) => parseUri(binding.contact));
  const changes: BindingChange[] = [];
  for (const contact of asked.contacts) {
    const uri = parseUri(contact.uri);
    const problem = contactProblem(contact, uri);
    if (uri === undefined || problem !== undefined) return refuse(400, problem ?? 'Malformed Contact URI');
    // Step 6: "If the field value has an "expires" parameter, that value MUST be taken as the requested expiration", else the Expires
    // header, else "a locally-configured default value".
    const interval = contact.expires ?? expires(request) ?? policy.defaultExpires;
    // "If and only if the requested expiration interval is greater than zero AND smaller than one hour AND less than a
    // registrar-configured minimum, the registrar MAY reject the registration with a response of 423 (Interval Too Brief)."
    if (interval > 0 && interval < policy.minExpires) {
      return refuse(423, 'Interval Too Brief', [['Min-Expires', String(policy.minExpires)]]);
    }
    const same = uris.findIndex((other) => other !== undefined && sameUri(other, uri));
    const at = same === -1 ? indexOfFlow(bindings, contact) : same;
    const before = bindings[at];
    if (before !== undefined && isOutOfOrder(before, order, current)) return OUT_OF_ORDER;
    if (interval === 0) {
      if (before === undefined) continue;
      bindings.splice(at, 1);
      uris.splice(at, 1);
      changes.push(removed(before, 'unregistered'));
      continue;
    }
    const binding: Binding = {
      ...common,
      contact: before?.contact === contact.uri ? before.contact : own(contact.uri),
      q: contact.q ?? 1,
      since: before?.since ?? now,
      expiresAt: now + Math.min(interval, policy.maxExpires) * 1000,
      params: own(paramsOf(contact)),
    };
    if (before === undefined) {
      bindings.push(binding);
      uris.push(uri);
      changes.push({ type: 'added', binding });
    } else {
      bindings[at] = binding;
      uris[at] = uri;
      if (before.contact === binding.contact) changes.push({ type: 'refreshed', binding });
      else changes.push({ type: 'added', binding }, removed(before, 'displaced'));
    }
  }
  return bounded({ ok: true, bindings, changes, outbound: outbound === 'served' }, current, location, policy);
}

/**
 * Step 6: `Contact: *`. "If the request [...] has [...] an expiration time other than zero, the request is invalid, and the server MUST
 * return a 400 (Invalid Request)."
 */
function removeAll(request: Message, current: readonly Binding[], order: Order): Plan {
  if (expires(request) !== 0) return refuse(400, 'Contact * Needs Expires 0');
  if (current.some((binding) => isOutOfOrder(binding, order, current))) return OUT_OF_ORDER;
  return { ok: true, bindings: [], changes: current.map((binding) => removed(binding, 'unregistered')) };
}

interface Order {
  readonly callId: string;
  readonly cseq: number;
}

/**
 * Step 7: "If the Call-ID value in the existing binding differs from the Call-ID value in the request, the binding MUST be removed if the
 * expiration time is zero and updated otherwise. If they are the same, the registrar compares the CSeq value. If the value is higher than
 * that of the existing binding, it MUST update or remove the binding as above." What this same request has put there is no obstacle.
 */
function isOutOfOrder(binding: Binding, order: Order, current: readonly Binding[]): boolean {
  return binding.callId === order.callId && order.cseq <= binding.cseq && current.includes(binding);
}

/** Why a binding cannot be made of that contact; undefined where it can. */
export function contactProblem(contact: Contact, uri: SipUri | undefined): string | undefined {
  if (contact.uri.length > LIMITS.fieldLength) return 'Contact Too Long';
  if (uri === undefined) return 'Malformed Contact URI';
  if (uri.scheme !== 'sip' && uri.scheme !== 'sips') return 'Contact URI Scheme Not Supported';
  if (contact.params.has('q') && contact.q === undefined) return 'Malformed Contact q';
  return paramsOf(contact).length > LIMITS.fieldLength ? 'Contact Parameters Too Long' : undefined;
}

/** The limits: bindings of one user, and of all. */
function bounded(plan: Plan & { ok: true }, current: readonly Binding[], location: Location, policy: RegistrarPolicy): Plan {
  const surplus = plan.bindings.length - Math.max(policy.maxContacts, current.length);
  if (surplus > 0) {
    // The one that ends soonest is the one not refreshed for longest: what a phone left behind that came back under another contact.
    const soonest = current.filter((binding) => plan.bindings.includes(binding)).toSorted((a, b) => a.expiresAt - b.expiresAt);
    if (policy.onLimit === 'refuse' || soonest.length < surplus) {
      return refuse(403, 'Too Many Contacts', tooMany(policy.maxContacts, 'user'));
    }
    for (const binding of soonest.slice(0, surplus)) {
      plan.bindings.splice(plan.bindings.indexOf(binding), 1);
      plan.changes.push(removed(binding, 'displaced'));
    }
  }
  if (plan.bindings.length - current.length > location.room) return refuse(503, 'Registrar Full', [['Retry-After', '60']]);
  return plan;
}

const tooMany = (limit: number, each: string): RegisterResult['headers'] => [
  ['Warning', `399 registrar "At most ${limit} contacts a ${each}"`],
];

/** Contact parameters other than those that the registrar sets itself, as a byte string. */
export function paramsOf(contact: Contact): string {
  const params = new Map([...contact.params].filter(([name]) => name !== 'q' && name !== 'expires'));
  return params.size === 0 ? '' : formatNameAddr({ uri: '', params }).slice('<>'.length);
}

function contactValue(binding: Binding, now: number): string {
  const remaining = Math.max(1, Math.floor((binding.expiresAt - now) / 1000));
  const q = binding.q === 1 ? '' : `;q=${binding.q}`;
  return `<${binding.contact}>${q};expires=${remaining}${binding.params}`;
}
