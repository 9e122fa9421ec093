import { isIP } from 'node:net';
import { orderSrv, type SrvRecord } from '../core/srv.ts';
import type { Target } from '../core/transport.ts';
import { SERVICES, systemDns } from './dns.ts';
import {
  createResolver,
  DEFAULT_RESOLVER_LIMITS,
  type Lookup,
  type Resolution,
  type Resolved,
  type Resolver,
} from './resolve.ts';

export interface LocatorLimits {
  /** Names whose servers are remembered. */
  readonly names: number;
  /** How long the servers of a name are used in the order found, ms: Node's resolver does not tell the TTL of SRV records. */
  readonly ttl: number;
  /** How long it is believed that a name has no servers, or that they cannot be asked for, ms. */
  readonly failureTtl: number;
  /** How long a server is tried last after it could not be reached, ms (RFC 3263 4.3). */
  readonly avoid: number;
  /** Servers remembered as out of reach. */
  readonly avoided: number;
  /** Servers of one name. */
  readonly servers: number;
}

export const DEFAULT_LOCATOR_LIMITS: LocatorLimits = {
  names: 1_000,
  ttl: 60_000,
  failureTtl: 5_000,
  avoid: 30_000,
  avoided: 1_000,
  servers: 16,
};

/** One server of a target. */
export interface Server extends Resolved {
  readonly port: number;
}

export type Location =
  | { readonly ok: true; readonly servers: readonly Server[] }
  | { readonly ok: false; readonly reason: string };

/** Asks the DNS for SRV records; throws with code ENOTFOUND or ENODATA where there are none. */
export type LookupSrv = (name: string) => Promise<readonly SrvRecord[]>;

/** RFC 3263: the servers of a target, in the order in which they are to be tried. Never rejects. */
export interface Locator {
  /** Answers at once for IP literals and for what is remembered; otherwise with a promise. */
  locate(target: Target): Location | Promise<Location>;
  /** That server could not be reached: for a while it is tried last. */
  avoid(target: Target, server: Server): void;
}

/** The locator of a process, which asks those DNS servers instead of the system's, where any are given. */
export function systemLocator(servers: readonly string[] = []): Locator {
  const resolver = createResolver();
  if (servers.length === 0) return createLocator(resolver);
  const dns = systemDns(servers, resolver);
  const lookup: Lookup = async (host) => (await dns.addresses(host)).map(({ address }) => ({ address, family: isIP(address) }));
  return createLocator(createResolver(DEFAULT_RESOLVER_LIMITS, undefined, lookup), undefined, undefined, undefined, dns.srv);
}

export function createLocator(
  resolver: Resolver,
  limits: LocatorLimits = DEFAULT_LOCATOR_LIMITS,
  now: () => number = () => performance.now(),
  chance: () => number = Math.random,
  ask: LookupSrv = systemDns().srv,
): Locator {
  const known = new Map<string, { records: readonly SrvRecord[]; until: number }>();
  const pending = new Map<string, Promise<readonly SrvRecord[]>>();
  const avoided = new Map<string, number>();

  const remember = (name: string, records: readonly SrvRecord[], ttl: number): readonly SrvRecord[] => {
    keepRoom(known, limits.names);
    known.set(name, { records, until: now() + ttl });
    return records;
  };

  const question = async (name: string): Promise<readonly SrvRecord[]> => {
    try {
      const found = orderSrv(await ask(name), chance).slice(0, limits.servers);
      return remember(name, found, found.length > 0 ? limits.ttl : limits.failureTtl);
    } catch {
      // "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name." A DNS that does not answer
      // must not stop what the hosts file knows either.
      return remember(name, [], limits.failureTtl);
    } finally {
      pending.delete(name);
    }
  };

  const records = (name: string): readonly SrvRecord[] | Promise<readonly SrvRecord[]> => {
    const remembered = known.get(name);
    if (remembered !== undefined && remembered.until > now()) return remembered.records;
    let answer = pending.get(name);
    if (answer === undefined) {
      answer = question(name);
      pending.set(name, answer);
    }
    return answer;
  };

  const healthyFirst = (target: Target, servers: readonly Server[]): Location => {
    const isAvoided = (server: Server) => (avoided.get(keyOf(target, server)) ?? 0) > now();
    if (avoided.size === 0 || !servers.some(isAvoided)) return { ok: true, servers };
    return { ok: true, servers: [...servers.filter((s) => !isAvoided(s)), ...servers.filter(isAvoided)] };
  };

  const addresses = (target: Target, found: Resolution): Location =>
    found.ok
      ? healthyFirst(
          target,
          found.addresses.map((to) => ({ ...to, port: target.port })),
        )
      : found;

  const viaRecords = async (target: Target, found: readonly SrvRecord[]): Promise<Location> => {
    if (found.length === 0) return addresses(target, await resolver.resolve(target.host));
    // RFC 2782: "A Target of "." means that the service is decidedly not available at this domain."
    // And nothing can be sent to port 0.
    const reachable = found.filter(({ name, port }) => name !== '.' && name !== '' && port > 0);
    const resolved = await Promise.all(reachable.map(async ({ name, port }) => ({ port, found: await resolver.resolve(name) })));
    const servers = resolved.flatMap(({ port, found }) => (found.ok ? found.addresses.map((to) => ({ ...to, port })) : []));
    if (servers.length > 0) return healthyFirst(target, servers.slice(0, limits.servers));
    return { ok: false, reason: `${target.host}: its servers have no address` };
  };

  return {
    locate(target) {
      // A name of one label is of the hosts file (RFC 6761 6.3 for localhost), and no domain that has services.
      const service = target.named && target.host.includes('.') ? SERVICES[target.transport] : undefined;
      if (service !== undefined) {
        const found = records(`${service}.${target.host.toLowerCase()}`);
        if (found instanceof Promise) return found.then((list) => viaRecords(target, list));
        if (found.length > 0) return viaRecords(target, found);
      }
      const found = resolver.resolve(target.host);
      return found instanceof Promise ? found.then((resolution) => addresses(target, resolution)) : addresses(target, found);
    },
    avoid(target, server) {
      keepRoom(avoided, limits.avoided);
      avoided.set(keyOf(target, server), now() + limits.avoid);
    },
  };
}

const keyOf = ({ transport }: Target, { address, port }: Server): string => `${transport} ${address} ${port}`;

/** A Map keeps the order of insertion: the first key is the oldest. */
function keepRoom(map: Map<string, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size < max) return;
    map.delete(oldest);
  }
}
