import { isSameFlow } from '../proxy/flow-token.ts';
import { REFUSALS } from '../proxy/refusal.ts';
import {
  type Arrival,
  alongRoute,
  byFlow,
  isNextHop,
  peerByContact,
  peerByFlow,
  type Route,
  type Routing,
  single,
  targetsOf,
} from '../proxy/route.ts';
import { targetOf } from '../proxy/target.ts';
import { isOnWay } from '../proxy/ways.ts';
import type { Binding } from '../registrar/binding.ts';
import { senderOf } from '../registrar/sender.ts';
import { from, parseUri, type SipUri, to, uriEqual } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import { contactHash, type Place, parsePlace, placeToken } from './token.ts';

/**
 * Where a request goes at the edge of a PBX. What the PBX sends goes to the telephone that it names: by the place in a Path (RFC 3327), in a
 * Record-Route, or in a Contact that was written anew. What anybody else sends goes to the PBX, which knows whom it serves; two of its
 * users who call each other do so through it, never by a short way here.
 */
export function edgeRoute(arrival: Arrival, routing: Routing, flow: Flow): Route {
  const named = { place: placeIn(arrival.own), flow: flowIn(arrival.own, routing) };
  return isFromPbx(arrival, named, routing, flow) ? toPhone(arrival, named, routing) : toPbx(arrival, named.place, routing, flow);
}

/** What our Route values name. */
interface Named {
  readonly place: Place | undefined;
  /** RFC 5626 5.3: the flow of the peer's side. */
  readonly flow: Flow | undefined;
}

/** RFC 5626 5.3: the flow that the last of our Route values names, which is that of the peer's side. */
const flowIn = (own: readonly string[], { flowTokens }: Routing): Flow | undefined =>
  flowTokens?.read(parseUri(own.at(-1) ?? '')?.user ?? '');

/** The place on the peer's side: the last of our Route values that has one. */
function placeIn(own: readonly string[]): Place | undefined {
  for (let i = own.length - 1; i >= 0; i--) {
    const place = parsePlace(parseUri(own[i] as string)?.user ?? '');
    if (place) return place;
  }
  return undefined;
}

/**
 * From the PBX, or a peer beside it: from an address of theirs, and not by the flow by which one of our telephones is registered. A telephone
 * on the machine of the PBX that is not registered yet names no place, and sends from another port.
 */
function isFromPbx({ m, uri }: Arrival, { place, flow: back }: Named, routing: Routing, flow: Flow): boolean {
  const { placing, lookup } = routing;
  if (!placing.isTrusted(flow)) return false;
  const names = place !== undefined || back !== undefined || parsePlace(parseUri(uri)?.user ?? '') !== undefined;
  if (!placing.isServer(flow) && !names) return false;
  if (back && isSameFlow(back, flow)) return false;
  if (place && boundAt(place, lookup).some((binding) => isSameFlow(binding.flow, flow))) return false;
  const user = placing.naming.aorOf(from(m)?.uri ?? '');
  return user === undefined || !lookup(user).some((binding) => isSameFlow(binding.flow, flow));
}

function toPhone(arrival: Arrival, { place, flow }: Named, routing: Routing): Route {
  const { m, uri, own, onward, edit } = arrival;
  const { self, lookup, placing } = routing;
  const first = onward[0];
  if (first !== undefined) return alongRoute(arrival, first);
  const target = parseUri(uri);
  if (target === undefined) return { kind: 'refuse', refusal: REFUSALS.scheme };
  const here = self.isSelf(target) || self.servesDomain(target);
  if (here && target.user === '') return { kind: 'own' };
  const fresh = to(m)?.tag === undefined;
  const callee = (aor: string) => (fresh ? { callee: aor } : {});
  const named = here ? parsePlace(target.user) : undefined;
  if (named) {
    const targets = targetsOf(boundAt(named, lookup), routing);
    return targets ? { kind: 'forward', targets, ...callee(named.aor), ...edit } : away(named.aor, routing);
  }
  if (flow) {
    // RFC 5626 5.3.1: "the proxy [...] forwards the request over the 'logical flow' identified by the flow token".
    const bound = place && boundAs(place.aor, uri, target, lookup)[0];
    const token = (bound && placeToken(bound.aor, bound.contact)) ?? routing.flowTokens?.of(flow);
    const one = { ...byFlow(uri, flow), ...(token === undefined ? {} : { place: token }) };
    return { kind: 'forward', targets: [[one]], ...(place ? callee(place.aor) : {}), ...edit };
  }
  if (place) {
    // The Request-URI is the telephone's own, as it registered or as it stands in the dialog: it stays, and goes by the telephone's flow.
    const bound = place.contact === undefined ? boundAs(place.aor, uri, target, lookup) : boundAt(place, lookup);
    const [group] = targetsOf(bound.slice(0, 1), routing) ?? [];
    if (group) return { kind: 'forward', targets: [group.map((one) => ({ ...one, uri }))], ...callee(place.aor), ...edit };
  }
  const user = placing.localUser(target, self);
  if (user !== undefined) {
    const targets = targetsOf(lookup(user), routing);
    return targets ? { kind: 'forward', targets, ...callee(user), ...edit } : away(user, routing);
  }
  // A telephone whose binding is not known any more, in mid-call or since the disk was lost: the PBX says where it is.
  const targets = own.length > 0 ? peerByContact(uri, target, own.at(-1) as string) : undefined;
  const plain = targets ?? (targetOf(target) && single(uri, targetOf(target) as NonNullable<ReturnType<typeof targetOf>>));
  return plain ? { kind: 'forward', targets: plain, ...edit } : { kind: 'refuse', refusal: REFUSALS.scheme };
}

function toPbx(arrival: Arrival, place: Place | undefined, routing: Routing, flow: Flow): Route {
  const { m, uri, own, onward, inDialog, edit } = arrival;
  const { self, lookup, placing } = routing;
  const user = senderOf(m, flow, lookup, placing.naming);
  const first = onward[0];
  const known = user !== undefined || (inDialog && isOfPhone(place, flow, lookup));
  const ours = known || (inDialog && routing.isKnownDialog(m));
  if (first !== undefined) {
    if (known || isNextHop(first, routing) || (inDialog && isOnWay(m, first, routing))) return alongRoute(arrival, first);
    return { kind: 'refuse', refusal: inDialog ? REFUSALS.noTransaction : REFUSALS.relay };
  }
  const target = parseUri(uri);
  if (target === undefined) return { kind: 'refuse', refusal: REFUSALS.scheme };
  const bare = target.user === '' && (self.isSelf(target) || self.servesDomain(target));
  if (bare && m.method === 'OPTIONS') return { kind: 'own' };
  if (inDialog && own.length > 0) {
    // Where the PBX is a proxy that left the dialog's way, its users' telephones come to each other along two values of ours.
    const peer = place && !isOfPhone(place, flow, lookup) ? targetsOf(boundAt(place, lookup).slice(0, 1), routing) : undefined;
    if (peer) return { kind: 'forward', targets: [peer[0].map((one) => ({ ...one, uri }))], ...edit };
    const targets = peerByFlow(uri, own, flow, routing) ?? peerByContact(uri, target, own.at(-1) as string);
    const hop = targetOf(target);
    if (targets && (ours || (hop && placing.isNextHop(hop)))) return { kind: 'forward', targets, ...edit };
    return { kind: 'refuse', refusal: REFUSALS.noTransaction };
  }
  const hop = placing.nextHop(target);
  if (hop === undefined) return { kind: 'refuse', refusal: REFUSALS.pbxAway };
  const origin = user === undefined ? undefined : originOf(user, flow, lookup);
  return { kind: 'forward', targets: single(uri, hop), sole: true, ...(origin ? { origin } : {}), ...edit };
}

type Lookup = (aor: string) => readonly Binding[];

const away = (aor: string, { isKnown }: Routing): Route => ({
  kind: 'refuse',
  refusal: isKnown(aor) ? REFUSALS.away : REFUSALS.unknownUser,
});

/** The bindings that a place names. */
function boundAt({ aor, contact }: Place, lookup: Lookup): readonly Binding[] {
  const bindings = lookup(aor);
  return contact === undefined ? bindings : bindings.filter((binding) => contactHash(binding.contact) === contact);
}

/** The binding of that contact; some PBXs write into it the address that they saw, and leave the user part. */
function boundAs(aor: string, uri: string, { user }: SipUri, lookup: Lookup): readonly Binding[] {
  const bindings = lookup(aor);
  const same = bindings.filter((binding) => uriEqual(binding.contact, uri));
  return same.length > 0 ? same : bindings.filter((binding) => parseUri(binding.contact)?.user === user);
}

/** Is it from the telephone of that place itself: by its address, as a NAT may have given it another port since it registered. */
function isOfPhone(place: Place | undefined, flow: Flow, lookup: Lookup): boolean {
  if (place === undefined) return false;
  const bindings = boundAt(place, lookup);
  return bindings.some((binding) => binding.flow.remote.address === flow.remote.address);
}

/** The place of the telephone that a user's request came from. */
function originOf(user: string, flow: Flow, lookup: Lookup): string | undefined {
  const bindings = lookup(user).filter((binding) => binding.flow.remote.address === flow.remote.address);
  const from = bindings.find((binding) => isSameFlow(binding.flow, flow)) ?? bindings[0];
  return from && placeToken(user, from.contact);
}
