import type { Update, Verdict } from '#protocol';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import {
  applyDeadlines,
  applyGroup,
  type Change,
  emptyRecord,
  kept,
  nextDeadline,
  type PresenceRecord,
} from '../../worker/presence/index.ts';
import type { Tally } from './tally.ts';

/** How long entries of a history are kept by default, ms. */
const HISTORY_AGE = OBJECT_LIMITS.historyDays * 86_400_000 + OBJECT_LIMITS.historyGrace;

/**
 * A user's object. What is decided is decided by the Worker's own code; what `worker/objects/user.ts` and `user-store.ts` then write and arm is
 * counted by their rules: a row for the record and one for each entry of the history, and an alarm where the one that is set would come too late.
 */
export class UserObject {
  readonly name: string;
  readonly #tally: Tally;
  #record: PresenceRecord;
  #armed: number | null = null;
  /** The oldest entry of the history; after it the purge is due. */
  #oldest: number | null = null;

  constructor(name: string, tally: Tally) {
    this.name = name;
    this.#tally = tally;
    this.#record = emptyRecord(name);
  }

  get record(): PresenceRecord {
    return this.#record;
  }

  /** When its alarm goes off, ms; null where none is set. */
  get armed(): number | null {
    return this.#armed;
  }

  /** `User.apply`. */
  apply(site: string, updates: readonly Update[], now: number): { verdicts: readonly Verdict[]; changes: readonly Change[] } {
    this.#tally.ask('user', this.name, now);
    this.#tally.count('updates', now, updates.length);
    const { record, verdicts, changes } = applyGroup(this.#record, site, updates, now);
    if (record !== this.#record) {
      this.#commit(record, changes, now);
      this.#arm(now);
    }
    return { verdicts, changes };
  }

  /** `User.alarm`: what its deadlines changed. */
  alarm(now: number): readonly Change[] {
    this.#tally.count('user alarms fired', now);
    this.#armed = null;
    const { record, changes } = applyDeadlines(this.#record, now);
    if (record !== this.#record) this.#commit(record, changes, now);
    if (this.#oldest !== null && this.#oldest + HISTORY_AGE <= now) this.#oldest = now;
    this.#arm(now);
    return changes;
  }

  #commit(record: PresenceRecord, changes: readonly Change[], now: number): void {
    const entries = changes.filter((change) => kept(change, now) !== undefined).length;
    if (entries > 0) this.#oldest ??= now;
    this.#record = record;
    this.#tally.count('user rows written', now, 1 + entries);
  }

  #arm(now: number): void {
    const purge = this.#oldest === null ? Infinity : this.#oldest + HISTORY_AGE;
    const wanted = Math.min(nextDeadline(this.#record)?.at ?? Infinity, purge);
    if (wanted === Infinity || (this.#armed !== null && this.#armed <= wanted)) return;
    this.#armed = wanted;
    this.#tally.count('user alarms set', now);
  }
}
