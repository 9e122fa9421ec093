import { type Kept, timestamp } from '../presence/index.ts';
import type { Window } from './history-reader.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { Retention } from './retention.ts';

/** What the record's row says of the ring. */
export interface RingState {
  /** Entries ever written. */
  readonly count: number;
  /** Slots of the ring: the retention's entries, when it was last written. */
  readonly size: number;
  /** No entry that is kept is older, ms since 1970; null where there is none. */
  readonly oldest: number | null;
}

/**
 * The history as a ring: the entry of number n stands in slot n modulo the ring's size, so that a change costs one row, whether it
 * displaces an old one or not. Another size in the settings moves the entries once, with the next change.
 */
export class HistoryRing {
  readonly #sql: SqlStorage;
  readonly #retention: Retention;
  state: RingState;

  constructor(sql: SqlStorage, retention: Retention) {
    this.#sql = sql;
    this.#retention = retention;
    this.state = this.#empty();
  }

  /** Writes entries; tells the state after it, which holds once the commit is done. */
  add(entries: readonly Kept[]): RingState {
    const size = this.#retention.entries;
    let { count, oldest } = this.state;
    if (entries.length > 0 && size !== this.state.size) this.#resize(count, size);
    for (const entry of entries) {
      this.#write(count++ % size, entry.version, JSON.stringify(entry));
      oldest = Math.min(oldest ?? Infinity, Date.parse(entry.at));
    }
    return { count, size: entries.length > 0 ? size : this.state.size, oldest };
  }

  /** What of the rows is kept at `now`. */
  window(now: number): Window {
    return { entries: this.#retention.entries, eldest: this.#eldest(now) };
  }

  /** When entries have to be deleted; undefined where there are none. */
  get purgeAt(): number | undefined {
    return this.state.oldest === null ? undefined : this.state.oldest + this.#retention.age + OBJECT_LIMITS.historyGrace;
  }

  /** Deletes what is too old at `now`; tells the state after it. */
  purge(now: number): RingState {
    this.#sql.exec("DELETE FROM history WHERE json_extract(body, '$.at') < ?", this.#eldest(now));
    const { at } = this.#sql.exec<{ at: string | null }>("SELECT min(json_extract(body, '$.at')) AS at FROM history").one();
    return { ...this.state, oldest: at === null ? null : Date.parse(at) };
  }

  /** All entries are gone. */
  clear(): void {
    this.state = this.#empty();
  }

  #empty(): RingState {
    return { count: 0, size: this.#retention.entries, oldest: null };
  }

  /** The times of entries are all in the one form of RFC 3339 that has milliseconds and is UTC, so they compare as text. */
  #eldest(now: number): string {
    return timestamp(Math.max(0, now - this.#retention.age));
  }

  #resize(count: number, size: number): void {
    const newest = this.#sql
      .exec<{ version: number; body: string }>('SELECT version, body FROM history ORDER BY version DESC LIMIT ?', size)
      .toArray();
    this.#sql.exec('DELETE FROM history');
    for (const [age, { version, body }] of newest.entries()) this.#write((count - 1 - age) % size, version, body);
  }

  #write(slot: number, version: number, body: string): void {
    this.#sql.exec(
      `INSERT INTO history (slot, version, body) VALUES (?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET version = excluded.version, body = excluded.body`,
      slot,
      version,
      body,
    );
  }
}
