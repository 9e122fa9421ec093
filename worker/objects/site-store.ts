import type { Lease } from '../presence/index.ts';
import { Schema } from './schema.ts';

/** Tables of a site's object, by version. */
const STEPS = [
  `CREATE TABLE lease (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, round INTEGER NOT NULL, reconciled INTEGER NOT NULL,
     stale_since INTEGER, stopped INTEGER NOT NULL);
   CREATE TABLE boards (board TEXT PRIMARY KEY, told INTEGER NOT NULL) WITHOUT ROWID;`,
  // An object does not know its own name when an alarm wakes it.
  "ALTER TABLE lease ADD COLUMN site TEXT NOT NULL DEFAULT ''",
];

/** What is stored of a site. */
export interface StoredSite {
  readonly site: string;
  readonly lease: Lease;
}

/** A board on which users of the site stand, and what it was last told: since when the site is out of touch, 0 where it is in touch. */
export interface ToldBoard {
  readonly board: string;
  readonly told: number;
}

/**
 * The storage of a site's object: how it stands, and its boards. The end of the lease is not stored: it moves with each word of the site,
 * and the time at which the alarm is set is a lower bound of it.
 */
export class SiteStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#schema = new Schema(storage, STEPS, 'lease');
  }

  /** What was stored last, in touch until `until`; undefined for a site never heard. */
  load(until: number): StoredSite | undefined {
    if (!this.#schema.created) return undefined;
    const [row] = this.#storage.sql
      .exec<{ site: string; epoch: number; round: number; reconciled: number; stale_since: number | null; stopped: number }>(
        'SELECT site, epoch, round, reconciled, stale_since, stopped FROM lease WHERE id = 1',
      )
      .toArray();
    return (
      row && {
        site: row.site,
        lease: {
          epoch: row.epoch,
          round: row.round,
          reconciled: row.reconciled === 1,
          staleSince: row.stale_since,
          left: row.stopped === 1,
          until: row.stale_since ?? until,
        },
      }
    );
  }

  save({ site, lease: { epoch, round, reconciled, staleSince, left } }: StoredSite): void {
    this.#schema.create();
    this.#storage.sql.exec(
      'INSERT OR REPLACE INTO lease (id, site, epoch, round, reconciled, stale_since, stopped) VALUES (1, ?, ?, ?, ?, ?, ?)',
      site,
      epoch,
      round,
      Number(reconciled),
      staleSince,
      Number(left),
    );
  }

  /** All boards of the site. */
  boards(): ToldBoard[] {
    if (!this.#schema.created) return [];
    return this.#storage.sql.exec<{ board: string; told: number }>('SELECT board, told FROM boards ORDER BY board').toArray();
  }

  addBoard(board: string): void {
    this.#schema.create();
    this.#storage.sql.exec('INSERT OR IGNORE INTO boards (board, told) VALUES (?, 0)', board);
  }

  /** A board was told since when the site is out of touch; 0 that it is in touch. */
  told(board: string, since: number): void {
    this.#storage.sql.exec('UPDATE boards SET told = ? WHERE board = ?', since, board);
  }
}
