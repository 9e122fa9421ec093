import type { Placing } from '../placing/placing.ts';
import { placeToken } from '../placing/token.ts';
import type { Binding } from '../registrar/binding.ts';
import { flowOfBinding } from '../registrar/outbound.ts';
import { senderOf } from '../registrar/sender.ts';
import { type Message, parseUri, routes, type SipUri, to, uriEqual } from '../sip/index.ts';
import { bareHost, DEFAULT_PORT, type Flow, type Target } from '../transport.ts';
import { type FlowTokens, isSameFlow, targetOfFlow } from './flow-token.ts';
import { originToken } from './origin.ts';
import { REFUSALS, type Refusal } from './refusal.ts';
import type { Self } from './self.ts';
import type { Servers } from './servers.ts';
import { keepSecure } from './sips.ts';
import { targetOf, targetOfBinding } from './target.ts';
import { isOnWay } from './ways.ts';

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
  /** edge: the place (see placing/token.ts) of the telephone that it came from, for the Record-Route on its side. */
  readonly origin?: string;
  /** RFC 5626 5.3: the flow that it came over (`FlowTokens`), for the Record-Route on its side, where there is no other way back. */
  readonly originFlow?: string;
  /** There is but one server that could take it and its like: what that answers holds for all of them (RFC 3261 16.7 step 6). */
  readonly sole?: true;
}

/** Targets of equal q. */
export type TargetGroup = readonly RouteTarget[];

/** One of the target set. */
export interface RouteTarget {
  /** The Request-URI to send. */
  readonly uri: string;
  readonly target: Target;
  /** edge: the place of the telephone that it leads to, for the Record-Route on its side. */
  readonly place?: string;
  /** The local user called, null for none, where that is another than the `Forward` says: he was put here by a redirection. */
  readonly callee?: string | null;
  /** RFC 3263 4.3: the servers that are tried after that of `target`, should it fail. */
  readonly others?: readonly Target[];
  /** RFC 5626 7: the further flows of the same telephone: the next is tried where this one fails. */
  readonly flows?: readonly RouteTarget[];
  /** It goes by one flow or not at all: what a caller is told where that flow is gone. */
  readonly gone?: Refusal;
}

/** What routing asks of its surroundings. */
export interface Routing {
  readonly self: Self;
  /** Live bindings of an address of record, best first. */
  readonly lookup: (aor: string) => readonly Binding[];
  /** Has that address of record ever been registered here. */
  readonly isKnown: (aor: string) => boolean;
  readonly placing: Placing;
  /** The request in hand comes from somebody of whom nothing is known, where users are asked for passwords: he may call users here alone. */
  readonly stranger: boolean;
  /** Is that request of a dialog that was set up through here and is followed. */
  readonly isKnownDialog: (m: Message) => boolean;
  /** The URIs of its route set and remote targets, as they were seen; none where it is not followed. */
  readonly waysOf: (m: Message) => readonly string[];
  /** RFC 5626 5.2: names of flows; undefined where none are made. */
  readonly flowTokens?: FlowTokens | undefined;
  /** At the edge of a PBX: routing by the rules for that. */
  readonly edge?: (arrival: Arrival, routing: Routing, flow: Flow) => Route;
  /** Most targets that one request is sent on to. */
  readonly maxBranches: number;
  /** Longest request that goes by UDP, bytes (RFC 3261 18.1.1). */
  readonly udpBytes: number;
  /** RFC 3263: the servers of targets with a name. */
  readonly servers: Servers;
  /** RFC 5393: the Max-Breadth of a request that carries none, and the highest taken of others. */
  readonly maxBreadth: number;
  /** Whether a redirection to users served here, or to the upstream, is followed here (RFC 3261 16.5). */
  readonly recurse: boolean;
}

/** A request whose Route values for this element are off (RFC 3261 16.4). */
export interface Arrival {
  readonly m: Message;
  /** The Request-URI. */
  readonly uri: string;
  /** Route values for this element that were on top (of a strict router the first as the Request-URI), and those that remain. */
  readonly own: readonly string[];
  readonly onward: readonly string[];
  /** It has a To tag and came along our Record-Route: it says that it is of a dialog that was set up through here. */
  readonly inDialog: boolean;
  /** How many Route values it came with. */
  readonly received: number;
  readonly edit: Edit;
}

/** Decides where a validated request goes that came in on `flow`. */
export function route(m: Message, routing: Routing, flow: Flow): Route {
  const arrival = arrive(m, routing.self);
  const way = routing.edge ? routing.edge(arrival, routing, flow) : routeOf(arrival, routing, flow);
  if (way.kind !== 'forward') return way;
  const originFlow = way.origin === undefined ? originToken(m, flow, routing) : undefined;
  return keepSecure(m.uri, originFlow === undefined ? way : { ...way, originFlow });
}

function arrive(m: Message, self: Self): Arrival {
  const received = (routes(m) ?? []).map((r) => r.uri);
  let list: readonly string[] = received;
  let uri = m.uri;
  // RFC 3261 16.4: "If the Request-URI of the request contains a value this proxy previously placed into a Record-Route header field, the
  // proxy MUST replace the Request-URI in the request with the last value from the Route header field."
  const last = list.at(-1);
  const requestUri = last === undefined ? undefined : parseUri(uri);
  const strict = last !== undefined && requestUri?.params.has('lr') === true && self.isSelf(requestUri);
  if (strict) {
    uri = last;
    list = list.slice(0, -1);
  }
  // "If the first value in the Route header field indicates this proxy, the proxy MUST remove that value from the request." A proxy with
  // two Record-Route values, one a side (RFC 5658), removes both.
  let own = 0;
  while (own < list.length && isOwn(list[own] as string, self)) own += 1;
  const onward = list.slice(own);
  const inDialog = (own > 0 || strict) && to(m)?.tag !== undefined;
  return {
    m,
    uri,
    own: [...(strict ? [m.uri] : []), ...list.slice(0, own)],
    onward,
    inDialog,
    received: received.length,
    edit: edits(received, onward),
  };
}

function routeOf(arrival: Arrival, routing: Routing, flow: Flow): Route {
  const { m, uri, own, onward, inDialog, edit } = arrival;
  const { self, placing } = routing;
  const first = onward[0];
  if (first !== undefined) {
    // A Route that leads elsewhere is followed along a dialog that was set up through here, to a next hop, and for our own users and peers.
    // To follow it for anybody else would make this element send whatever a stranger likes to wherever a stranger likes.
    const hop = isNextHop(first, routing);
    if (hop && (!isClosed(routing) || (inDialog && m.method !== 'INVITE'))) return alongRoute(arrival, first);
    if (isFamiliar(m, routing, flow) || (inDialog && isOnWay(m, first, routing))) return alongRoute(arrival, first);
    return { kind: 'refuse', refusal: inDialog ? REFUSALS.noTransaction : hop ? REFUSALS.stranger : REFUSALS.relay };
  }
  const target = parseUri(uri);
  if (target === undefined) return { kind: 'refuse', refusal: REFUSALS.scheme };
  if (isSip(target) && target.user === '' && (self.servesDomain(target) || self.isSelf(target))) return { kind: 'own' };
  if (isSip(target) && inDialog && own.length > 0) {
    // A request of a dialog that came along our own Record-Route: it goes where its peer is. A Route alone proves nothing: whoever puts one
    // there beforehand goes the way of all others, and is no reason to send anything anywhere.
    const registered = registeredPeer(m, uri, target, routing);
    if (registered) return { kind: 'forward', targets: registered, ...edit };
    const peer = peerByFlow(uri, own, flow, routing) ?? peerByContact(uri, target, own.at(-1) as string);
    // To tag and Route are a stranger's word as well: one who is no user or peer of ours must name a dialog that we know.
    if (peer && (isFamiliar(m, routing, flow) || routing.isKnownDialog(m))) return { kind: 'forward', targets: peer, ...edit };
    if (peer && !self.servesDomain(target)) return { kind: 'refuse', refusal: REFUSALS.noTransaction };
  }
  const callee = placing.localUser(target, self);
  if (callee !== undefined) return toLocalUser(m, { uri, callee, target }, routing, flow, edit);
  if (isSip(target) && self.servesDomain(target)) return { kind: 'refuse', refusal: REFUSALS.unknownUser };
  const hop = placing.nextHop(target);
  if (hop === undefined) return { kind: 'refuse', refusal: isSip(target) ? REFUSALS.relay : REFUSALS.scheme };
  if (isClosed(routing) && !isFamiliar(m, routing, flow)) return { kind: 'refuse', refusal: REFUSALS.stranger };
  return { kind: 'forward', targets: single(uri, hop), ...edit };
}

/** Are the next hops only for users of this place and trusted peers. */
const isClosed = ({ placing, stranger }: Routing): boolean => placing.closed || stranger;

/** Is the request from a user registered here, or from a peer that is trusted. */
export function isFamiliar(m: Message, routing: Routing, flow: Flow): boolean {
  return routing.placing.isTrusted(flow) || senderOf(m, flow, routing.lookup, routing.placing.naming) !== undefined;
}

/** The way to a user of a domain served here. */
export function toLocalUser(
  m: Message,
  { uri, callee, target }: { readonly uri: string; readonly callee: string; readonly target: SipUri },
  routing: Routing,
  flow: Flow,
  edit: Edit,
): Route {
  if (m.method === 'REGISTER') return { kind: 'own' };
  const bindings = routing.lookup(callee);
  if (bindings.length === 0) {
    if (routing.isKnown(callee)) return { kind: 'refuse', refusal: REFUSALS.away };
    // A phone dials every number in its own domain: what no user here is, the next hop knows. From our own users alone, so that
    // what the next hop itself sends here in error does not go to and fro between the two.
    const hop = routing.placing.nextHop(target);
    if (hop === undefined || senderOf(m, flow, routing.lookup, routing.placing.naming) === undefined)
      return { kind: 'refuse', refusal: REFUSALS.unknownUser };
    return { kind: 'forward', targets: single(uri, hop), ...edit };
  }
  const targets = targetsOf(bindings, routing);
  if (targets === undefined) return { kind: 'refuse', refusal: REFUSALS.away };
  return { kind: 'forward', targets, callee, ...edit };
}

/** A target set of one. */
export const single = (uri: string, target: Target): Forward['targets'] => [[{ uri, target }]];

/** RFC 3261 16.5, 16.6: the target set that the bindings make, best first as they are; undefined where none of them can be reached. */
export function targetsOf(bindings: readonly Binding[], { maxBranches, placing }: Routing): Forward['targets'] | undefined {
  const groups: RouteTarget[][] = [];
  const instances = new Map<string, RouteTarget[]>();
  let q: number | undefined;
  let count = 0;
  for (const binding of bindings) {
    const target = targetOfBinding(binding);
    if (target === undefined) continue;
    if (++count > maxBranches) break;
    const { contact: uri, aor } = binding;
    const place = placing.edge ? { place: placeToken(aor, uri) } : {};
    const instance = flowOfBinding(binding)?.instance;
    const one: RouteTarget = { uri, target, ...place, ...goneOf(target, instance !== undefined && placing.edge) };
    // RFC 5626 7: "the proxy [...] MUST NOT populate the target set with more than one contact with the same AOR and instance-id at a time."
    const known = instance === undefined ? undefined : instances.get(instance);
    if (known !== undefined) {
      known.push(one);
      continue;
    }
    const flows: RouteTarget[] = [];
    if (instance !== undefined) instances.set(instance, flows);
    const chosen = instance === undefined ? one : { ...one, flows };
    if (binding.q === q) groups.at(-1)?.push(chosen);
    else groups.push([chosen]);
    q = binding.q;
  }
  const [first, ...rest] = groups;
  return first && [first, ...rest];
}

/**
 * What a caller is told where the only way to a telephone is gone: that it is away; by the edge proxy of another registrar that this flow of it
 * is (RFC 5626 5.3.1), so that the registrar tries the next.
 */
function goneOf({ transport, connection, behindNat }: Target, atEdge: boolean): { readonly gone?: Refusal } {
  const only = transport === 'ws' || transport === 'wss' || (behindNat === true && connection !== undefined);
  return only ? { gone: atEdge ? REFUSALS.flowFailed : REFUSALS.away } : {};
}

/**
 * RFC 3261 12.2.1.1: within a dialog the Request-URI is the Contact of the peer. Some write their address of record there; a peer who is
 * registered here with that Contact is reached as an INVITE reaches him.
 */
function registeredPeer(m: Message, uri: string, contact: SipUri, routing: Routing): Forward['targets'] | undefined {
  const { self, lookup, placing } = routing;
  const user = placing.localUser(contact, self);
  const viaUser = user === undefined ? undefined : targetsOf(lookup(user), routing);
  if (viaUser) return viaUser;
  const peer = placing.naming.aorOf(to(m)?.uri ?? '');
  const bindings = peer === undefined ? [] : lookup(peer);
  // Some give dialogs another Contact than the registrar, with other parameters: the same host and port are the same phone, and the way to
  // it through a NAT is that of its registration (RFC 5626 5.3).
  const bound =
    bindings.find((binding) => uriEqual(binding.contact, uri)) ?? bindings.find((binding) => isAtHost(binding.contact, contact));
  const viaBinding = bound && targetOfBinding(bound);
  return viaBinding && single(uri, viaBinding);
}

function isAtHost(contact: string, { host, port }: SipUri): boolean {
  const uri = parseUri(contact);
  return uri !== undefined && uri.host === host && uri.port === port;
}

/** Any other peer is reached by the Contact alone. */
export function peerByContact(uri: string, contact: SipUri, ownRoute: string): Forward['targets'] | undefined {
  const target = targetOf(contact);
  // RFC 5658: the last of our Record-Route values that the request came along names the address on the peer's side.
  const side = parseUri(ownRoute);
  return target && single(uri, side ? { ...target, local: addressOf(side) } : target);
}

/**
 * RFC 5626 5.3: who began the dialog over a flow that is the only way to him. By the last of our values, which is that of the peer's side: "if the
 * flow in the flow token [...] matches the source IP address and port of the request, the request is an "outgoing" request", and goes on.
 */
export function peerByFlow(
  uri: string,
  own: readonly string[],
  flow: Flow,
  { flowTokens }: Routing,
): Forward['targets'] | undefined {
  const back = flowTokens?.read(parseUri(own.at(-1) ?? '')?.user ?? '');
  return back && !isSameFlow(back, flow) ? [[byFlow(uri, back)]] : undefined;
}

/** 5.3.1: "If the flow no longer exists, the proxy SHOULD send a 430 (Flow Failed) response to the request." */
export const byFlow = (uri: string, flow: Flow): RouteTarget => ({
  ...{ uri, target: targetOfFlow(flow), gone: REFUSALS.flowFailed },
});

const addressOf = (uri: SipUri) => ({ address: bareHost(uri.host), port: uri.port ?? DEFAULT_PORT });

/** RFC 3261 16.6 steps 6, 7: the next hop is the first Route value; one that is no loose router gets the Request-URI at the end of the Route. */
export function alongRoute({ uri, onward, received, edit }: Arrival, first: string): Route {
  const hop = parseUri(first);
  const target = hop && targetOf(hop);
  if (hop === undefined || target === undefined) return { kind: 'refuse', refusal: REFUSALS.noService };
  if (hop.params.has('lr')) return { kind: 'forward', targets: single(uri, target), ...edit };
  return {
    kind: 'forward',
    targets: single(first, target),
    popRoutes: received,
    pushRoutes: [...onward.slice(1), uri].map((one) => `<${one}>`),
  };
}

/** What becomes of the Route values of a request. */
export interface Edit {
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

/** Does that URI name a next hop. */
export function isNextHop(text: string, { placing }: Routing): boolean {
  const uri = parseUri(text);
  const target = uri && targetOf(uri);
  return target !== undefined && placing.isNextHop(target);
}

const isSip = ({ scheme }: SipUri): boolean => scheme === 'sip' || scheme === 'sips';
