/** The words in which core and io speak of the network. Core never opens a socket: it names where a message came from and where one goes. */

/** RFC 3261 18 (udp, tcp, tls), RFC 7118 (ws, wss: WebSocket, and WebSocket over TLS). */
export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

const TRANSPORTS: ReadonlySet<string> = new Set<TransportName>(['udp', 'tcp', 'tls', 'ws', 'wss']);

/** A transport by its name in a URI or a Via, in any case; undefined for one not had here. */
export function transportNamed(name: string): TransportName | undefined {
  const lower = name.toLowerCase();
  return TRANSPORTS.has(lower) ? (lower as TransportName) : undefined;
}

/** An IP literal without brackets, and a port. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

/**
 * An address at which SIP is taken, IPv6 without brackets. To open: port 0 takes a free one, and `::` serves IPv6 alone (name both families
 * where both are wanted). Once open: as others reach it.
 */
export interface ListenPoint {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
  /** The address of the socket, where another one stands for it (behind NAT). */
  readonly bound?: Address;
}

/** Where a message came in: local and remote end, and but for UDP the number of the connection that brought it. */
export interface Flow {
  readonly transport: TransportName;
  readonly local: Address;
  readonly remote: Address;
  readonly connection?: number;
}

/** Where a message goes. */
export interface Target {
  readonly transport: TransportName;
  /** An IP literal without brackets, or a name that io resolves. Over TLS it is what the other side's certificate must name. */
  readonly host: string;
  readonly port: number;
  /** The host is a name and no port was given with it: its servers and their ports stand in SRV records, where there are any (RFC 3263). */
  readonly named?: true;
  /** No transport was given either: `transport` is the one taken where the name's owner states no other (RFC 3263 4.1). */
  readonly open?: true;
  /** The IP literal of the one server among those of the name that is meant (RFC 3263 4.3): nothing more is looked up. */
  readonly address?: string;
  /** It can be reached by this very flow and no other: from this address and port, or by this connection. */
  readonly behindNat?: true;
  /** Send on this connection if it is still open; otherwise connect to host and port (TCP, TLS), or fail (WebSocket, `behindNat`). */
  readonly connection?: number;
  /** UDP: send from the socket bound here, so that the other side's NAT and firewall know the sender. */
  readonly local?: Address;
}

/** What the transport layer needs to know of a Via value; `Via` of core/sip has this shape. */
export interface SentBy {
  /** Upper case, as in the Via: UDP, TCP... */
  readonly transport: string;
  /** Host of sent-by; an IPv6 literal may stand in brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly received?: string | undefined;
  /** RFC 3581: `true` where the parameter came without a value. */
  readonly rport?: number | true | undefined;
}

/** Parameters that the receiver adds to the top Via of a request. */
export interface ViaStamp {
  received?: string;
  rport?: number;
}

/** Default port of sip: over UDP and TCP (RFC 3261 19.1.2). */
export const DEFAULT_PORT = 5060;

/** RFC 3261 18.2.2, RFC 7118 5.3: the port where none is given. */
const DEFAULT_PORTS: Record<TransportName, number> = { udp: DEFAULT_PORT, tcp: DEFAULT_PORT, tls: 5061, ws: 80, wss: 443 };

export const defaultPort = (transport: TransportName): number => DEFAULT_PORTS[transport];

/** Largest payload of a UDP datagram over IPv4, bytes. */
export const MAX_DATAGRAM = 65_507;

export const isReliable = (transport: TransportName): boolean => transport !== 'udp';

/** Whether what is sent there cannot be read or changed on its way: what `sips:` asks of every hop (RFC 3261 26.2.2). */
export const isSecure = (transport: TransportName): boolean => transport === 'tls' || transport === 'wss';

/** Whether messages come one in each packet or frame, so that Content-Length may be missing (RFC 3261 18.3, RFC 7118 5.2). */
export const isFramed = (transport: TransportName): boolean => transport !== 'tcp' && transport !== 'tls';

/** `[2001:DB8::1]` -> `2001:db8::1`; names in lower case. */
export function bareHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return bare.toLowerCase();
}

/** The parameters with which the top Via of a received request is completed (RFC 3261 18.2.1, RFC 3581 4). */
export function viaStamp(via: SentBy, flow: Flow): ViaStamp {
  const stamp: ViaStamp = {};
  // RFC 3261 18.2.1: "If the host portion of the "sent-by" parameter contains a domain name, or if it contains an IP address that
  // differs from the packet source address, the server MUST add a "received" parameter to that Via header field value."
  // RFC 3581 4: "When a server compliant to this specification receives a request, it examines the topmost Via [...] If this Via
  // header field value contains an "rport" parameter with no value, it MUST set the value of the parameter to the source port of
  // the request. [...] the server MUST insert a "received" parameter [...] even if it is identical to the value of the "sent-by""
  const source = withoutZone(flow.remote.address);
  if (via.rport !== undefined || bareHost(via.host) !== source) stamp.received = source;
  if (via.rport !== undefined) stamp.rport = flow.remote.port;
  return stamp;
}

/**
 * Where the response to a request goes that came in on `flow` with `via` on top (RFC 3261 18.2.2, RFC 3581 4).
 * `maddr` is not followed: it would let any sender aim our responses at a third party, and multicast is not served.
 */
export function responseTarget(via: SentBy, flow: Flow): Target {
  const host = flow.remote.address;
  const sentPort = via.port ?? defaultPort(flow.transport);
  if (isReliable(flow.transport)) {
    // "the response MUST be sent using the existing connection to the source of the original request [...] If that connection
    // attempt fails, [...] open a connection to the IP address in the "received" parameter, if present, using the port in the
    // "sent-by" value, or the default port"
    const target = { transport: flow.transport, host, port: sentPort };
    return flow.connection === undefined ? target : { ...target, connection: flow.connection };
  }
  // RFC 3581 4: "The response MUST be sent to the IP address listed in "received", and the port in "rport" [...] from the same
  // address and port that the corresponding request was received on".
  const port = via.rport === undefined ? sentPort : flow.remote.port;
  return { transport: flow.transport, host, port, local: flow.local };
}

/**
 * Where a response goes whose next Via is all that we know (forwarded without a transaction, RFC 3261 16.11 and 18.2.2).
 * Undefined where the Via names a transport that we do not have.
 */
export function viaTarget(via: SentBy): Target | undefined {
  const transport = transportNamed(via.transport);
  if (transport === undefined) return undefined;
  const port = transport === 'udp' && typeof via.rport === 'number' ? via.rport : (via.port ?? defaultPort(transport));
  return { transport, host: bareHost(via.received ?? via.host), port };
}

/** `fe80::1%eth0` -> `fe80::1`: a zone means nothing to others and is no part of a Via's grammar. */
export function withoutZone(address: string): string {
  const percent = address.indexOf('%');
  return (percent < 0 ? address : address.slice(0, percent)).toLowerCase();
}
