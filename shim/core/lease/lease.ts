import { type LeaseAnswer, PROTOCOL_VERSION, type ReconcileAnswer, type SiteStop } from '#protocol';
import { backoff } from '../outbox/backoff.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Outcome, SendFailure } from '../outbox/types.ts';
import { type Holdings, Reconciliation } from './reconciliation.ts';
import { DEFAULT_LEASE_LIMITS, type LeaseCounters, type LeaseLimits, type LeaseRequest, type LeaseSettings } from './types.ts';

const NOTHING: Outcome = { ops: [], events: [] };

/**
 * The site's lease at the Worker, as the shim keeps it. Each batch of updates renews it; where none was sent for a third of its duration, a batch
 * without updates does. Where the Worker asks for it (a new incarnation, a lease that ran out), what is held is compared by digests,
 * and who differs is told by the outbox; when that is done, the site is in touch again. Pure: time is passed in. One request under way at most,
 * beside that of the outbox, which never waits for it.
 */
export class SiteLease {
  readonly counters: LeaseCounters = { heartbeats: 0, failures: 0, comparisons: 0, compared: 0, differed: 0, superseded: 0 };
  readonly #limits: LeaseLimits;
  readonly #chance: () => number;
  readonly #outbox: Outbox;
  readonly #holdings: Holdings;
  #duration: number;
  #answer: LeaseAnswer | undefined;
  #run: Reconciliation | undefined;
  /** When the holdings are compared again, though nobody asked; undefined before they were for the first time. */
  #againAt: number | undefined;
  #again: number;
  /** Can the Worker compare. */
  #compares = true;
  /** When the last request that was answered was sent. */
  #spokenAt = Number.NEGATIVE_INFINITY;
  #sentAt = 0;
  #flying: LeaseRequest | undefined;
  #stopping: SiteStop['states'] | undefined;
  #attempts = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor({ chance, ...limits }: LeaseSettings, outbox: Outbox, holdings: Holdings) {
    this.#limits = { ...DEFAULT_LEASE_LIMITS, ...limits };
    this.#chance = chance;
    this.#outbox = outbox;
    this.#holdings = holdings;
    this.#duration = this.#limits.duration;
    this.#again = this.#limits.againFirst;
  }

  /** How the Worker last said that the site stands; undefined before it has. */
  get standing(): LeaseAnswer['state'] | undefined {
    return this.#answer?.state;
  }

  /** The site stops as planned: `states` say what becomes of what it told. The last request of all; it is tried once. */
  stop(states: SiteStop['states']): void {
    this.#stopping = states;
    this.#notBefore = Number.NEGATIVE_INFINITY;
  }

  /** Is the last word yet to be said. */
  get isStopping(): boolean {
    return this.#stopping !== undefined || this.#flying?.kind === 'stop';
  }

  /** The Worker has answered a batch of updates that was sent at `sentAt`; `answer` is missing where it said nothing of the lease. */
  spoken(answer: LeaseAnswer | undefined, sentAt: number): void {
    this.#spokenAt = Math.max(this.#spokenAt, sentAt);
    if (answer === undefined) return;
    this.#answer = answer;
    this.#duration = answer.duration;
  }

  /** The next request; undefined where there is none now. Answer it by `settle` or `fail`. */
  take(now: number): LeaseRequest | undefined {
    if (this.#flying !== undefined || now < this.#notBefore) return undefined;
    this.#begin(now);
    const request = this.#lastWord() ?? this.#next() ?? (now >= this.#beatAt() ? this.#heartbeat() : undefined);
    if (request === undefined) return undefined;
    this.#flying = request;
    this.#sentAt = now;
    return request;
  }

  /** The answer to what was under way; `reconciled` where that was a comparison. What comes of it is to be carried out. */
  settle(answer: LeaseAnswer | undefined, reconciled: ReconcileAnswer | undefined, now: number): Outcome {
    const request = this.#flying;
    this.#flying = undefined;
    this.#attempts = 0;
    this.spoken(answer, this.#sentAt);
    if (answer?.state === 'superseded') {
      this.#run = undefined;
      this.counters.superseded += 1;
      this.#notBefore = now + this.#limits.backoffRefused;
      return this.#outbox.superseded(answer.epoch, now);
    }
    if (request?.kind === 'done') {
      this.#run = undefined;
      this.#againAt = now + this.#again;
      this.#again = this.#limits.againLater;
    }
    const run = this.#run;
    if (request?.kind !== 'page' || run === undefined || reconciled === undefined) return NOTHING;
    this.counters.differed += reconciled.differ.length;
    run.next(reconciled.more);
    const differ = new Set(reconciled.differ);
    if (!reconciled.more) this.#outbox.same(request.users.filter(([user]) => !differ.has(user)));
    this.#outbox.differing(differ);
    return NOTHING;
  }

  /** What was under way brought no answer; how long is waited now, ms. */
  fail(failure: SendFailure, now: number): number {
    const request = this.#flying;
    this.#flying = undefined;
    this.#attempts += 1;
    this.counters.failures += 1;
    if (request?.kind === 'page' && (failure.reason === 'misdirected' || failure.reason === 'invalid')) this.#tellAll();
    const pause = backoff(this.#attempts, this.#limits.backoffMin, this.#duration / 3, this.#chance());
    this.#notBefore = now + Math.max(pause, failure.retryAfter ?? 0);
    return pause;
  }

  /** When there may be something to send without a further word, ms since 1970; undefined while a request is under way. */
  nextDeadline(): number | undefined {
    if (this.#flying !== undefined) return undefined;
    const busy = this.#stopping !== undefined ? true : this.#run !== undefined ? this.#isReady(this.#run) : this.#isWanted();
    const due = busy ? Number.NEGATIVE_INFINITY : Math.min(this.#beatAt(), this.#againAt ?? Number.POSITIVE_INFINITY);
    return Math.max(due, this.#notBefore);
  }

  #beatAt(): number {
    return this.#spokenAt + Math.floor(this.#duration / 3);
  }

  /** Does the Worker want a comparison. */
  #isWanted(): boolean {
    return this.#compares && this.#answer?.state === 'reconcile' && this.#answer.epoch === this.#outbox.epoch;
  }

  #begin(now: number): void {
    const answer = this.#answer;
    if (answer === undefined) return;
    const outdated = this.#run !== undefined && (this.#run.epoch !== this.#outbox.epoch || this.#run.round !== answer.round);
    if (outdated) this.#run = undefined;
    const again = this.#againAt !== undefined && now >= this.#againAt && answer.state === 'held';
    if (this.#run !== undefined || !(this.#isWanted() || again)) return;
    this.#againAt = undefined;
    this.counters.comparisons += 1;
    this.#run = new Reconciliation(answer.round, this.#outbox.epoch, this.#holdings, this.#limits.pageUsers);
  }

  /** Can the comparison go on: who differed is told before a range is asked for again, and before the end. */
  #isReady(run: Reconciliation): boolean {
    return run.repeats || run.compared ? !this.#outbox.isTelling : true;
  }

  #next(): LeaseRequest | undefined {
    const run = this.#run;
    if (run === undefined || !this.#isReady(run)) return undefined;
    const page = run.page();
    if (page === undefined) {
      return { kind: 'done', body: JSON.stringify({ version: PROTOCOL_VERSION, epoch: run.epoch, done: run.round }) };
    }
    const users = Object.entries(page.users);
    this.counters.compared += users.length;
    return { kind: 'page', body: JSON.stringify({ version: PROTOCOL_VERSION, ...page }), users };
  }

  #lastWord(): LeaseRequest | undefined {
    const states = this.#stopping;
    this.#stopping = undefined;
    return states && { kind: 'stop', body: JSON.stringify({ version: PROTOCOL_VERSION, epoch: this.#outbox.epoch, states }) };
  }

  #heartbeat(): LeaseRequest {
    this.counters.heartbeats += 1;
    return { kind: 'heartbeat' };
  }

  /** A Worker that cannot compare is told everybody by snapshots. */
  #tellAll(): void {
    this.#run = undefined;
    this.#compares = false;
    this.#outbox.differing(this.#holdings.users());
  }
}
