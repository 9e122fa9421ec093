import { Resolver as System } from 'node:dns/promises';
import { type NaptrRecord, orderNaptr } from '../core/naptr.ts';
import { orderSrv, type SrvRecord } from '../core/srv.ts';
import { defaultPort, type Target, type TransportName } from '../core/transport.ts';
import { createResolver, type Resolver } from './resolve.ts';

/** An address of a name. `ttl` in ms, where it is told. */
export interface HostAddress {
  readonly address: string;
  readonly ttl?: number;
}

/** The questions of RFC 3263. Each gives an empty list where there is nothing, or no answer; none rejects. */
export interface Dns {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  addresses(host: string): Promise<readonly HostAddress[]>;
}

/** A server that does not answer must not eat up the time of the transaction: 3 s in all, ms. */
const ASK_AGAIN_AFTER = 1_000;
const ASK_TIMES = 2;

/**
 * The DNS, and for addresses the hosts file before it, as everywhere on the machine (`resolver`); the DNS tells of them how long they are
 * good. `servers` (`address` or `address:port`) are asked instead of those of the system, where any are given, and then for addresses too.
 */
export function systemDns(servers: readonly string[] = [], resolver: Resolver = createResolver()): Dns {
  const dns = new System({ timeout: ASK_AGAIN_AFTER, tries: ASK_TIMES });
  if (servers.length > 0) dns.setServers([...servers]);
  const listed = async <T>(answer: Promise<T[]>): Promise<T[]> => {
    try {
      return await answer;
    } catch {
      return [];
    }
  };
  return {
    naptr: (name) => listed(dns.resolveNaptr(name)),
    srv: (name) => listed(dns.resolveSrv(name)),
    async addresses(host) {
      const [v4, v6, found] = await Promise.all([
        listed(dns.resolve4(host, { ttl: true })),
        listed(dns.resolve6(host, { ttl: true })),
        servers.length > 0 && host.includes('.') ? undefined : resolver.resolve(host),
      ]);
      const told = [...v4, ...v6].map(({ address, ttl }) => ({ address, ttl: ttl * 1000 }));
      if (!found?.ok) return told;
      const ttls = new Map(told.map(({ address, ttl }) => [address, ttl]));
      return found.addresses.map(({ address }) => {
        const ttl = ttls.get(address);
        return ttl === undefined ? { address } : { address, ttl };
      });
    },
  };
}

/** RFC 3263 4.2, RFC 3261 26.2.2: the service that the records of a transport stand under. WebSocket has none (RFC 7118 5). */
export const SERVICES: { readonly [transport: string]: string } = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp' };

/** What was found: the servers in their order, and how long their addresses are good (ms) where that was told. */
export interface Found {
  readonly servers: readonly Target[];
  readonly ttl: number | undefined;
  /** Records stand behind it, or are known not to be there, of which no TTL is told. */
  readonly byRecords: boolean;
}

interface Asking {
  readonly dns: Dns;
  readonly transports: ReadonlySet<TransportName>;
  readonly chance: () => number;
}

/** RFC 3263 4: all the questions for one target, in their order. Never rejects. */
export async function serversOf(target: Target, asking: Asking): Promise<Found> {
  // A name of one label is of the hosts file (RFC 6761 6.3 for localhost), and no domain that has services.
  if (!target.named || !target.host.includes('.')) return { ...(await addressed(target, [target], asking)), byRecords: false };
  const { host } = target;
  const naptr = target.open ? orderNaptr(await asking.dns.naptr(host), target.transport === 'tls', asking.transports) : [];
  for (const { transport, replacement } of naptr) {
    const found = await behind(target, transport, replacement, asking);
    if (found && found.servers.length > 0) return found;
  }
  // RFC 3263 4.1: "If no NAPTR records are found, the client constructs SRV queries for those transport protocols it supports, and does a
  // query for each." So it is done, too, where none of those found leads anywhere.
  for (const transport of openTransports(target, asking.transports)) {
    const found = await behind(target, transport, `${SERVICES[transport]}.${host}`, asking);
    if (found) return found;
  }
  // 4.2: "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name."
  return { ...(await addressed(target, [target], asking)), byRecords: true };
}

/** The transports whose SRV records are asked for, one after the other: UDP first, as it is the one of a `sip:` URI that names none. */
function openTransports({ transport, open }: Target, had: ReadonlySet<TransportName>): readonly TransportName[] {
  if (!open || transport === 'tls') return [transport];
  return (['udp', 'tcp'] as const).filter((one) => had.has(one));
}

/** The servers that the SRV records of that name tell; undefined where there are no records. */
async function behind(target: Target, transport: TransportName, name: string, asking: Asking): Promise<Found | undefined> {
  const records = orderSrv(await asking.dns.srv(name), asking.chance);
  if (records.length === 0) return undefined;
  // RFC 2782: "A Target of "." means that the service is decidedly not available at this domain."
  const reachable = records.filter((record) => record.name !== '.' && record.name !== '');
  const places = reachable.map((record) => ({ ...target, transport, host: record.name, port: record.port }));
  const found = await addressed({ ...target, transport }, places, asking);
  return { ...found, byRecords: true };
}

/** The addresses of those hosts, each as a server of `target`: over TLS the certificate names the domain, and not the host (RFC 5922 7.1). */
async function addressed(target: Target, places: readonly Target[], { dns }: Asking): Promise<Omit<Found, 'byRecords'>> {
  const { host, transport } = target;
  const lists = await Promise.all(places.map((place) => dns.addresses(place.host)));
  const ttls = lists.flat().flatMap(({ ttl }) => ttl ?? []);
  const servers = places.flatMap(({ port = defaultPort(transport) }, i) =>
    (lists[i] ?? []).map(({ address }): Target => ({ transport, host, port, address })),
  );
  return { servers, ttl: ttls.length === 0 ? undefined : Math.min(...ttls) };
}
