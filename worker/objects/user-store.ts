import { type Change, type Held, kept, type PresenceRecord, readRecord } from '../presence/index.ts';
import { type HistoryQuery, type HistoryRead, heldAt, readHistory } from './history-reader.ts';
import { HistoryRing } from './history-ring.ts';
import type { Retention } from './retention.ts';
import { Schema } from './schema.ts';

/** Tables of a user's object, by version. docs/storage.md tells of them. */
const STEPS = [
  `CREATE TABLE record (id INTEGER PRIMARY KEY, body TEXT NOT NULL, board TEXT NOT NULL, entries INTEGER NOT NULL);
   CREATE TABLE history (slot INTEGER PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL);`,
  `ALTER TABLE record ADD COLUMN ring INTEGER NOT NULL DEFAULT 200;
   ALTER TABLE record ADD COLUMN oldest INTEGER;
   UPDATE record SET oldest = (SELECT unixepoch(min(json_extract(body, '$.at'))) * 1000 FROM history);
   CREATE TABLE forgotten (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, leftover TEXT);`,
];

/** What is stored of a user besides the history. */
export interface Stored {
  readonly record: PresenceRecord;
  /** The board that was to be told of it. */
  readonly board: string;
}

/** What is kept of a user whose data were deleted. */
export interface Forgotten {
  /** The last version of their document: none comes twice. */
  readonly version: number;
  /** Whom boards may still list; null once they certainly do not. */
  readonly leftover: Leftover | null;
}

export interface Leftover {
  readonly user: string;
  readonly boards: readonly string[];
  /** Until when a request under way may put them back, ms since 1970. */
  readonly until: number;
}

interface RecordRow extends Record<string, SqlStorageValue> {
  body: string;
  board: string;
  entries: number;
  ring: number;
  oldest: number | null;
}

/**
 * The storage of a user's object: one row with the record, and the history as a ring of rows that are written over (a row that
 * is deleted costs as much as one that is written). Nothing is created before the first write, so asking for users that do not
 * exist leaves nothing behind.
 */
export class UserStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;
  readonly #ring: HistoryRing;

  constructor(storage: DurableObjectStorage, retention: Retention) {
    this.#storage = storage;
    this.#schema = new Schema(storage, STEPS, 'record');
    this.#ring = new HistoryRing(storage.sql, retention);
  }

  /** What was stored last; undefined for a user never seen. */
  load(): Stored | undefined {
    if (!this.#schema.created) return undefined;
    const [row] = this.#storage.sql
      .exec<RecordRow>('SELECT body, board, entries, ring, oldest FROM record WHERE id = 1')
      .toArray();
    if (row === undefined) return undefined;
    this.#ring.state = { count: row.entries, size: row.ring, oldest: row.oldest };
    return { record: readRecord(row.body), board: row.board };
  }

  /** What is kept of a user whose data were deleted; undefined where they never were. */
  forgotten(): Forgotten | undefined {
    if (!this.#schema.created) return undefined;
    const [row] = this.#storage.sql
      .exec<{ version: number; leftover: string | null }>('SELECT version, leftover FROM forgotten WHERE id = 1')
      .toArray();
    return row && { version: row.version, leftover: row.leftover === null ? null : (JSON.parse(row.leftover) as Leftover) };
  }

  /** Stores a record and its changes in one commit. */
  save(record: PresenceRecord, board: string, changes: readonly Change[]): void {
    this.#ring.state = this.#storage.transactionSync(() => {
      this.#schema.create();
      const now = Date.now();
      const state = this.#ring.add(changes.flatMap((change) => kept(change, now) ?? []));
      this.#storage.sql.exec(
        `INSERT INTO record (id, body, board, entries, ring, oldest) VALUES (1, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
           body = excluded.body, board = excluded.board, entries = excluded.entries, ring = excluded.ring, oldest = excluded.oldest`,
        JSON.stringify(record),
        board,
        state.count,
        state.size,
        state.oldest,
      );
      return state;
    });
  }

  /** A page of the history, as it is kept at `now` (ms since 1970). */
  history(query: HistoryQuery, now: number): HistoryRead {
    return readHistory(this.#storage.sql, this.#ring.window(now), query);
  }

  /** What the history, as it is kept at `now`, tells of a time (RFC 3339, as `timestamp` writes it). */
  heldAt(at: string, now: number): Held {
    return heldAt(this.#storage.sql, this.#ring.window(now), at);
  }

  /** When entries have to be deleted that are too old, ms since 1970; undefined where there are none at all. */
  get purgeAt(): number | undefined {
    return this.#ring.purgeAt;
  }

  /** Deletes the entries that are too old at `now`. */
  purge(now: number): void {
    this.#ring.state = this.#storage.transactionSync(() => {
      const state = this.#ring.purge(now);
      this.#storage.sql.exec('UPDATE record SET oldest = ? WHERE id = 1', state.oldest);
      return state;
    });
  }

  /** Deletes all that is stored of the user, in one commit; the version of their document alone stays, and for a while whom boards may list. */
  forget(forgotten: Forgotten): void {
    this.#storage.transactionSync(() => {
      this.#schema.create();
      for (const table of ['record', 'history']) this.#storage.sql.exec(`DELETE FROM ${table}`);
      this.#storage.sql.exec(
        'INSERT OR REPLACE INTO forgotten (id, version, leftover) VALUES (1, ?, ?)',
        forgotten.version,
        forgotten.leftover && JSON.stringify(forgotten.leftover),
      );
    });
    this.#ring.clear();
  }

  /** No board lists the user any more. */
  clearLeftover(): void {
    this.#storage.sql.exec('UPDATE forgotten SET leftover = NULL WHERE id = 1');
  }
}
