import { type Change, type Held, type Kept, kept, PRESENCE_LIMITS, type PresenceRecord, readRecord } from '../presence/index.ts';
import { type HistoryQuery, type HistoryRead, heldAt, readHistory } from './history-reader.ts';
import { Schema } from './schema.ts';

/** Tables of a user's object, by version. */
const STEPS = [
  `CREATE TABLE record (id INTEGER PRIMARY KEY, body TEXT NOT NULL, board TEXT NOT NULL, entries INTEGER NOT NULL);
   CREATE TABLE history (slot INTEGER PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL);`,
];

const WINDOW = { entries: PRESENCE_LIMITS.history, eldest: '' };

/** What is stored of a user besides the history. */
export interface Stored {
  readonly record: PresenceRecord;
  /** The board that was to be told of it. */
  readonly board: string;
  /** History entries ever written. */
  readonly entries: number;
}

/**
 * The storage of a user's object: one row with the record, and the history as a ring of rows that are written over (a row that
 * is deleted costs as much as one that is written). Nothing is created before the first write, so asking for users that do not
 * exist leaves nothing behind.
 */
export class UserStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#schema = new Schema(storage, STEPS, 'record');
  }

  /** What was stored last; undefined for a user never seen. */
  load(): Stored | undefined {
    if (!this.#schema.created) return undefined;
    const [row] = this.#storage.sql
      .exec<{ body: string; board: string; entries: number }>('SELECT body, board, entries FROM record WHERE id = 1')
      .toArray();
    return row && { record: readRecord(row.body), board: row.board, entries: row.entries };
  }

  /** Stores a record and its changes in one commit; tells how many history entries there have been. */
  save(record: PresenceRecord, board: string, entries: number, changes: readonly Change[]): number {
    return this.#storage.transactionSync(() => {
      this.#schema.create();
      let count = entries;
      for (const change of changes) {
        const row = kept(change, Date.now());
        if (row !== undefined) this.#addEntry(count++, row);
      }
      this.#storage.sql.exec(
        `INSERT INTO record (id, body, board, entries) VALUES (1, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, board = excluded.board, entries = excluded.entries`,
        JSON.stringify(record),
        board,
        count,
      );
      return count;
    });
  }

  /** A page of the history. */
  history(query: HistoryQuery): HistoryRead {
    return readHistory(this.#storage.sql, WINDOW, query);
  }

  /** What the history tells of a time (RFC 3339, as `timestamp` writes it). */
  heldAt(at: string): Held {
    return heldAt(this.#storage.sql, WINDOW, at);
  }

  #addEntry(count: number, entry: Kept): void {
    this.#storage.sql.exec(
      `INSERT INTO history (slot, version, body) VALUES (?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET version = excluded.version, body = excluded.body`,
      count % PRESENCE_LIMITS.history,
      entry.version,
      JSON.stringify(entry),
    );
  }
}
