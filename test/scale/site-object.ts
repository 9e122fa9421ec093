import type { LeaseAnswer } from '#protocol';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { type Lease, lapsed, type Renewal, reconciled, renewed } from '../../worker/presence/index.ts';
import type { Tally } from './tally.ts';

const DURATION = OBJECT_LIMITS.leaseDefault;
/** `ROUTE_LIMITS.renewEvery` and `ACCESS_LIMITS.revocationFresh`: what an isolate knows for so long it does not ask again, ms. */
const RENEW_EVERY = DURATION / 6;
const REVOCATIONS_FRESH = 2_500;

/** What of a lease is stored: all but how long it lasts. */
const STORED = ['epoch', 'round', 'reconciled', 'staleSince', 'left'] as const;

/** A site's object, with the lease by the Worker's own code, and the isolate through which all requests of its site come. */
export class SiteObject {
  readonly boards = new Set<string>();
  readonly #tally: Tally;
  #lease: Lease | undefined;
  #armed: number | null = null;
  /** What the isolate knows. */
  #renewed: { readonly answer: LeaseAnswer; readonly at: number } | undefined;
  #revocationsAt = Number.NEGATIVE_INFINITY;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** When its alarm goes off, ms; null where none is set. */
  get armed(): number | null {
    return this.#armed;
  }

  /** A request of the site comes to its isolate: it may have to read which tokens are revoked. */
  request(now: number): void {
    this.#tally.ask('worker', '', now);
    if (now - this.#revocationsAt < REVOCATIONS_FRESH) return;
    this.#revocationsAt = now;
    this.#tally.ask('access', '', now);
  }

  /** `renewLease`: a batch about users of these boards. */
  renew(epoch: number, boards: ReadonlySet<string>, now: number): LeaseAnswer {
    const unknown = [...boards].filter((board) => !this.boards.has(board));
    const known = this.#renewed;
    const fresh = known?.answer.state === 'held' && known.answer.epoch === epoch && now - known.at < RENEW_EVERY;
    if (known && fresh && unknown.length === 0) return known.answer;
    return this.renewAlways(epoch, unknown, now);
  }

  /** `Site.renew`. */
  renewAlways(epoch: number, boards: readonly string[], now: number): LeaseAnswer {
    for (const board of boards) this.boards.add(board);
    this.#tally.count('site rows written', now, boards.length);
    return this.#take(renewed(this.#lease, epoch, now, DURATION), now);
  }

  /** `Site.reconciled`. */
  reconciled(epoch: number, round: number, now: number): LeaseAnswer {
    const known = this.#lease ?? renewed(undefined, epoch, now, DURATION).lease;
    return this.#take(reconciled(known, epoch, round, now, DURATION), now);
  }

  /** `Site.alarm`. */
  alarm(now: number): void {
    this.#tally.count('site alarms fired', now);
    this.#armed = null;
    if (this.#lease !== undefined) this.#commit(lapsed(this.#lease, now), now);
  }

  /** Is the site in touch. */
  get inTouch(): boolean {
    return this.#lease !== undefined && this.#lease.staleSince === null;
  }

  #take({ lease, state }: Renewal, now: number): LeaseAnswer {
    this.#tally.ask('site', '', now);
    this.#commit(lease, now);
    const answer = { state, duration: DURATION, epoch: lease.epoch, round: lease.round };
    this.#renewed = { answer, at: now };
    return answer;
  }

  #commit(lease: Lease, now: number): void {
    const before = this.#lease;
    this.#lease = lease;
    if (before === undefined || STORED.some((name) => before[name] !== lease[name])) this.#tally.count('site rows written', now);
    const lapses = lease.staleSince !== null || lease.left ? Infinity : lease.until;
    if (lapses === Infinity || (this.#armed !== null && this.#armed <= lapses)) return;
    this.#armed = lapses;
    this.#tally.count('site alarms set', now);
  }
}
