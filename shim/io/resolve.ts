import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface ResolverLimits {
  /** Names remembered. */
  readonly names: number;
  /** How long an answer is used, ms. The system's resolver does not tell the TTL. */
  readonly ttl: number;
  /** How long a failure is believed, ms. */
  readonly failureTtl: number;
  /** Look-ups under way at once (they occupy threads that the disk needs too). */
  readonly pending: number;
}

export const DEFAULT_RESOLVER_LIMITS: ResolverLimits = { names: 1_000, ttl: 60_000, failureTtl: 5_000, pending: 32 };

export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolution =
  | { readonly ok: true; readonly addresses: readonly Resolved[] }
  | { readonly ok: false; readonly reason: string };

/** Asks the system for all addresses of a name; throws where there are none. */
export type Lookup = (host: string) => Promise<readonly { address: string; family: number }[]>;

/** Names to addresses, through the system's resolver (hosts file and DNS), with a small cache. Never rejects. */
export interface Resolver {
  /** Answers at once for an IP literal and for what is remembered; otherwise with a promise. */
  resolve(host: string): Resolution | Promise<Resolution>;
}

export function createResolver(
  limits: ResolverLimits = DEFAULT_RESOLVER_LIMITS,
  now: () => number = () => performance.now(),
  ask: Lookup = (host) => lookup(host, { all: true }),
): Resolver {
  const known = new Map<string, { resolution: Resolution; until: number }>();
  const pending = new Map<string, Promise<Resolution>>();

  const remember = (name: string, resolution: Resolution): Resolution => {
    known.delete(name);
    // A Map keeps the order of insertion: the first key is the oldest answer.
    for (const oldest of known.keys()) {
      if (known.size < limits.names) break;
      known.delete(oldest);
    }
    known.set(name, { resolution, until: now() + (resolution.ok ? limits.ttl : limits.failureTtl) });
    return resolution;
  };

  const question = async (name: string): Promise<Resolution> => {
    try {
      const found = await ask(name);
      const addresses = found.flatMap(({ address, family }) =>
        family === 4 || family === 6 ? [{ address, family } as Resolved] : [],
      );
      return remember(name, addresses.length > 0 ? { ok: true, addresses } : { ok: false, reason: `${name}: no address` });
    } catch (error) {
      return remember(name, { ok: false, reason: `${name}: ${(error as NodeJS.ErrnoException).code ?? String(error)}` });
    } finally {
      pending.delete(name);
    }
  };

  return {
    resolve(host) {
      const family = isIP(host);
      if (family !== 0) return { ok: true, addresses: [{ address: host, family: family as 4 | 6 }] };
      const name = host.toLowerCase();
      const remembered = known.get(name);
      if (remembered !== undefined && remembered.until > now()) return remembered.resolution;
      const asked = pending.get(name);
      if (asked !== undefined) return asked;
      if (pending.size >= limits.pending) return { ok: false, reason: `${name}: too many look-ups under way` };
      const answer = question(name);
      pending.set(name, answer);
      return answer;
    },
  };
}
