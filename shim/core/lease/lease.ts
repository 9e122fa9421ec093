import type { LeaseAnswer } from '#protocol';
import { backoff } from '../outbox/backoff.ts';
import type { SendFailure } from '../outbox/types.ts';

/** Tempo of the lease; times in ms. */
export interface LeaseLimits {
  /** Duration of a lease until the Worker has told it. */
  readonly duration: number;
  /** First pause after a failed request; it doubles up to a third of the lease. */
  readonly backoffMin: number;
}

export const DEFAULT_LEASE_LIMITS: LeaseLimits = { duration: 30_000, backoffMin: 250 };

export interface LeaseSettings extends Partial<LeaseLimits> {
  /** Chance for the jitter: 0 up to, not including, 1. */
  readonly chance: () => number;
}

/** Totals since start. */
export interface LeaseCounters {
  heartbeats: number;
  failures: number;
}

/**
 * The site's lease at the Worker, as the shim keeps it: each batch of updates renews it; where none was sent for a third of its duration,
 * a batch without updates is. Pure: time is passed in. One request under way at most, beside that of the outbox, which it never delays.
 */
export class SiteLease {
  readonly counters: LeaseCounters = { heartbeats: 0, failures: 0 };
  readonly #limits: LeaseLimits;
  readonly #chance: () => number;
  #duration: number;
  /** When the last batch that was answered was sent. */
  #spokenAt = Number.NEGATIVE_INFINITY;
  #sentAt = 0;
  #flying = false;
  #attempts = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor({ chance, ...limits }: LeaseSettings) {
    this.#limits = { ...DEFAULT_LEASE_LIMITS, ...limits };
    this.#chance = chance;
    this.#duration = this.#limits.duration;
  }

  /** The Worker has answered a batch that was sent at `sentAt`; `answer` is missing where it said nothing of the lease. */
  spoken(answer: LeaseAnswer | undefined, sentAt: number): void {
    this.#spokenAt = Math.max(this.#spokenAt, sentAt);
    if (answer !== undefined) this.#duration = answer.duration;
  }

  /** Is a heartbeat to be sent now? Answer it by `settle` or `fail`. */
  take(now: number): boolean {
    const due = this.nextDeadline();
    if (due === undefined || due > now) return false;
    this.#flying = true;
    this.#sentAt = now;
    this.counters.heartbeats += 1;
    return true;
  }

  /** The answer to what was under way. */
  settle(answer: LeaseAnswer | undefined): void {
    this.#flying = false;
    this.#attempts = 0;
    this.spoken(answer, this.#sentAt);
  }

  /** What was under way brought no answer; how long is waited now, ms. */
  fail(_failure: SendFailure, now: number): number {
    this.#flying = false;
    this.#attempts += 1;
    this.counters.failures += 1;
    const pause = backoff(this.#attempts, this.#limits.backoffMin, this.#duration / 3, this.#chance());
    this.#notBefore = now + pause;
    return pause;
  }

  /** When the next heartbeat is due, ms since 1970; undefined while a request is under way. */
  nextDeadline(): number | undefined {
    return this.#flying ? undefined : Math.max(this.#spokenAt + Math.floor(this.#duration / 3), this.#notBefore);
  }
}
