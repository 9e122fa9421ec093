import { parseIpv4, type SipUri } from '../sip/index.ts';
import {
  type Address,
  DEFAULT_PORT,
  defaultPort,
  type Flow,
  type ListenPoint,
  type Target,
  transportNamed,
} from '../transport.ts';

/** How this element is reached from outside, where that is not the address at which it listens (behind NAT). */
export interface Outside {
  /** What stands for a listening address: a host name or an IP literal without brackets; undefined where it stands for itself. */
  readonly advertised: (point: ListenPoint) => Address | undefined;
  /** Who reaches the listening address itself. */
  readonly isLocal: (address: string) => boolean;
}

/** What this element answers to: its listening addresses and the domains that it serves. */
export class Self {
  readonly #points: readonly ListenPoint[];
  /** What stands for a listening address, by the address. */
  readonly #advertised = new Map<ListenPoint, ListenPoint>();
  readonly #isLocal: (address: string) => boolean;
  readonly #ports: ReadonlySet<number>;
  #domains: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;

  /**
   * `domains` in lower case, IPv6 literals in brackets. `others`: further addresses of this machine at which the same ports take SIP (those
   * behind a wildcard address), IPv6 without brackets.
   */
  constructor(points: readonly ListenPoint[], domains: readonly string[], others: readonly string[] = [], outside?: Outside) {
    this.#points = points;
    for (const point of points) {
      const { transport, address, port } = point;
      const stands = outside?.advertised(point);
      if (stands) this.#advertised.set(point, { transport, ...stands, bound: { address, port } });
    }
    this.#isLocal = outside?.isLocal ?? (() => false);
    const all = [...points, ...this.#advertised.values()];
    this.#ports = new Set(all.map((p) => p.port));
    this.#domains = new Set(domains);
    this.#hosts = new Set([...all.map((p) => p.address), ...others].map(bracketed));
  }

  /** The domains served, in lower case. */
  get domains(): readonly string[] {
    return [...this.#domains];
  }

  /** Serves these domains from now on. */
  serve(domains: readonly string[]): void {
    this.#domains = new Set(domains);
  }

  /** RFC 3261 16.5: is the element responsible for the domain of that Request-URI. */
  servesDomain(uri: SipUri): boolean {
    return this.#domains.has(uri.host) && (uri.port === undefined || this.#ports.has(uri.port));
  }

  /** RFC 3261 16.4, 16.6: does that URI name this very element, as the URIs do that it puts into Record-Route. */
  isSelf(uri: SipUri): boolean {
    if (uri.port !== undefined) return this.#ports.has(uri.port) && (this.#hosts.has(uri.host) || this.#domains.has(uri.host));
    return this.#domains.has(uri.host) || (this.#hosts.has(uri.host) && this.#ports.has(portOf(uri)));
  }

  /** Is that Via's sent-by one of ours (RFC 3261 16.3 step 4). */
  isSentBy(host: string, port: number | undefined): boolean {
    return this.#hosts.has(host.toLowerCase()) && this.#ports.has(port ?? 5060);
  }

  /**
   * The listening address to send from: of that transport and address family, that of the target first, then that of `flow`. What a name
   * stands for is not known here: IPv4 where it is had. Undefined where there is none.
   */
  pointFor(target: Target, flow: Flow): ListenPoint | undefined {
    const host = target.address ?? target.host;
    const v6 = host.includes(':');
    const had = this.#points.filter((p) => p.transport === target.transport);
    const same = had.filter((p) => p.address.includes(':') === v6);
    const fit = same.length === 0 && !v6 && parseIpv4(host) === undefined ? had : same;
    // From a loopback address nothing can be sent to another machine.
    const near = fit.filter((p) => isLoopback(p.address) === isLoopback(host));
    const among = near.length > 0 ? near : fit;
    const at = (list: readonly ListenPoint[], local: Address | undefined) =>
      list.find((p) => isAt(p, local)) ?? list.find((p) => isAt(this.#advertised.get(p), local));
    return this.#seenFrom(at(fit, target.local) ?? at(among, flow.local) ?? among[0], host);
  }

  /** The listening address at which something came in, or that stands for it (a connection that was opened from here). */
  pointOf(flow: Flow): ListenPoint | undefined {
    const { transport, local, remote } = flow;
    const point =
      this.#points.find((p) => p.transport === transport && isAt(p, local)) ??
      this.#points.find((p) => p.transport === transport && p.address.includes(':') === local.address.includes(':'));
    return this.#seenFrom(point, remote.address);
  }

  /** The address by which `host` reaches that point. */
  #seenFrom(point: ListenPoint | undefined, host: string): ListenPoint | undefined {
    if (point === undefined || this.#advertised.size === 0 || this.#isLocal(host)) return point;
    return this.#advertised.get(point) ?? point;
  }
}

const isAt = (point: ListenPoint | undefined, local: Address | undefined): boolean =>
  point !== undefined && point.address === local?.address && point.port === local.port;

/** RFC 3261 19.1.2: the port that a URI means which names none. */
function portOf(uri: SipUri): number {
  const transport = transportNamed(String(uri.params.get('transport') ?? 'udp'));
  if (uri.scheme === 'sips') return defaultPort(transport === 'ws' || transport === 'wss' ? 'wss' : 'tls');
  return transport === undefined ? DEFAULT_PORT : defaultPort(transport);
}

const isLoopback = (host: string): boolean => host.startsWith('127.') || host === '::1' || host === 'localhost';

/** `host` or `[v6]`, as it stands in a URI or a Via. */
export const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
