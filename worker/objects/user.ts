import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import {
  applyDeadlines,
  applyGroup,
  type Change,
  clearOverride,
  compose,
  emptyRecord,
  nextDeadline,
  type OverrideStep,
  type OverrideWord,
  overrideDocuments,
  type PastStep,
  type PresenceRecord,
  past,
  setOverride,
  timestamp,
} from '../presence/index.ts';
import type { OverrideDocument, OverrideSource, PresenceDocument, Update, Verdict } from '../protocol/index.ts';
import { BoardFeed, type Handover, type Reading } from './board-feed.ts';
import { Deletion } from './deletion.ts';
import type { HistoryQuery, HistoryRead } from './history-reader.ts';
import { hookObject } from './hook-places.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { boardObject } from './places.ts';
import { type Retention, retentionOf } from './retention.ts';
import { boardOf, shardCount } from './shard.ts';
import { UserStore } from './user-store.ts';

/** What became of a report. */
export interface Applied {
  /** One for each update. */
  readonly verdicts: readonly Verdict[];
  /** What the caller is to tell the user's board; where that fails, it calls `show`. */
  readonly handover?: Handover;
}

/** What became of an override; where it was refused (the version is not the one expected, or there is no room), nothing changed. */
export type Overridden =
  | { readonly ok: true; readonly version: number; readonly overrides: readonly OverrideDocument[] }
  | { readonly ok: false; readonly reason: 'version' | 'full'; readonly version: number };

/** The versions at which a change may be made (RFC 9110 13.1.1); `any`: the user has been seen; undefined: whatever is there. */
export type Expected = readonly number[] | 'any' | undefined;

/** What is read of a user's past. */
export interface PastReading {
  readonly step: PastStep;
  readonly reporters: readonly string[];
}

/**
 * One user: the single writer of all that is known of them. A shell: what is true is decided in `presence/`, in one go without an
 * `await`; then it is stored in one commit, the alarm is armed, the board is told (by the request that brought the report, for all users of its batch), and only
 * then the reporter.
 */
export class User extends DurableObject<Env> {
  readonly #retention: Retention;
  readonly #store: UserStore;
  readonly #feed: BoardFeed;
  readonly #deletion: Deletion;
  #record: PresenceRecord | undefined;
  /** When the alarm is set to go off, ms since 1970. */
  #armed: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const boards = (board: string) => boardObject(env, board);
    this.#retention = retentionOf(env);
    this.#store = new UserStore(ctx.storage, this.#retention);
    this.#feed = new BoardFeed(boards);
    const stored = this.#store.load();
    this.#record = stored?.record;
    this.#deletion = new Deletion(boards, (id) => hookObject(env, id), this.#store);
    // Whether the board heard of it before memory was lost is not known: it is told again, and ignores what it has.
    if (stored !== undefined) this.#feed.reload(stored.board, this.#boardOf(stored.record.user), readingOf(stored.record));
    void ctx.blockConcurrencyWhile(async () => {
      this.#armed = await ctx.storage.getAlarm();
    });
  }

  /**
   * Applies updates of `site` about `user` (this object's name), their times corrected already. When it returns, what was accepted
   * is stored, and the board has it, will be told by alarm, or is to be told by the caller. A caller that dies before has given no
   * verdict: the site repeats its updates, and the board is told then.
   */
  async apply(user: string, site: string, updates: readonly Update[]): Promise<Applied> {
    const before = this.#record ?? emptyRecord(user, this.#deletion.floor);
    const { record, verdicts, changes, faults } = applyGroup(before, site, updates, Date.now());
    for (const fault of faults) logError('an update was refused, since this program failed at it', fault);
    if (verdicts.every(({ verdict }) => verdict === 'accepted')) this.#feed.delivered(site);
    if (record !== before) {
      this.#commit(record, changes);
      this.#arm();
    }
    if (changes.length === 0 && this.#record !== undefined) this.#feed.repeat(this.#boardOf(user), readingOf(this.#record));
    const handover = this.#feed.handOver(site);
    if (handover !== undefined) return { verdicts, handover };
    await this.#show();
    return { verdicts };
  }

  /** Tells the board itself: what was handed over may not have arrived. When it returns, the board has it or will be told by alarm. */
  async show(): Promise<void> {
    this.#feed.retry();
    await this.#show();
  }

  /** Sets somebody's override of `user` (this object's name). When it returns, the board has it or will be told by alarm. */
  async setOverride(user: string, word: OverrideWord, expected: Expected): Promise<Overridden> {
    return this.#override(user, expected, (record) => setOverride(record, word, Date.now()));
  }

  /** Takes back somebody's override, where there is one. */
  async clearOverride(user: string, source: OverrideSource, expected: Expected): Promise<Overridden> {
    return this.#override(user, expected, (record) => ({ ok: true, ...clearOverride(record, source, Date.now()) }));
  }

  /** All overrides that are set; null for a user never seen. */
  async overrides(): Promise<OverrideDocument[] | null> {
    this.#settle();
    this.ctx.waitUntil(this.#show());
    return this.#record === undefined ? null : overrideDocuments(this.#record);
  }

  /** The presence document as of now; null for a user never seen. */
  async get(): Promise<PresenceDocument | null> {
    this.#settle();
    this.ctx.waitUntil(this.#show());
    return this.#record === undefined ? null : (compose(this.#record) ?? null);
  }

  /** The presence document as of now, and the sites that reported the user; null for a user never seen. */
  async read(): Promise<Reading | null> {
    const document = await this.get();
    return document && { document, reporters: reportersOf(this.#record) };
  }

  /** A page of the history; null for a user never seen. */
  async history(query: HistoryQuery): Promise<HistoryRead | null> {
    this.#settle();
    this.ctx.waitUntil(this.#show());
    return this.#record === undefined ? null : this.#store.history(query, Date.now());
  }

  /** The document as it was at `at` (ms since 1970), and the sites that reported the user; null for a user never seen. */
  async past(at: number): Promise<PastReading | null> {
    this.#settle();
    this.ctx.waitUntil(this.#show());
    if (this.#record === undefined) return null;
    const now = Date.now();
    const step = past(this.#record, this.#store.heldAt(timestamp(at), now), at, now - this.#retention.age);
    return { step, reporters: reportersOf(this.#record) };
  }

  /** All that is known of the user, for `why`; null for one never seen. */
  async evidence(): Promise<PresenceRecord | null> {
    this.#settle();
    this.ctx.waitUntil(this.#show());
    return this.#record ?? null;
  }

  /**
   * A deadline has passed or the board is to be tried again: both are told from state, so an early or repeated call is harmless. The
   * next alarm is set only when the board has been told (or is to be tried again): should this process die before, the alarm that it
   * is handling comes again, wakes the object, and the board hears of it. Where few of the tries are left that an alarm has, another alarm
   * is set first: a deadline is never left without one.
   */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#armed = null;
    const low = (info?.retryCount ?? 0) >= OBJECT_LIMITS.alarmRetries;
    if (low) this.#armAt(Date.now() + OBJECT_LIMITS.alarmAgain);
    try {
      await this.#wake(Date.now());
    } catch (error) {
      if (!low) throw error;
      logError(`a user's alarm failed, and is set anew`, error);
    }
  }

  /**
   * Deletes all that is known of the user, here and on the boards; whether the boards have done it (they are told until they have). What a site
   * tells afterwards is news of somebody never seen.
   */
  async forget(user: string): Promise<boolean> {
    if (this.#record !== undefined) {
      const boards = new Set([...this.#feed.boards, this.#boardOf(user)]);
      this.#deletion.begin(user, this.#record.version, boards, Date.now());
      this.#record = undefined;
      this.#feed.clear();
      this.#armBy(Date.now() + OBJECT_LIMITS.untoldAgain);
    }
    const done = await this.#deletion.sweep(Date.now());
    this.#arm();
    return done;
  }

  async #override(user: string, expected: Expected, step: (record: PresenceRecord) => OverrideStep): Promise<Overridden> {
    this.#settle();
    const before = this.#record ?? emptyRecord(user, this.#deletion.floor);
    const met = expected === undefined || (expected === 'any' ? this.#record !== undefined : expected.includes(before.version));
    if (!met) return { ok: false, reason: 'version', version: before.version };
    const done = step(before);
    if (!done.ok) return { ...done, version: before.version };
    if (done.record !== before) {
      this.#commit(done.record, done.change === undefined ? [] : [done.change]);
      // Nobody need ask for it again, as sites do: should this process die before the board was told, the alarm tells it.
      this.#armBy(Date.now() + OBJECT_LIMITS.untoldAgain);
    }
    await this.#show();
    return { ok: true, version: done.record.version, overrides: overrideDocuments(done.record) };
  }

  /** Ends what has passed its deadline, whether or not the alarm has come by yet. */
  #settle(): void {
    if (this.#record === undefined) return;
    const { record, changes } = applyDeadlines(this.#record, Date.now());
    if (record !== this.#record) this.#commit(record, changes);
  }

  #commit(record: PresenceRecord, changes: readonly Change[]): void {
    const board = this.#boardOf(record.user);
    this.#store.save(record, this.#feed.former ?? board, changes);
    this.#record = record;
    this.#feed.add(board, changes, reportersOf(record));
  }

  async #wake(now: number): Promise<void> {
    this.#settle();
    if ((this.#store.purgeAt ?? Infinity) <= now) this.#store.purge(now);
    this.#feed.retry();
    if ((this.#deletion.due ?? Infinity) <= now) await this.#deletion.sweep(now);
    await this.#show();
  }

  async #show(): Promise<void> {
    await this.#feed.send();
    this.#arm();
  }

  /** Each `setAlarm` is a row written: it is set only where it would come too late. */
  #arm(): void {
    const deadline = this.#record && nextDeadline(this.#record)?.at;
    const times = [deadline, this.#feed.retryAt, this.#store.purgeAt, this.#deletion.due];
    const wanted = Math.min(...times.map((time) => time ?? Infinity));
    if (wanted !== Infinity) this.#armBy(wanted);
  }

  #armBy(time: number): void {
    if (this.#armed === null || this.#armed > time) this.#armAt(time);
  }

  #armAt(time: number): void {
    this.#armed = time;
    void this.ctx.storage.setAlarm(time);
  }

  #boardOf(user: string): string {
    return boardOf(user, shardCount(this.env.BOARD_SHARDS));
  }
}

function readingOf(record: PresenceRecord): Reading {
  const document = compose(record);
  if (document === undefined) throw new Error('a stored record has a version');
  return { document, reporters: reportersOf(record) };
}

function reportersOf(record: PresenceRecord | undefined): string[] {
  return record?.sites.map(({ site }) => site) ?? [];
}
