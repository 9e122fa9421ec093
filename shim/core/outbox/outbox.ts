import type { UpdateAnswer } from '#protocol';
import { LIMITS } from '#protocol';
import { Deadlines } from '../deadlines.ts';
import type { OutboxEntry } from '../journal.ts';
import { backoff, pauseAfter } from './backoff.ts';
import { newQueue, put, type Queue, remove, unbuilt, type Waiting } from './queue.ts';
import { settleUser } from './settle.ts';
import {
  type Batch,
  DEFAULT_OUTBOX_LIMITS,
  type OutboxCounters,
  type OutboxLimits,
  type OutboxSettings,
  type Outcome,
  type Report,
  type SendFailure,
  type SnapshotOf,
} from './types.ts';

/**
 * What the Worker is yet to be told. In order by user; one request under way at most; an update leaves only when the Worker has
 * given its verdict on it. Pure: time is passed in, what must be on disk comes back as journal operations.
 *
 * Each user has a chain in the current epoch (`previous`). Where the chain is broken or not yet open (start, gap, rejection, too
 * much waiting), the user's next word is a snapshot of all that is known of him, built at the moment it is taken.
 */
export class Outbox {
  readonly counters: OutboxCounters = {
    added: 0,
    accepted: 0,
    duplicate: 0,
    stale: 0,
    gap: 0,
    rejected: 0,
    retried: 0,
    coalesced: 0,
    overflow: 0,
    requests: 0,
    failures: 0,
    conflicts: 0,
  };
  readonly #site: string;
  readonly #limits: OutboxLimits;
  readonly #chance: () => number;
  readonly #snapshotOf: SnapshotOf;
  #epoch: number;
  #sequence = 0;
  #pending = 0;
  readonly #queues = new Map<string, Queue>();
  /** Users with something to send, in the order in which they are served. */
  #ready = new Set<Queue>();
  /** Until when a single user is passed over. */
  readonly #held = new Deadlines();
  /** Until when the end of a user's call is awaited, so that it is told together with `terminating`. */
  readonly #ending = new Deadlines();
  readonly #reconcile = new Set<string>();
  readonly #compares: boolean;
  #leaving = false;
  /** Users known at start of whom nothing was told in this epoch, as nothing has happened; with the digest that the Worker has too, once compared. */
  readonly #unopened = new Map<string, string | undefined>();
  /** Users who differed at the Worker, until they have been told. */
  readonly #telling = new Set<string>();
  /** What is under way, in the order of the batch; undefined when nothing is. */
  #flying: Waiting[] | undefined;
  #notBefore = 0;
  #takenAt = 0;
  #attempts = 0;
  #batch: number;
  /** Was a user forgotten (limit of users)? Then a user who is not remembered may have been told before: his first word is a snapshot. */
  #forgot = false;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #coalesceAbove: number;

  constructor(settings: OutboxSettings, snapshotOf: SnapshotOf) {
    const { site, epoch, chance, compares = false, ...limits } = settings;
    this.#compares = compares;
    this.#site = site;
    this.#epoch = epoch;
    this.#chance = chance;
    this.#limits = { ...DEFAULT_OUTBOX_LIMITS, ...limits };
    this.#batch = Math.min(this.#limits.batch, LIMITS.batchUpdates);
    this.#coalesceAbove = this.#limits.max;
    this.#snapshotOf = snapshotOf;
  }

  /** The name of this shim. */
  get site(): string {
    return this.#site;
  }

  /** The incarnation that new updates carry. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Updates that wait, those under way among them. */
  get pending(): number {
    return this.#pending;
  }

  /** When the oldest waiting update was put in, ms since 1970; undefined when none waits. Looks at every user: for metrics. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (const { waiting } of this.#queues.values()) {
      const at = waiting[0]?.at;
      if (at !== undefined && (oldest === undefined || at < oldest)) oldest = at;
    }
    return oldest;
  }

  /** Puts a report in. Send (see `take`) when the operations are on disk. */
  add(report: Report, now: number): Outcome {
    this.counters.added += 1;
    if (this.#leaving) return { ops: [], events: [] };
    if (report.status === 'snapshot') return this.resync(report.user, now);
    const base = this.#unopened.get(report.user);
    const queue = this.#queue(report.user, now);
    if (queue === undefined) return { ops: [], events: [{ type: 'overflow', user: report.user }] };
    const opens = base !== undefined && queue.waiting.length === 0 && queue.last === 0;
    if (opens) {
      queue.told = true;
      this.#unopened.delete(report.user);
    }
    const snapshot = unbuilt(queue);
    if (snapshot !== undefined) {
      // The snapshot will tell it. It must be on disk from now on: what was known of the user at the last start may no longer be.
      return { ops: snapshot.journaled ? [] : [put(snapshot)], events: [] };
    }
    const outcome: Outcome = { ops: [], events: [] };
    if (!queue.told) outcome.ops.push(put(this.#pushSnapshot(queue, now)));
    else {
      const sequence = this.#next();
      const head = { epoch: this.#epoch, sequence, previous: queue.last, ...(opens ? { base } : {}) };
      const body = JSON.stringify({ ...report, ...head });
      // RFC 3261 15.1.2: a BYE is answered at once, as a rule: where words go out all the time, its `terminating` waits for the `idle` that follows.
      const busy = this.#flying !== undefined || now < this.#notBefore;
      const waits = busy && report.status === 'terminating' && queue.waiting.length === queue.flying;
      const until = waits ? now + this.#limits.endGather : undefined;
      outcome.ops.push(put(this.#push(queue, { sequence, at: now, body, snapshot: false }, until)));
    }
    this.#bound(outcome, now);
    return outcome;
  }

  /** Replaces what waits for this user, except what is under way, by one snapshot. */
  resync(user: string, now: number): Outcome {
    const queue = this.#queue(user, now);
    if (queue === undefined) return { ops: [], events: [{ type: 'overflow', user }] };
    const outcome: Outcome = { ops: [], events: [] };
    this.#toSnapshot(queue, outcome, now);
    return outcome;
  }

  /**
   * Users known at start: each is told by a snapshot, a few at a time, so that what happens now need not wait behind them. Where digests are
   * compared first (`compares`), only those are that `differing` names; the first word about any other is a snapshot when something happens.
   */
  reconcile(users: Iterable<string>): void {
    for (const user of users) {
      if (this.#queues.get(user)?.told) continue;
      if (this.#compares) this.#unopened.set(user, undefined);
      else this.#reconcile.add(user);
    }
  }

  /** Users of whom the Worker has something else than is known here: each is told by a snapshot, unless something about him waits already. */
  differing(users: Iterable<string>): void {
    for (const user of users) {
      const queue = this.#queues.get(user);
      this.#telling.add(user);
      // His chain is open, so what waits leads to what is known here.
      if (queue?.told && queue.waiting.length > 0) continue;
      if (queue !== undefined) queue.told = false;
      this.#reconcile.add(user);
    }
  }

  /** The site leaves: each of these users is told by a last snapshot that nothing of him is left here; what is reported from now on is not told. */
  leave(users: Iterable<string>, now: number): Outcome {
    this.#leaving = true;
    const outcome: Outcome = { ops: [], events: [] };
    for (const user of users) {
      const { ops, events } = this.resync(user, now);
      outcome.ops.push(...ops);
      outcome.events.push(...events);
    }
    return outcome;
  }

  /** Users of whom the Worker has the same as is known here, by digest: the next word about one goes on from there. */
  same(users: Iterable<readonly [user: string, digest: string]>): void {
    for (const [user, digest] of users) if (this.#unopened.has(user)) this.#unopened.set(user, digest);
  }

  /** Is any of those who differed yet to be told. */
  get isTelling(): boolean {
    return this.#telling.size > 0;
  }

  /** The Worker has heard of a later incarnation of this site. */
  superseded(epoch: number, now: number): Outcome {
    const outcome: Outcome = { ops: [], events: [] };
    if (epoch > this.#epoch) this.#supersede(epoch, outcome, now);
    return outcome;
  }

  /**
   * Puts in what was found on disk. Updates of earlier epochs go first, as they are. From a snapshot on, a user's updates are
   * replaced by a snapshot of this epoch. Every user named here begins this epoch with a snapshot.
   */
  restore(entries: readonly OutboxEntry[], now: number): Outcome {
    const outcome: Outcome = { ops: [], events: [] };
    const cut = new Set<string>();
    const inOrder = entries.toSorted((a, b) => a.epoch - b.epoch || a.sequence - b.sequence);
    for (const entry of inOrder) {
      const queue = this.#queue(entry.user, now);
      if (queue !== undefined && !cut.has(entry.user) && entry.body !== null) {
        queue.told = false;
        queue.waiting.push({ ...entry, snapshot: false, previous: 0, journaled: true });
        this.#pending += 1;
        this.#ready.add(queue);
      } else {
        cut.add(entry.user);
        outcome.ops.push({ op: 'outbox-delete', epoch: entry.epoch, sequence: entry.sequence });
      }
    }
    for (const user of cut) {
      const queue = this.#queue(user, now);
      if (queue !== undefined) outcome.ops.push(put(this.#pushSnapshot(queue, now)));
    }
    this.#bound(outcome, now);
    return outcome;
  }

  /** The next batch; undefined when there is nothing to send, one is under way, or it is too early. Answer it by `settle` or `fail`. */
  take(now: number): Batch | undefined {
    if (this.#flying !== undefined || now < this.#notBefore) return undefined;
    for (const user of [...this.#held.expired(now), ...this.#ending.expired(now)]) {
      const queue = this.#queues.get(user);
      if (queue !== undefined) this.#offer(queue);
    }
    this.#feed(now);
    const flying = this.#fill(now);
    if (flying.length === 0) return undefined;
    for (const entry of flying) {
      const queue = this.#queues.get(entry.user) as Queue;
      queue.flying += 1;
      this.#ready.delete(queue);
    }
    this.#flying = flying;
    this.#takenAt = now;
    this.counters.requests += 1;
    return { site: this.#site, epoch: this.#epoch, items: flying.map((entry) => entry.body as string) };
  }

  /** The Worker's verdicts on the batch under way. */
  settle(answer: UpdateAnswer, now: number): Outcome {
    const flying = this.#flying;
    if (flying === undefined) return { ops: [], events: [] };
    if (
      !answer.results.every((verdict, i) => verdict.sequence === flying[i]?.sequence) ||
      answer.results.length !== flying.length
    ) {
      return this.fail({ reason: 'garbage', detail: 'the verdicts are not those of this batch' }, now);
    }
    this.#flying = undefined;
    this.#attempts = 0;
    this.#batch = Math.min(this.#batch * 2, this.#limits.batch, LIMITS.batchUpdates);
    const backlog = this.#pending - flying.length >= this.#batch;
    if (flying.length >= this.#limits.gatherAbove && !backlog) this.#notBefore = this.#takenAt + this.#limits.gather;
    const outcome: Outcome = { ops: [], events: [] };
    let superseded = 0;
    for (let i = 0; i < flying.length; ) {
      const queue = this.#queues.get((flying[i] as Waiting).user) as Queue;
      const verdicts = answer.results.slice(i, i + queue.flying);
      i += queue.flying;
      const before = queue.waiting.length;
      const settled = settleUser(queue, verdicts, this.counters, outcome);
      this.#pending -= before - queue.waiting.length;
      if (queue.waiting.length === 0 && !this.#reconcile.has(queue.user)) this.#telling.delete(queue.user);
      if (settled.epoch > this.#epoch) superseded = Math.max(superseded, settled.epoch);
      if (settled.next === 'snapshot') this.#toSnapshot(queue, outcome, now);
      else if (settled.next === 'pause') this.#hold(queue, this.#limits.backoffMin, this.#limits.backoffMax, now);
      else this.#offer(queue);
    }
    if (superseded > 0) this.#supersede(superseded, outcome, now);
    return outcome;
  }

  /** The batch under way brought no verdicts: nothing is removed, all of it may or may not be stored. */
  fail(failure: SendFailure, now: number): Outcome {
    const flying = this.#flying ?? [];
    this.#flying = undefined;
    this.counters.failures += 1;
    this.#attempts += 1;
    const queues = new Set(flying.map((entry) => this.#queues.get(entry.user) as Queue));
    for (const queue of queues) queue.flying = 0;
    this.#ready = new Set([...queues, ...this.#ready]);
    const outcome: Outcome = { ops: [], events: [] };
    let pause = pauseAfter(failure, this.#attempts, this.#limits, this.#chance());
    if (failure.reason === 'too-large' || failure.reason === 'invalid') {
      const only = flying[0];
      if (flying.length > 1) {
        // Find the one that is refused: half of the batch at once.
        this.#batch = Math.floor(flying.length / 2);
        pause = failure.retryAfter === undefined ? 0 : pause;
      } else if (only !== undefined) this.#refused(only, outcome, now);
    }
    this.#notBefore = now + pause;
    outcome.events.push({ type: 'failed', failure, attempt: this.#attempts, pause });
    return outcome;
  }

  /** When `take` may have something again without a further word, ms since 1970. Undefined while a request is under way. */
  nextDeadline(): number | undefined {
    if (this.#flying !== undefined) return undefined;
    if (this.#ready.size > 0 || this.#reconcile.size > 0) return this.#notBefore;
    const next = Math.min(this.#held.next() ?? Infinity, this.#ending.next() ?? Infinity);
    return next === Infinity ? undefined : Math.max(next, this.#notBefore);
  }

  #next(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** The queue of a user, made where there is none; undefined where there is no room. */
  #queue(user: string, now: number): Queue | undefined {
    const known = this.#queues.get(user);
    if (known !== undefined) return known;
    if (this.#queues.size >= this.#limits.users && !this.#sweep(now)) {
      this.counters.overflow += 1;
      this.#forgot = true;
      return undefined;
    }
    const queue = newQueue(user, !this.#forgot && !this.#reconcile.has(user) && !this.#unopened.delete(user));
    this.#queues.set(user, queue);
    return queue;
  }

  /** Forgets users for whom nothing waits, those known longest first, a sixteenth of the limit. At most once a second. */
  #sweep(now: number): boolean {
    if (now - this.#sweptAt < 1000) return false;
    this.#sweptAt = now;
    const goal = this.#limits.users - Math.max(1, this.#limits.users >> 4);
    for (const [user, queue] of this.#queues) {
      if (this.#queues.size <= goal) break;
      if (queue.waiting.length > 0) continue;
      this.#queues.delete(user);
      this.#forgot = true;
    }
    return this.#queues.size < this.#limits.users;
  }

  /** `until`: until when it waits for what comes next of the user. */
  #push(queue: Queue, entry: Pick<Waiting, 'sequence' | 'at' | 'body' | 'snapshot'>, until?: number): Waiting {
    const waiting: Waiting = { ...entry, epoch: this.#epoch, user: queue.user, previous: queue.last, journaled: false };
    queue.last = entry.sequence;
    queue.waiting.push(waiting);
    this.#pending += 1;
    if (until === undefined) this.#ending.clear(queue.user);
    else this.#ending.set(queue.user, until);
    this.#offer(queue);
    return waiting;
  }

  /** A user is served where something waits for him, nothing is under way, and he is not to wait himself. */
  #offer(queue: Queue): void {
    if (queue.waiting.length === 0 || queue.flying > 0 || this.#held.has(queue.user) || this.#ending.has(queue.user)) return;
    this.#ready.add(queue);
  }

  #pushSnapshot(queue: Queue, now: number): Waiting {
    queue.told = true;
    return this.#push(queue, { sequence: this.#next(), at: now, body: null, snapshot: true });
  }

  /** Everything of the user that is not under way becomes one snapshot. */
  #toSnapshot(queue: Queue, outcome: Outcome, now: number): void {
    const snapshot = unbuilt(queue);
    const dropped = queue.waiting.splice(queue.flying).filter((entry) => entry !== snapshot);
    this.#pending -= dropped.length;
    outcome.ops.push(...remove(dropped));
    if (snapshot === undefined) outcome.ops.push(put(this.#pushSnapshot(queue, now)));
    else {
      queue.waiting.push(snapshot);
      if (!snapshot.journaled) outcome.ops.push(put(snapshot));
      this.#offer(queue);
    }
  }

  /** The JSON of an update; a snapshot is built now and stays as it is from here on: it may reach the Worker though its answer is lost. */
  #build(entry: Waiting, now: number): string {
    if (entry.body === null) {
      const { terminals, calls } = this.#leaving ? NOTHING_LEFT : this.#snapshotOf(entry.user);
      const { user, epoch, sequence, previous } = entry;
      entry.body = JSON.stringify({
        ...{ user, epoch, sequence, previous, at: now, status: 'snapshot' },
        terminals: terminals.slice(0, LIMITS.terminals),
        calls: calls.slice(0, LIMITS.calls),
        ...(this.#leaving ? { reason: { cause: 'stopped' } } : {}),
      });
    }
    return entry.body;
  }

  /** As much of what is ready as one request holds, users one after another, each in order. */
  #fill(now: number): Waiting[] {
    const flying: Waiting[] = [];
    let bytes = 0;
    // No more than this in any case: only where that could be too much is each text looked through.
    let most = 0;
    for (const queue of this.#ready) {
      for (const entry of queue.waiting) {
        if (flying.length >= this.#batch) return flying;
        const body = this.#build(entry, now);
        if (bytes === 0) most += mostBytes(body);
        if (most > this.#limits.batchBytes) {
          if (bytes === 0) for (const before of flying) bytes += jsonBytes(before.body as string);
          bytes += jsonBytes(body);
        }
        if (flying.length > 0 && bytes > this.#limits.batchBytes) return flying;
        flying.push(entry);
      }
    }
    return flying;
  }

  #feed(now: number): void {
    for (const user of this.#reconcile) {
      // What waits for a user who is held does not stand in the way of the others.
      if (this.#ready.size >= this.#limits.reconcileBelow) return;
      const queue = this.#queue(user, now);
      if (queue === undefined) return;
      this.#reconcile.delete(user);
      if (!queue.told) this.#pushSnapshot(queue, now);
      // Something happened to him meanwhile, and that told all of him.
      else if (queue.waiting.length === 0) this.#telling.delete(user);
    }
  }

  #hold(queue: Queue, min: number, max: number, now: number): void {
    queue.attempts += 1;
    this.#ready.delete(queue);
    this.#held.set(queue.user, now + backoff(queue.attempts, min, max, this.#chance()));
  }

  /** A single update that the Worker does not even give a verdict on: its user is told by a snapshot; where that is refused too, later again. */
  #refused(entry: Waiting, outcome: Outcome, now: number): void {
    const queue = this.#queues.get(entry.user) as Queue;
    this.#toSnapshot(queue, outcome, now);
    if (entry.snapshot) this.#hold(queue, this.#limits.backoffRefused, this.#limits.retryAfterMax, now);
  }

  /** Too much waits: the users with the most waiting updates are told by one snapshot each. The last state of a user is never lost. */
  #bound(outcome: Outcome, now: number): void {
    if (this.#pending <= this.#coalesceAbove) return;
    // Some room at once, so that not every further report looks at every user.
    const slack = this.#limits.max >> 7;
    const longest = [...this.#queues.values()]
      .filter((queue) => queue.waiting.length - queue.flying > 1)
      .sort((a, b) => b.waiting.length - b.flying - (a.waiting.length - a.flying));
    for (const queue of longest) {
      if (this.#pending <= this.#limits.max - slack) break;
      const updates = queue.waiting.length - queue.flying;
      this.#toSnapshot(queue, outcome, now);
      this.counters.coalesced += updates;
      outcome.events.push({ type: 'coalesced', user: queue.user, updates });
    }
    this.#coalesceAbove = Math.max(this.#limits.max, this.#pending + slack);
  }

  /** The Worker holds a later epoch of this site: nothing of this one would be taken any more. A still later one is begun, and everybody is told anew. */
  #supersede(epoch: number, outcome: Outcome, now: number): void {
    this.#epoch = epoch + 1;
    this.#sequence = 0;
    this.#telling.clear();
    // Verdicts that are still to come are of the epoch before.
    this.#flying = undefined;
    for (const queue of this.#queues.values()) {
      const waits = queue.waiting.length > 0;
      outcome.ops.push(...remove(queue.waiting));
      this.#pending -= queue.waiting.length;
      Object.assign(queue, { waiting: [], last: 0, told: false, flying: 0 });
      if (waits) outcome.ops.push(put(this.#pushSnapshot(queue, now)));
      else this.#reconcile.add(queue.user);
    }
    this.#notBefore = now + this.#limits.backoffRefused;
    outcome.events.push({ type: 'superseded', epoch: this.#epoch });
  }
}

/** What a site holds of a user when it leaves. */
const NOTHING_LEFT = { terminals: [], calls: [] } as const;

const mostBytes = (text: string): number => text.length * 3 + 1;

/** Bytes of a text in UTF-8, not less than they are. */
function jsonBytes(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return mostBytes(text);
  return text.length + 1;
}
