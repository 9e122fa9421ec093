import { Schema } from './schema.ts';

/** Tables of the access object, by version. `name` of a revocation is a `jti` or a `sub`; times are ms since 1970. */
const STEPS = [
  `CREATE TABLE revocations (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, before INTEGER, until INTEGER, at INTEGER NOT NULL,
     UNIQUE (kind, name));
   CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, domain TEXT, body TEXT NOT NULL);`,
];

/** One act, as the audit keeps it. */
export interface AuditRow {
  readonly id: number;
  /** ms since 1970 */
  readonly at: number;
  /** The domain that it concerns; null where it concerns none, or all. */
  readonly domain: string | null;
  /** An `AuditEntry` without what stands in the columns, JSON. */
  readonly body: string;
}

/** Which entries are asked for: of these domains, about these users' pseudonyms; all where undefined. */
export interface AuditFilter {
  readonly domains: readonly string[] | undefined;
  readonly users: readonly string[] | undefined;
}

/** How much of the audit is kept. */
export interface AuditBounds {
  /** ms */
  readonly age: number;
  readonly entries: number;
}

/** Entries that are looked at for their age at each write: more than one, so that a lowered limit takes effect too. */
const TRIM = 50;

/** The storage of the access object: the audit, and the tokens that are revoked. */
export class AccessStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#schema = new Schema(storage, STEPS, 'audit');
  }

  /** Adds an entry, and drops the oldest that are too old or too many, in one commit. */
  addAudit(at: number, domain: string | null, body: string, { age, entries }: AuditBounds): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      this.#schema.create();
      const { id } = sql
        .exec<{ id: number }>('INSERT INTO audit (at, domain, body) VALUES (?, ?, ?) RETURNING id', at, domain, body)
        .one();
      sql.exec(
        'DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?) WHERE at < ? OR id <= ?)',
        TRIM,
        at - age,
        id - entries,
      );
    });
  }

  /** Drops what is older than `cutoff`. */
  trimAudit(cutoff: number): void {
    if (this.#schema.created) this.#storage.sql.exec('DELETE FROM audit WHERE at < ?', cutoff);
  }

  /** When the oldest entry was made, ms since 1970; undefined where there is none. */
  oldestAudit(): number | undefined {
    if (!this.#schema.created) return undefined;
    return this.#storage.sql.exec<{ at: number }>('SELECT at FROM audit ORDER BY id LIMIT 1').toArray()[0]?.at;
  }

  /** Entries below the id `before` and not older than `from`, newest first, that the filter lets pass. */
  audit(before: number, from: number, limit: number, { domains, users }: AuditFilter): AuditRow[] {
    if (!this.#schema.created) return [];
    const filters = [
      ...(domains === undefined ? [] : ['AND domain IN (SELECT value FROM json_each(?))']),
      ...(users === undefined ? [] : ["AND body ->> '$.user' IN (SELECT value FROM json_each(?))"]),
    ];
    const values = [domains, users].filter((list) => list !== undefined).map((list) => JSON.stringify(list));
    return this.#storage.sql
      .exec<{ id: number; at: number; domain: string | null; body: string }>(
        `SELECT id, at, domain, body FROM audit WHERE id < ? AND at >= ? ${filters.join(' ')} ORDER BY id DESC LIMIT ?`,
        before,
        from,
        ...values,
        limit,
      )
      .toArray();
  }
}
