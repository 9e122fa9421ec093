import { AddressSet, parseAddress } from '../address-set.ts';
import type { Self } from '../proxy/self.ts';
import type { SipUri } from '../sip/index.ts';
import type { Flow, Target } from '../transport.ts';
import { Naming, type NamingSettings } from './naming.ts';

/** Where this element stands among the other servers of its site. */
export interface PlacingSettings extends NamingSettings {
  /** Keeps the registrations of its domains, or stands before a PBX that keeps them, or relays nothing and looks at what is mirrored. */
  readonly mode: 'registrar' | 'edge' | 'passive';
  /** Bindings are learned from mirrored traffic, in whatever mode. */
  readonly mirrored?: boolean;
  /** edge: the PBX is given Contacts that lead here, instead of a Path (RFC 3327). */
  readonly contactRewrite: boolean;
  /** edge, mirrored: no binding is believed to last longer, seconds. */
  readonly longestGrant: number;
  /** Next hops of single domains, in lower case. */
  readonly routes: ReadonlyMap<string, Target>;
  /** Addresses and ranges of servers that may relay through here, besides the next hops. */
  readonly trustedPeers: readonly string[];
}

/** A registrar that stands alone. */
export const ALONE: PlacingSettings = {
  mode: 'registrar',
  contactRewrite: false,
  longestGrant: 7 * 86_400,
  aliases: new Map(),
  numbers: [],
  routes: new Map(),
  trustedPeers: [],
};

/** The neighbours of this element: next hops, trusted peers, and the names of its users. */
export class Placing {
  readonly naming: Naming;
  readonly edge: boolean;
  /** Peers were named: whoever is none, and no user of this place, may call users here and nobody else. */
  readonly closed: boolean;
  readonly #routes: ReadonlyMap<string, Target>;
  readonly #upstream: Target | undefined;
  readonly #hops: readonly Target[];
  readonly #peers: AddressSet;
  readonly #trusted: AddressSet;

  /** `upstream`: the next hop of all domains that have none of their own; in edge mode the PBX. */
  constructor(settings: PlacingSettings, upstream: Target | undefined, domains: readonly string[]) {
    this.naming = new Naming(settings, domains);
    this.edge = settings.mode === 'edge';
    this.closed = settings.trustedPeers.length > 0;
    this.#routes = settings.routes;
    this.#upstream = upstream;
    this.#hops = upstream ? [upstream, ...settings.routes.values()] : [...settings.routes.values()];
    this.#peers = AddressSet.of(settings.trustedPeers);
    const hops = this.#hops.filter(({ host }) => parseAddress(host) !== undefined).map(({ host }) => host);
    this.#trusted = AddressSet.of([...settings.trustedPeers, ...hops]);
  }

  /** Where a request for that URI goes on to, where it is for no user here. Undefined where nobody is known who would take it. */
  nextHop(uri: SipUri): Target | undefined {
    return this.#routes.get(uri.host) ?? this.#upstream;
  }

  /** Is that a next hop of some domain. */
  isNextHop(target: Target): boolean {
    return this.#hops.some((hop) => hop.host === target.host && hop.port === target.port);
  }

  /**
   * Does a message come from a next hop or another trusted peer. The address alone counts: TCP connections come from any port. No peer comes by
   * WebSocket (RFC 7118 5): that is a browser, behind a web server perhaps that runs where the PBX does.
   */
  isTrusted({ remote, transport }: Pick<Flow, 'remote'> & Partial<Pick<Flow, 'transport'>>): boolean {
    return transport !== 'ws' && transport !== 'wss' && this.#trusted.has(remote.address);
  }

  /** Does a message come from where a next hop or a named peer sends from: over UDP that is, of a next hop, the port at which it listens. */
  isServer(flow: Flow): boolean {
    const { transport, remote } = flow;
    if (this.#peers.has(remote.address)) return true;
    return this.#hops.some(({ host, port }) => host === remote.address && (transport !== 'udp' || port === remote.port));
  }

  /** The user of this place whom a Request-URI names. */
  localUser(uri: SipUri, self: Self): string | undefined {
    return this.naming.localUser(uri, self);
  }
}
