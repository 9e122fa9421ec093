import type { GhostBounds } from '../ghost.ts';

/** What a shim holds at the moment, and totals since start. Names nobody. Times in ms since 1970. */
export interface ShimStatus {
  readonly version: string;
  readonly site: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly now: number;
  /** New calls are refused, as it is about to end. */
  readonly draining: boolean;
  /** `udp 127.0.0.1:5060` */
  readonly addresses: readonly string[];
  /** Where mirrored traffic is taken, over UDP and TCP: `127.0.0.1:9060`; undefined where none is. */
  readonly hep: string | undefined;
  readonly bindings: number;
  readonly calls: number;
  readonly transactions: number;
  readonly connections: number;
  readonly outbox: {
    /** Updates that the Worker has not yet given its verdict on. */
    readonly pending: number;
    /** When the oldest of them was put in. */
    readonly oldest: number | undefined;
  };
  /** How the Worker last said that this site stands: in touch (`held`), or not yet compared; undefined before it has. */
  readonly lease?: 'held' | 'reconcile' | 'superseded' | undefined;
  readonly disk: { readonly failing: boolean; readonly pending: number };
  /** When each part next has something to do by itself; undefined where it has not. */
  readonly deadlines: {
    readonly transactions: number | undefined;
    readonly bindings: number | undefined;
    readonly calls: number | undefined;
    readonly outbox: number | undefined;
  };
  /** How long a wrong state of a call can last, ms, by what brought it about. */
  readonly ghost: GhostBounds;
  readonly counters: { readonly [part: string]: object };
}

/** Is it well, and if not, why. */
export interface Health {
  readonly status: 'ok' | 'failing' | 'draining';
  readonly problems: readonly string[];
}

/** An update may wait for the Worker for `outboxAge` ms. */
export function healthOf(status: ShimStatus, outboxAge: number): Health {
  const problems: string[] = [];
  const { outbox, disk, now } = status;
  if (disk.failing) problems.push(`the disk fails: ${disk.pending} rows wait to be written`);
  const waited = outbox.oldest === undefined ? 0 : now - outbox.oldest;
  if (waited >= outboxAge) {
    problems.push(`the Worker is not told: ${outbox.pending} updates wait, the oldest for ${Math.round(waited / 1000)} s`);
  }
  return { status: problems.length > 0 ? 'failing' : status.draining ? 'draining' : 'ok', problems };
}
