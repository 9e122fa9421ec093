import { retryWait } from './backoff.ts';
import { HOOK_LIMITS } from './limits.ts';

/** An event that is yet to be delivered. */
export interface Waiting {
  /** Its place in the order in which events were taken. */
  readonly n: number;
  readonly user: string;
  /** When it was taken, or put back by a replay, ms since 1970: from then on it is tried for 24 hours. */
  readonly at: number;
  /** Attempts that failed. */
  readonly failures: number;
  /** Not to be tried before, ms since 1970. */
  readonly dueAt: number;
}

/** What came of an attempt. */
export type Outcome =
  | { readonly is: 'delivered' }
  /** `retryAfter`: how long the receiver asks to be left alone, ms. */
  | { readonly is: 'failed'; readonly reason: string; readonly retryAfter?: number };

/** What is to be stored of an event. */
export type Op =
  | { readonly op: 'delivered'; readonly n: number }
  | { readonly op: 'retry'; readonly n: number; readonly failures: number; readonly dueAt: number; readonly reason: string }
  | { readonly op: 'dead'; readonly n: number; readonly failures: number; readonly reason: string }
  /** There was no room, and a newer event of the same user says all that this one could. */
  | { readonly op: 'superseded'; readonly n: number };

/** Sizes of one webhook's queue. */
export interface DeliveryLimits {
  readonly queue: number;
  readonly inFlight: number;
}

/**
 * The events of one webhook that wait to be delivered: each user's in order, one at a time; other users go on meanwhile. Pure: time and chance
 * are passed in, what must be stored comes back. After a loss of memory it is made anew from what was stored; what was under way is then due again.
 */
export class Deliveries {
  readonly #limits: DeliveryLimits;
  readonly #byUser = new Map<string, Waiting[]>();
  readonly #flying = new Map<number, Waiting>();
  #pending = 0;
  /** Failures in a row, whoever they concern. */
  #failures = 0;
  #open = true;

  constructor(limits: DeliveryLimits = HOOK_LIMITS) {
    this.#limits = limits;
  }

  /** Events that wait, those under way among them. */
  get pending(): number {
    return this.#pending;
  }

  get inFlight(): number {
    return this.#flying.size;
  }

  /** Failures since the last success. */
  get failuresInARow(): number {
    return this.#failures;
  }

  /** Whether deliveries are begun. What is under way while it is shut is settled all the same. */
  set open(open: boolean) {
    this.#open = open;
    if (open) this.#failures = 0;
  }

  /** Puts an event in line; its place in its user's order is told by `n`, so what is replayed comes before what is newer. */
  put(event: Waiting): Op[] {
    const line = this.#byUser.get(event.user) ?? [];
    this.#byUser.set(event.user, line);
    let at = line.length;
    while (at > 0 && (line[at - 1] as Waiting).n > event.n) at--;
    if (line[at - 1]?.n === event.n) return [];
    line.splice(at, 0, event);
    this.#pending++;
    return this.#pending > this.#limits.queue ? this.#makeRoom() : [];
  }

  /** What is to be delivered now, one a user at most; each is under way until `settle`. The one that is due longest comes first. */
  take(now: number): Waiting[] {
    const room = this.#open ? this.#window() - this.#flying.size : 0;
    if (room <= 0) return [];
    const due = this.#heads().filter(({ dueAt }) => dueAt <= now);
    const taken = due.sort((a, b) => a.dueAt - b.dueAt || a.n - b.n).slice(0, room);
    for (const event of taken) this.#flying.set(event.n, event);
    return taken;
  }

  /** An attempt has ended. One of an event that is not under way any more changes nothing. */
  settle(n: number, outcome: Outcome, now: number, chance: number): Op[] {
    const event = this.#flying.get(n);
    if (event === undefined) return [];
    this.#flying.delete(n);
    if (outcome.is === 'delivered') {
      this.#failures = 0;
      this.#remove(event);
      return [{ op: 'delivered', n }];
    }
    this.#failures++;
    const failures = event.failures + 1;
    const asked = Math.min(outcome.retryAfter ?? 0, HOOK_LIMITS.retryMax);
    const dueAt = now + Math.max(retryWait(failures, chance), asked);
    if (dueAt > event.at + HOOK_LIMITS.retryFor) {
      this.#remove(event);
      return [{ op: 'dead', n, failures, reason: outcome.reason }];
    }
    const line = this.#byUser.get(event.user) as Waiting[];
    line[line.indexOf(event)] = { ...event, failures, dueAt };
    return [{ op: 'retry', n, failures, dueAt, reason: outcome.reason }];
  }

  /** The data of a user are deleted: these of their events wait no more. */
  forget(user: string, events: readonly number[]): void {
    const line = this.#byUser.get(user) ?? [];
    const left = line.filter(({ n }) => !events.includes(n));
    for (const n of events) this.#flying.delete(n);
    this.#pending -= line.length - left.length;
    if (left.length === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, left);
  }

  /** Nothing is wanted any more: all that waits is dead, for one reason. */
  drain(reason: string): Op[] {
    const all = [...this.#byUser.values()].flat();
    this.#byUser.clear();
    this.#flying.clear();
    this.#pending = 0;
    return all.map(({ n, failures }) => ({ op: 'dead', n, failures, reason }));
  }

  /** When `take` may have something without a further word, ms since 1970; undefined where only an end of what is under way can bring it. */
  nextDue(): number | undefined {
    if (!this.#open || this.#flying.size >= this.#window()) return undefined;
    let next: number | undefined;
    for (const { dueAt } of this.#heads()) if (next === undefined || dueAt < next) next = dueAt;
    return next;
  }

  /** How many may be under way. */
  #window(): number {
    return this.#failures >= HOOK_LIMITS.failuresBeforeOne ? 1 : this.#limits.inFlight;
  }

  /** The first event of each user of whom nothing is under way. */
  #heads(): Waiting[] {
    const heads: Waiting[] = [];
    for (const line of this.#byUser.values()) {
      if (this.#flying.size > 0 && line.some(({ n }) => this.#flying.has(n))) continue;
      heads.push(line[0] as Waiting);
    }
    return heads;
  }

  /** The oldest event that is superseded by a newer one of its user is left out; where there is none, the oldest of all is dead. */
  #makeRoom(): Op[] {
    let superseded: Waiting | undefined;
    let oldest: Waiting | undefined;
    for (const line of this.#byUser.values()) {
      const idle = line.find(({ n }) => !this.#flying.has(n));
      if (idle === undefined) continue;
      if (oldest === undefined || idle.n < oldest.n) oldest = idle;
      if (idle !== line.at(-1) && (superseded === undefined || idle.n < superseded.n)) superseded = idle;
    }
    if (superseded !== undefined) {
      this.#remove(superseded);
      return [{ op: 'superseded', n: superseded.n }];
    }
    if (oldest === undefined) return [];
    this.#remove(oldest);
    return [{ op: 'dead', n: oldest.n, failures: oldest.failures, reason: 'overflow' }];
  }

  #remove(event: Waiting): void {
    const line = this.#byUser.get(event.user) as Waiting[];
    line.splice(line.indexOf(event), 1);
    if (line.length === 0) this.#byUser.delete(event.user);
    this.#pending--;
  }
}
