import { LIMITS } from '#protocol';
import {
  type Contact,
  callId,
  canonicalHost,
  contacts,
  cseq,
  expires,
  header,
  type Message,
  own,
  parseUri,
} from '../sip/index.ts';
import { type SipUri, sameUri } from '../sip/uri.ts';
import type { Flow } from '../transport.ts';
import type { Binding, BindingChange } from './binding.ts';
import { type Location, removed } from './location.ts';
import type { RegistrarPolicy } from './policy.ts';
import { contactProblem, paramsOf } from './register.ts';

/** What `learn` is told beside the two messages. */
export interface Registered {
  /** Canonical address of record that was registered. */
  readonly aor: string;
  readonly location: Location;
  /** Where the REGISTER came from. */
  readonly flow: Flow;
  /** `defaultExpires` stands in where neither side named a time, `maxExpires` bounds what is believed; both in seconds. */
  readonly policy: Pick<RegistrarPolicy, 'defaultExpires' | 'maxExpires' | 'maxContacts'>;
  /**
   * Whether a list of no more than what was asked for is all that there is too, as the RFC has it. Not where that is not known: of a
   * registrar that was not chosen here, or of an answer that another one for this user may have overtaken.
   */
  readonly enumerates?: boolean;
  /** ms since 1970. */
  readonly now: number;
}

/** A contact with its URI read. */
type Read = Contact & { readonly parsed: SipUri };

/**
 * What a REGISTER and its 2xx, made by another registrar, say of the user's bindings (RFC 3261 10.2.4, 10.3 step 8): done in the location
 * service, and returned to be journalled and reported. The registrar's word counts, not the phone's wish: each contact gets the time that
 * the 2xx grants. A contact of the request that the 2xx does not list (a registrar that lists any must list all) is not registered.
 *
 * Where the 2xx lists more than was asked for it is an enumeration: then what it lists of other known bindings renews them, and what it
 * does not list has ended. Where it lists only what was asked for it may be that of a registrar that does so always, and says nothing of
 * the others (see `enumerates`). Contacts never seen in a request are not learned: nobody knows from where they would call.
 */
export function learn(request: Message, response: Message, registered: Registered): BindingChange[] {
  const { aor, location, policy, now } = registered;
  const changes = location.expireUser(aor, now);
  const asked = contacts(request);
  const granted = contacts(response);
  if (!asked.ok || !granted.ok) return changes;
  const order = { callId: callId(request), cseq: cseq(request).number };
  if (order.callId.length > LIMITS.fieldLength) return changes;
  const current = location.get(aor);
  // RFC 3261 10.3 step 7: a REGISTER of the same Call-ID that is not newer than the one last heard of says nothing new.
  const late = (binding: Binding) => binding.callId === order.callId && order.cseq <= binding.cseq;
  if (asked.star) {
    const ended = current.filter((binding) => !late(binding));
    if (ended.length === 0) return changes;
    location.replace(aor, current.filter(late));
    return [...changes, ...ended.map((binding) => removed(binding, 'unregistered'))];
  }
  const wishes = readable(asked.contacts);
  const listed = readable(granted.contacts);
  const plan = new Plan(current);
  for (const wish of wishes) {
    const before = plan.find(wish.parsed);
    if (before !== undefined && late(before) && current.includes(before)) continue;
    const grant = grantOf(wish, wishes, listed, registered.flow);
    const interval = intervalOf(wish, grant, request, response, listed.length > 0, policy);
    if (interval === 0) {
      if (before !== undefined) plan.end(before, 'unregistered');
      continue;
    }
    const userAgent = (header(request, 'user-agent') ?? '').slice(0, LIMITS.fieldLength);
    plan.put(before, {
      ...before,
      aor: own(aor),
      contact: before?.contact === wish.uri ? before.contact : own(wish.uri),
      callId: own(order.callId),
      cseq: order.cseq,
      q: wish.q ?? 1,
      since: before?.since ?? now,
      expiresAt: now + interval * 1000,
      userAgent: own(userAgent),
      flow: registered.flow,
      params: own(paramsOf(wish)),
    });
  }
  const others = listed.filter((one) => !wishes.some((wish) => isGrantOf(one, wish, registered.flow)));
  const all =
    registered.enumerates === true && (listed.length > 0 || wishes.every((wish) => (wish.expires ?? expires(request)) === 0));
  if (others.length > 0 || all) plan.enumerate(others, current, { late, now, maxExpires: policy.maxExpires });
  plan.bound(policy.maxContacts, location.room, current.length);
  if (plan.changes.length > 0) location.replace(aor, plan.bindings);
  return [...changes, ...plan.changes];
}

/** The contacts that a binding can be made of. */
function readable(all: readonly Contact[]): Read[] {
  return all.slice(0, 2 * LIMITS.terminals).flatMap((contact) => {
    const parsed = parseUri(contact.uri);
    return parsed === undefined || contactProblem(contact, parsed) !== undefined ? [] : [{ ...contact, parsed }];
  });
}

/** The listed contact that answers a wish: the same one, or, where each side has one, whatever the registrar has made of it. */
function grantOf(wish: Read, wishes: readonly Read[], listed: readonly Read[], flow: Flow): Read | undefined {
  const found = listed.find((one) => sameUri(one.parsed, wish.parsed)) ?? listed.find((one) => isGrantOf(one, wish, flow));
  return found ?? (wishes.length === 1 && listed.length === 1 ? listed[0] : undefined);
}

/** Is that listed contact the wished one: as it was, by its instance (RFC 5626 4.1), or with the address that the request came from (NAT). */
function isGrantOf(one: Read, wish: Read, { remote }: Flow): boolean {
  if (sameUri(one.parsed, wish.parsed)) return true;
  const [mine, theirs] = [wish.params.get('+sip.instance'), one.params.get('+sip.instance')];
  if (mine !== undefined && mine === theirs) return wish.params.get('reg-id') === one.params.get('reg-id');
  return (
    one.parsed.user === wish.parsed.user &&
    one.parsed.port === remote.port &&
    canonicalHost(one.parsed.host) === canonicalHost(remote.address)
  );
}

/**
 * Seconds granted; 0 for none. RFC 3261 10.2.4: "The 200 (OK) response to a REGISTER request will contain a list of Contact header fields
 * enumerating all current bindings. [...] Each Contact address will feature an "expires" parameter indicating its expiration interval."
 */
function intervalOf(
  wish: Read,
  grant: Read | undefined,
  request: Message,
  response: Message,
  lists: boolean,
  policy: Registered['policy'],
): number {
  const wished = wish.expires ?? expires(request);
  if (wished === 0 || (lists && grant === undefined)) return 0;
  return Math.min(grant?.expires ?? expires(response) ?? wished ?? policy.defaultExpires, policy.maxExpires);
}

/** The bindings of one user as they become, and how they came there. */
class Plan {
  readonly bindings: Binding[];
  readonly changes: BindingChange[] = [];
  readonly #uris: (SipUri | undefined)[];

  constructor(current: readonly Binding[]) {
    this.bindings = [...current];
    this.#uris = current.map((binding) => parseUri(binding.contact));
  }

  find(uri: SipUri): Binding | undefined {
    return this.bindings[this.#uris.findIndex((other) => other !== undefined && sameUri(other, uri))];
  }

  put(before: Binding | undefined, binding: Binding): void {
    const at = before === undefined ? this.bindings.length : this.bindings.indexOf(before);
    this.bindings[at] = binding;
    this.#uris[at] = parseUri(binding.contact);
    if (before === undefined) this.changes.push({ type: 'added', binding });
    else if (before.contact === binding.contact) this.changes.push({ type: 'refreshed', binding });
    else this.changes.push({ type: 'added', binding }, removed(before, 'displaced'));
  }

  end(binding: Binding, reason: 'unregistered' | 'displaced'): void {
    const at = this.bindings.indexOf(binding);
    this.bindings.splice(at, 1);
    this.#uris.splice(at, 1);
    this.changes.push(removed(binding, reason));
  }

  /** The known bindings that the request did not touch, by what an enumeration says of them. */
  enumerate(
    others: readonly Read[],
    current: readonly Binding[],
    by: { late: (binding: Binding) => boolean; now: number; maxExpires: number },
  ): void {
    for (const binding of current) {
      if (!this.bindings.includes(binding) || by.late(binding)) continue;
      const uri = parseUri(binding.contact);
      const one = others.find(
        (other) => uri !== undefined && isGrantOf(other, { ...other, parsed: uri, params: instance(binding) }, binding.flow),
      );
      if (one === undefined || one.expires === 0) {
        this.end(binding, 'displaced');
        continue;
      }
      const until = by.now + Math.min(one.expires ?? 0, by.maxExpires) * 1000;
      // A second is lost in rounding at each answer: only a renewal is one.
      if (until > binding.expiresAt + 1000) this.put(binding, { ...binding, expiresAt: until });
    }
  }

  /** The limits: what ends soonest goes first, as it was refreshed longest ago. */
  bound(maxContacts: number, room: number, before: number): void {
    const most = Math.min(Math.max(maxContacts, before), before + room);
    for (const binding of this.bindings.toSorted((a, b) => a.expiresAt - b.expiresAt)) {
      if (this.bindings.length <= most) return;
      this.end(binding, 'displaced');
    }
  }
}

/** The instance among a binding's parameters, which are kept as text. */
function instance(binding: Binding): ReadonlyMap<string, string | true> {
  const found = /;\+sip\.instance="?([^";]*)"?/i.exec(binding.params);
  const regId = /;reg-id=([^;]*)/i.exec(binding.params);
  return new Map([
    ...(found ? [['+sip.instance', found[1] as string] as const] : []),
    ...(regId ? [['reg-id', regId[1] as string] as const] : []),
  ]);
}
