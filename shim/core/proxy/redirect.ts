import { contacts, type Message, own, parseUri, uriEqual } from '../sip/index.ts';
import type { Flow } from '../transport.ts';
import { type Edit, isFamiliar, isNextHop, type RouteTarget, type Routing, type TargetGroup, toLocalUser } from './route.ts';
import { targetOf } from './target.ts';

/** Redirections that are followed. RFC 3261 21.3.4, 21.3.5: what 305 and 380 ask for only the caller can do. */
const FOLLOWED: ReadonlySet<number> = new Set([300, 301, 302]);

/** The request that was redirected. */
export interface Redirected {
  readonly request: Message;
  readonly flow: Flow;
  readonly edit: Edit;
  /** URIs that the target set has held so far, and those that led to them; takes up those of this redirection. */
  readonly tried: string[];
  /** How many more targets there may be. */
  readonly room: number;
}

/**
 * RFC 3261 16.5: "A proxy MUST NOT add additional targets to the target set if the Request-URI of the original request does not indicate a
 * resource this proxy is responsible for." Asked of the Request-URI.
 */
function isResponsible(requestUri: string, { self, placing }: Routing): boolean {
  const uri = parseUri(requestUri);
  // RFC 3261 16.7 step 4: "a proxy SHOULD NOT recurse to a non-SIPS URI if the Request-URI of the original request was a SIPS URI".
  if (uri === undefined || uri.scheme === 'sips') return false;
  return self.servesDomain(uri) || placing.localUser(uri, self) !== undefined;
}

/**
 * RFC 3261 16.7 step 4: the further targets that the redirection `m` names, in groups, the best first; undefined where it is to go back as
 * it is. It is followed only where each of its Contacts is a user served here or, for callers who may go there, lies at a next hop: nobody's
 * answer makes this element call what the caller could not call through it. At the edge of a PBX that is the PBX's affair.
 */
export function redirected(m: Message, way: Redirected, routing: Routing): TargetGroup[] | undefined {
  if (
    !routing.recurse ||
    routing.placing.edge ||
    !FOLLOWED.has(m.status) ||
    way.room < 1 ||
    !isResponsible(way.request.uri, routing)
  )
    return undefined;
  const listed = contacts(m);
  if (!listed.ok || listed.contacts.length === 0) return undefined;
  // Each is compared with each: a message has room for thousands.
  if (listed.contacts.length > routing.maxBranches) return undefined;
  const groups: RouteTarget[][] = [];
  const seen = [...way.tried];
  let { room } = way;
  let last = { q: -1, start: 0 };
  // RFC 3261 16.6: by decreasing q one after the other, those of equal q in parallel.
  for (const { uri, q = 1 } of listed.contacts.toSorted((a, b) => (b.q ?? 1) - (a.q ?? 1))) {
    const led = targetsOf(uri, way, routing);
    if (led === undefined) return undefined;
    // RFC 3261 16.5: the targets are a set, by the comparison of 19.1.4: what was tried is not tried again.
    if (has(seen, uri)) continue;
    seen.push(own(uri));
    if (q !== last.q) last = { q, start: groups.length };
    for (const [i, group] of led.entries()) {
      const fresh = group.filter((one) => one.uri === uri || !has(seen, one.uri)).slice(0, room);
      room -= fresh.length;
      for (const one of fresh) if (one.uri !== uri) seen.push(one.uri);
      const among = groups[last.start + i];
      if (among === undefined) groups.push(fresh);
      else among.push(...fresh);
    }
  }
  way.tried.splice(0, way.tried.length, ...seen);
  return groups.filter((group) => group.length > 0);
}

/** The targets to which one Contact leads. */
function targetsOf(uri: string, { request, flow, edit }: Redirected, routing: Routing): readonly TargetGroup[] | undefined {
  const target = parseUri(uri);
  // RFC 3261 19.1.5: header fields in a URI are for whoever makes a request of it; a proxy makes none.
  if (target?.scheme !== 'sip' || target.headers !== '') return undefined;
  const at = targetOf(target);
  if (at !== undefined && isNextHop(uri, routing))
    return isFamiliar(request, routing, flow) ? [[{ uri: own(uri), target: at, callee: null }]] : undefined;
  const callee = target.user === '' ? undefined : routing.placing.localUser(target, routing.self);
  if (callee === undefined) return undefined;
  const way = toLocalUser(request, { uri: own(uri), callee, target }, routing, flow, edit);
  if (way.kind !== 'forward') return undefined;
  return way.targets.map((group) => group.map((one) => ({ ...one, callee: way.callee ?? null })));
}

const has = (seen: readonly string[], uri: string): boolean => seen.some((one) => one === uri || uriEqual(one, uri));
