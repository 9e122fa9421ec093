import { type Message, maxForwards, parseUri, relayRequest, topVia } from '../sip/index.ts';
import { type Flow, isSecure, type ListenPoint, viaStamp } from '../transport.ts';
import { formsDialog } from './origin.ts';
import type { Forward, RouteTarget } from './route.ts';
import { bracketed } from './self.ts';
import { isSips } from './sips.ts';

/** RFC 3261 16.6 step 3: given to a request that carries none. */
export const MAX_FORWARDS = 70;

/**
 * RFC 3261 16.6 steps 1 to 8: the request as it is sent on to one target. `inbound` is the listening address at which it came in, `outbound` the one
 * from which it leaves.
 */
export function forwarded(
  m: Message,
  way: Forward,
  { uri, place }: RouteTarget,
  path: {
    readonly flow: Flow;
    readonly inbound: ListenPoint | undefined;
    readonly outbound: ListenPoint;
    readonly branch: string;
    /** RFC 5393: the Max-Breadth to send; where it is undefined, what came stays. */
    readonly breadth?: number | undefined;
  },
): string {
  const { outbound, branch, breadth } = path;
  const via = topVia(m);
  const hops = maxForwards(m);
  const edit = {
    uri: withoutHeaders(uri),
    via: viaValue(outbound, branch),
    maxForwards: hops === undefined ? MAX_FORWARDS : hops - 1,
    popRoutes: way.popRoutes,
    pushRoutes: [...way.pushRoutes],
  };
  const stamp = via ? viaStamp(via, path.flow) : {};
  return relayRequest(m, {
    ...edit,
    ...(breadth === undefined ? {} : { maxBreadth: breadth }),
    ...(stamp.received === undefined ? {} : { stampVia: stamp }),
    ...(formsDialog(m)
      ? { recordRoute: recordRoute(path.inbound ?? outbound, outbound, { ...way, sips: isSips(uri), place }) }
      : {}),
  });
}

/**
 * RFC 3261 19.1.1: of a URI that becomes a Request-URI (a Contact, a Route value) the headers stay behind, which may
 * not have any. 16.6 step 2: "If this URI contains any parameters not allowed in a Request-URI, they MUST be removed."
 */
function withoutHeaders(uri: string): string {
  if (!uri.includes('?')) return uri;
  const headers = parseUri(uri)?.headers ?? '';
  return headers === '' ? (uri.endsWith('?') ? uri.slice(0, -1) : uri) : uri.slice(0, -headers.length - 1);
}

/** RFC 3261 16.6 step 8: the Via of this element. RFC 3581 3: with `rport`, so that the answer finds its way through a NAT. */
export function viaValue({ transport, address, port }: ListenPoint, branch: string): string {
  return `SIP/2.0/${transport.toUpperCase()} ${bracketed(address)}:${port};branch=${branch};rport`;
}

/**
 * RFC 3261 16.6 step 4. RFC 5658 5: where the two sides differ in transport or address, one value a side, that of the outbound side on top,
 * so that each side comes back to an address that it can reach; and where one of them is reached by its flow (RFC 5626 5.3), so that a request
 * shows by its last value for which side it is.
 */
function recordRoute(
  inbound: ListenPoint,
  outbound: ListenPoint,
  {
    sips,
    place,
    origin,
    originFlow,
  }: Pick<Forward, 'origin' | 'originFlow'> & { readonly sips: boolean; readonly place: string | undefined },
): string {
  const same = inbound.transport === outbound.transport && inbound.address === outbound.address && inbound.port === outbound.port;
  return same && originFlow === undefined
    ? routeValue(outbound, sips, place ?? origin)
    : `${routeValue(outbound, sips, place)}, ${routeValue(inbound, sips, originFlow ?? origin)}`;
}

/**
 * RFC 3261 16.6 step 4: "If the Request-URI contains a SIPS URI, [...] the URI placed into the Record-Route header field MUST be a SIPS
 * URI." RFC 5630 3.1.4: such a URI says TLS by itself. RFC 7118 5.1: `ws` names the secure transport too. `place` is that of the telephone
 * on that side, where the other side is a PBX that must come back to it.
 */
function routeValue({ transport, address, port }: ListenPoint, sips: boolean, place: string | undefined): string {
  const secure = sips && isSecure(transport);
  const named = transport === 'wss' ? 'ws' : transport;
  const parameter = transport === 'udp' || (secure && transport === 'tls') ? '' : `;transport=${named}`;
  const user = place === undefined ? '' : `${place}@`;
  return `<${secure ? 'sips' : 'sip'}:${user}${bracketed(address)}:${port}${parameter};lr>`;
}
