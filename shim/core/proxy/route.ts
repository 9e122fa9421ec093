import { canonicalAor } from '#protocol';
import type { Binding } from '../registrar/binding.ts';
import { senderOf } from '../registrar/sender.ts';
import { type Message, parseUri, routes, type SipUri, to, uriEqual } from '../sip/index.ts';
import { bareHost, DEFAULT_PORT, type Flow, type Target } from '../transport.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import type { Self } from './self.ts';
import { keepSecure } from './sips.ts';
import { targetOf, targetOfBinding } from './target.ts';

/** Where a request goes (RFC 3261 16.4 to 16.6). */
export type Route =
  /** To this element itself: OPTIONS, REGISTER. */
  { readonly kind: 'own' } | { readonly kind: 'refuse'; readonly refusal: Refusal } | Forward;

/** To others: the target set (RFC 3261 16.5) and what is the same for all of it. */
export interface Forward {
  readonly kind: 'forward';
  /** Groups of equal q, the best first: those of a group are tried in parallel, one group after the other. None is empty, and there is one. */
  readonly targets: readonly [TargetGroup, ...TargetGroup[]];
  /** Route values to take away from the top, and those to put there instead. */
  readonly popRoutes: number;
  readonly pushRoutes: readonly string[];
  /** The local user called, where the request is for an address of record served here. */
  readonly callee?: string;
}

/** Targets of equal q. */
export type TargetGroup = readonly RouteTarget[];

/** One of the target set. */
export interface RouteTarget {
  /** The Request-URI to send. */
  readonly uri: string;
  readonly target: Target;
}

/** What routing asks of its surroundings. */
export interface Routing {
  readonly self: Self;
  /** Live bindings of an address of record, best first. */
  readonly lookup: (aor: string) => readonly Binding[];
  /** Has that address of record ever been registered here. */
  readonly isKnown: (aor: string) => boolean;
  /** Next hop for what is not local. */
  readonly upstream: Target | undefined;
  /** Most targets that one request is sent on to. */
  readonly maxBranches: number;
}

/** Decides where a validated request goes that came in on `flow`. */
export function route(m: Message, routing: Routing, flow: Flow): Route {
  const way = decide(m, routing, flow);
  return way.kind === 'forward' ? keepSecure(m.uri, way) : way;
}

function decide(m: Message, routing: Routing, flow: Flow): Route {
  const { self } = routing;
  const received = routes(m) ?? [];
  let list = received.map((r) => r.uri);
  let uri = m.uri;
  const requestUri = parseUri(uri);
  // RFC 3261 16.4: "If the Request-URI of the request contains a value this proxy previously placed into a Record-Route header field, the
  // proxy MUST replace the Request-URI in the request with the last value from the Route header field."
  const last = list.at(-1);
  const strict = last !== undefined && requestUri?.params.has('lr') === true && self.isSelf(requestUri);
  if (strict) {
    uri = last;
    list = list.slice(0, -1);
  }
  // "If the first value in the Route header field indicates this proxy, the proxy MUST remove that value from the request." A proxy with
  // two Record-Route values, one a side (RFC 5658), removes both.
  let own = 0;
  while (own < list.length && isOwn(list[own] as string, self)) own += 1;
  list = list.slice(own);

  const edit = edits(
    received.map((r) => r.uri),
    list,
  );
  const inDialog = (own > 0 || strict) && to(m)?.tag !== undefined;
  const first = list[0];
  if (first !== undefined) {
    // A Route that leads elsewhere is followed within a dialog that was set up through here, to the upstream, and for our own users. To
    // follow it for anybody else would make this element send whatever a stranger likes to wherever a stranger likes.
    const ours = inDialog || isUpstream(first, routing) || senderOf(m, flow, routing.lookup) !== undefined;
    if (!ours) return { kind: 'refuse', refusal: REFUSALS.relay };
    return alongRoute(uri, first, list, received.length, edit);
  }
  const target = parseUri(uri);
  if (target === undefined) return { kind: 'refuse', refusal: REFUSALS.scheme };
  if (isSip(target)) {
    if (target.user === '' && (self.servesDomain(target) || self.isSelf(target))) return { kind: 'own' };
    // A request of a dialog (it has a To tag) that came along our own Record-Route: it goes where its peer is. A Route alone proves
    // nothing: whoever puts one there beforehand goes the way of all others, and is no reason to send anything anywhere.
    const ownRoute = own > 0 && inDialog ? (received[own - 1]?.uri as string) : undefined;
    const peer = ownRoute === undefined ? undefined : targetOfPeer(m, uri, target, ownRoute, routing);
    if (peer) return { kind: 'forward', targets: peer, ...edit };
    if (self.servesDomain(target)) return toLocalUser(m, { uri, target }, routing, flow, edit);
  }
  if (routing.upstream) return { kind: 'forward', targets: single(uri, routing.upstream), ...edit };
  return { kind: 'refuse', refusal: isSip(target) ? REFUSALS.relay : REFUSALS.scheme };
}

function toLocalUser(
  m: Message,
  { uri, target: asked }: { readonly uri: string; readonly target: SipUri },
  routing: Routing,
  flow: Flow,
  edit: Edit,
): Route {
  const callee = canonicalAor(`sip:${asked.user}@${asked.host}`);
  if (callee === undefined) return { kind: 'refuse', refusal: REFUSALS.unknownUser };
  if (m.method === 'REGISTER') return { kind: 'own' };
  const bindings = routing.lookup(callee);
  if (bindings.length === 0) {
    if (routing.isKnown(callee)) return { kind: 'refuse', refusal: REFUSALS.away };
    // A phone dials every number in its own domain: what no user here is, the next hop knows. From our own users alone, so that
    // what the next hop itself sends here in error does not go to and fro between the two.
    const { upstream } = routing;
    if (upstream === undefined || senderOf(m, flow, routing.lookup) === undefined)
      return { kind: 'refuse', refusal: REFUSALS.unknownUser };
    return { kind: 'forward', targets: single(uri, upstream), ...edit };
  }
  const targets = targetsOf(bindings, routing.maxBranches);
  if (targets === undefined) return { kind: 'refuse', refusal: REFUSALS.away };
  return { kind: 'forward', targets, callee, ...edit };
}

const single = (uri: string, target: Target): Forward['targets'] => [[{ uri, target }]];

/** RFC 3261 16.5, 16.6: the target set that the bindings make, best first as they are; undefined where none of them can be reached. */
function targetsOf(bindings: readonly Binding[], max: number): Forward['targets'] | undefined {
  const groups: RouteTarget[][] = [];
  let q: number | undefined;
  let count = 0;
  for (const binding of bindings) {
    const target = targetOfBinding(binding);
    if (target === undefined) continue;
    if (++count > max) break;
    const one = { uri: binding.contact, target };
    if (binding.q === q) groups.at(-1)?.push(one);
    else groups.push([one]);
    q = binding.q;
  }
  const [first, ...others] = groups;
  return first && [first, ...others];
}

/**
 * RFC 3261 12.2.1.1: within a dialog the Request-URI is the Contact of the peer. Some write their address of record there; a peer who is
 * registered here with that Contact is reached as an INVITE reaches him; any other by the Contact alone.
 */
function targetOfPeer(
  m: Message,
  uri: string,
  contact: SipUri,
  ownRoute: string,
  routing: Routing,
): Forward['targets'] | undefined {
  const { self, lookup } = routing;
  const user = self.servesDomain(contact) ? canonicalAor(`sip:${contact.user}@${contact.host}`) : undefined;
  const viaUser = user === undefined ? undefined : targetsOf(lookup(user), routing.maxBranches);
  if (viaUser) return viaUser;
  const peer = canonicalAor(to(m)?.uri ?? '');
  const bound = peer === undefined ? undefined : lookup(peer).find((binding) => uriEqual(binding.contact, uri));
  const viaBinding = bound && targetOfBinding(bound);
  if (viaBinding) return single(uri, viaBinding);
  const target = targetOf(contact);
  // RFC 5658: the last of our Record-Route values that the request came along names the address on the peer's side.
  const side = parseUri(ownRoute);
  return target && single(uri, side ? { ...target, local: addressOf(side) } : target);
}

const addressOf = (uri: SipUri) => ({ address: bareHost(uri.host), port: uri.port ?? DEFAULT_PORT });

/** RFC 3261 16.6 steps 6, 7: the next hop is the first Route value; one that is no loose router gets the Request-URI at the end of the Route. */
function alongRoute(uri: string, first: string, list: readonly string[], received: number, edit: Edit): Route {
  const hop = parseUri(first);
  const target = hop && targetOf(hop);
  if (hop === undefined || target === undefined) return { kind: 'refuse', refusal: REFUSALS.noService };
  if (hop.params.has('lr')) return { kind: 'forward', targets: single(uri, target), ...edit };
  return {
    kind: 'forward',
    targets: single(first, target),
    popRoutes: received,
    pushRoutes: [...list.slice(1), uri].map((one) => `<${one}>`),
  };
}

interface Edit {
  readonly popRoutes: number;
  readonly pushRoutes: readonly string[];
}

/** How to get from the Route values received to those that remain: by taking from the top, or, where the last went too, by writing anew. */
function edits(received: readonly string[], remaining: readonly string[]): Edit {
  const popped = received.length - remaining.length;
  if (remaining.every((uri, i) => uri === received[popped + i])) return { popRoutes: popped, pushRoutes: [] };
  return { popRoutes: received.length, pushRoutes: remaining.map((uri) => `<${uri}>`) };
}

function isOwn(text: string, self: Self): boolean {
  const uri = parseUri(text);
  return uri !== undefined && isSip(uri) && self.isSelf(uri);
}

function isUpstream(text: string, { upstream }: Routing): boolean {
  const uri = parseUri(text);
  const target = uri && targetOf(uri);
  return target !== undefined && target.host === upstream?.host && target.port === upstream.port;
}

const isSip = ({ scheme }: SipUri): boolean => scheme === 'sip' || scheme === 'sips';
