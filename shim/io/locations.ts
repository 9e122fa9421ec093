import { isIP } from 'node:net';
import type { Target, TransportName } from '../core/transport.ts';
import { type Dns, serversOf } from './dns.ts';

/** Limits of what is known of names. Times in ms. */
export interface LocationsLimits {
  /** Names whose servers are remembered. */
  readonly names: number;
  /** Names that are looked up at once. */
  readonly pending: number;
  /** Servers of one name. */
  readonly servers: number;
  /** SRV and NAPTR records, of which Node does not tell the TTL, are asked for again after this. */
  readonly ttl: number;
  /** Least and longest time for which addresses are used, whatever their TTL. */
  readonly addressTtl: readonly [least: number, most: number];
  /** How long it is believed that nothing can be found. */
  readonly failureTtl: number;
}

export const DEFAULT_LOCATIONS_LIMITS: LocationsLimits = {
  names: 1_000,
  pending: 32,
  servers: 16,
  ttl: 60_000,
  addressTtl: [5_000, 3_600_000],
  failureTtl: 5_000,
};

/** What a location needs of its surroundings. */
export interface LocationsParts {
  readonly dns: Dns;
  /** Transports over which something can be sent from here. */
  readonly transports: ReadonlySet<TransportName>;
  readonly limits?: LocationsLimits;
  /** ms of a clock that only goes forward. */
  readonly now?: () => number;
  /** From 0 to below 1. */
  readonly chance?: () => number;
}

interface Known {
  readonly target: Target;
  servers: readonly Target[] | undefined;
  until: number;
  pending: boolean;
}

/**
 * RFC 3263: a table of the servers of names, filled in the background, as the choice of a transport must stand before a request is written
 * (its Via names it), and the core waits for nothing. What has grown old is used until the answer to a new question is there: a DNS that
 * is away stops no calls.
 */
export class Locations {
  readonly #parts: LocationsParts;
  readonly #limits: LocationsLimits;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  /** Names that are kept fresh, whether or not they are asked for. */
  #kept = new Set<string>();
  #pending = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: LocationsParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? DEFAULT_LOCATIONS_LIMITS;
    this.#now = parts.now ?? (() => performance.now());
  }

  /** Names remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** What is known now of the servers of a target, in their order; undefined for IP literals, and where nothing is known. Never waits. */
  of(target: Target): readonly Target[] | undefined {
    if (!isLookedUp(target)) return undefined;
    const key = keyOf(target);
    const known = this.#known.get(key) ?? this.#add(key, target);
    if (known.until <= this.#now()) void this.#ask(known);
    return known.servers;
  }

  /** These next hops are looked up now, and again whenever they grow old. Resolves when all are looked up for the first time. */
  async keep(targets: readonly Target[]): Promise<void> {
    const named = targets.filter(isLookedUp);
    this.#kept = new Set(named.map(keyOf));
    await Promise.all(named.map((target) => this.#ask(this.#known.get(keyOf(target)) ?? this.#add(keyOf(target), target))));
    this.#arm();
  }

  /** Asks nothing more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #add(key: string, { transport, host, port, named, open }: Target): Known {
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < this.#limits.names) break;
      if (!this.#kept.has(oldest)) this.#known.delete(oldest);
      else if (this.#kept.size >= this.#limits.names) break;
    }
    // A copy: of a phone's target nothing but the name is of use, and its host may be part of a whole message.
    const target = { transport, host: Buffer.from(host).toString(), port, ...(named && { named }), ...(open && { open }) };
    const known: Known = { target, servers: undefined, until: Number.NEGATIVE_INFINITY, pending: false };
    this.#known.set(Buffer.from(key).toString(), known);
    return known;
  }

  async #ask(known: Known): Promise<void> {
    if (known.pending || this.#closed || this.#pending >= this.#limits.pending) return;
    known.pending = true;
    this.#pending += 1;
    const { dns, transports, chance = Math.random } = this.#parts;
    const found = await serversOf(known.target, { dns, transports, chance });
    const { servers, ttl, failureTtl, addressTtl } = this.#limits;
    this.#pending -= 1;
    known.pending = false;
    const [least, most] = addressTtl;
    if (found.servers.length > 0) known.servers = found.servers.slice(0, servers);
    const lifetime = Math.min(Math.max(found.ttl ?? ttl, least), found.byRecords ? ttl : most);
    known.until = this.#now() + (found.servers.length > 0 ? lifetime : failureTtl);
  }

  /** One timer for all that is kept. */
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#kept.size === 0) return;
    const due = [...this.#kept].map((key) => this.#known.get(key)?.until ?? Number.POSITIVE_INFINITY);
    const pause = Math.max(Math.min(...due) - this.#now(), this.#limits.failureTtl);
    this.#timer = setTimeout(() => void this.#refresh(), Math.min(pause, this.#limits.ttl));
    this.#timer.unref();
  }

  async #refresh(): Promise<void> {
    const now = this.#now();
    const old = [...this.#kept].flatMap((key) => this.#known.get(key) ?? []).filter((known) => known.until <= now);
    await Promise.all(old.map((known) => this.#ask(known)));
    this.#arm();
  }
}

/** A name over a transport that a connection or a datagram can be sent by: only the browser can open a WebSocket (RFC 7118 5). */
const isLookedUp = ({ host, transport }: Target): boolean =>
  transport !== 'ws' && transport !== 'wss' && !host.includes(':') && isIP(host) === 0;

const keyOf = ({ transport, host, port, named, open }: Target): string =>
  `${open ? 'any' : named ? 'srv' : port} ${transport} ${host.toLowerCase()}`;
