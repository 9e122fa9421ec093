import type { OfflineReason } from '#protocol';
import { Deadlines } from '../deadlines.ts';
import type { Binding, BindingChange } from './binding.ts';

/** Bounds of the location service. */
export interface LocationLimits {
  /** Bindings over all users. */
  readonly bindings: number;
}

export const DEFAULT_LOCATION_LIMITS: LocationLimits = { bindings: 100_000 };

const NONE: readonly Binding[] = [];

/** The location service (RFC 3261 10): the bindings of each address of record, and the first timer of FIG. 2, their expiry. */
export class Location {
  readonly #limits: LocationLimits;
  /** Bindings of each user in the order in which they are tried. Arrays are replaced, never changed. */
  readonly #users = new Map<string, readonly Binding[]>();
  /** One deadline a user: when his first binding ends. */
  readonly #deadlines = new Deadlines();
  #size = 0;

  constructor(limits: LocationLimits = DEFAULT_LOCATION_LIMITS) {
    this.#limits = limits;
  }

  /** Bindings kept, those that wait for `expire` among them. */
  get size(): number {
    return this.#size;
  }

  /** How many more bindings there is room for. */
  get room(): number {
    return Math.max(0, this.#limits.bindings - this.#size);
  }

  /** The live bindings of a user, best first: by q, then the newest. */
  lookup(aor: string, now: number): readonly Binding[] {
    const bindings = this.#users.get(aor);
    if (bindings === undefined) return NONE;
    return bindings.every((binding) => binding.expiresAt > now)
      ? bindings
      : bindings.filter((binding) => binding.expiresAt > now);
  }

  /** Is there a live binding: is this a local user. */
  has(aor: string, now: number): boolean {
    return this.#users.get(aor)?.some((binding) => binding.expiresAt > now) ?? false;
  }

  /** All bindings kept of a user, best first, those that wait for `expire` among them. */
  get(aor: string): readonly Binding[] {
    return this.#users.get(aor) ?? NONE;
  }

  /** Every address of record with a binding. */
  users(): IterableIterator<string> {
    return this.#users.keys();
  }

  /** When `expire` has something to do next, ms since 1970. */
  nextDeadline(): number | undefined {
    return this.#deadlines.next();
  }

  /** Puts in what was found on disk at start. What expired meanwhile is told by the first `expire`. Bindings beyond the limit are left out; returns how many. */
  restore(bindings: readonly Binding[]): number {
    const users = new Map<string, Binding[]>();
    const kept = bindings.slice(0, this.room);
    for (const binding of kept) {
      const list = users.get(binding.aor);
      if (list === undefined) users.set(binding.aor, [binding]);
      else list.push(binding);
    }
    for (const [aor, list] of users) this.replace(aor, list);
    return bindings.length - kept.length;
  }

  /** Ends every binding whose time has come, in order of expiry by user. */
  expire(now: number): BindingChange[] {
    const changes: BindingChange[] = [];
    for (const aor of this.#deadlines.expired(now)) changes.push(...this.expireUser(aor, now));
    return changes;
  }

  /** Ends the bindings of one user whose time has come. */
  expireUser(aor: string, now: number): BindingChange[] {
    const bindings = this.get(aor);
    const live = bindings.filter((binding) => binding.expiresAt > now);
    if (live.length === bindings.length) {
      this.#arm(aor, bindings);
      return [];
    }
    this.replace(aor, live);
    return bindings.filter((binding) => binding.expiresAt <= now).map((binding) => removed(binding, 'expired'));
  }

  /** Sets the bindings of a user to these. The caller has checked them and tells what changed (see `register`). */
  replace(aor: string, bindings: readonly Binding[]): void {
    this.#size += bindings.length - this.get(aor).length;
    if (bindings.length === 0) this.#users.delete(aor);
    else
      this.#users.set(
        aor,
        bindings.toSorted((a, b) => b.q - a.q || b.since - a.since),
      );
    this.#arm(aor, bindings);
  }

  #arm(aor: string, bindings: readonly Binding[]): void {
    if (bindings.length === 0) this.#deadlines.clear(aor);
    else this.#deadlines.set(aor, Math.min(...bindings.map((binding) => binding.expiresAt)));
  }
}

/** The change that ends a binding. */
export function removed(binding: Binding, reason: OfflineReason): BindingChange {
  return { type: 'removed', binding, reason };
}
