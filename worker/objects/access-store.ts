import { ACCESS_LIMITS, type Bearer, type Revocation } from '../access/index.ts';
import { Schema } from './schema.ts';

/** Tables of the access object, by version. `name` of a revocation is a `jti` or a `sub`; times are ms since 1970. */
const STEPS = [
  `CREATE TABLE revocations (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, before INTEGER, until INTEGER, at INTEGER NOT NULL,
     UNIQUE (kind, name));
   CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, domain TEXT, body TEXT NOT NULL);`,
  'CREATE TABLE watched (board TEXT PRIMARY KEY, told INTEGER NOT NULL) WITHOUT ROWID',
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

  /** Revokes a token or a subject; the same again takes the place of what was. Undefined where there are too many. */
  revoke({ kind, name, before, until }: Omit<Revocation, 'seq' | 'at'>, at: number, most: number): Revocation | undefined {
    const { sql } = this.#storage;
    return this.#storage.transactionSync(() => {
      this.#schema.create();
      sql.exec('DELETE FROM revocations WHERE until <= ? AND at <= ?', at, at - ACCESS_LIMITS.revocationKept);
      const [known] = sql
        .exec<{ before: number | null }>('SELECT before FROM revocations WHERE kind = ? AND name = ?', kind, name)
        .toArray();
      if (known === undefined && sql.exec<{ count: number }>('SELECT count(*) AS count FROM revocations').one().count >= most) {
        return undefined;
      }
      // What was revoked stays revoked.
      const latest = before === null ? null : Math.max(before, known?.before ?? 0);
      return sql
        .exec<Revocation & Record<string, SqlStorageValue>>(
          'INSERT OR REPLACE INTO revocations (kind, name, before, until, at) VALUES (?, ?, ?, ?, ?) RETURNING *',
          kind,
          name,
          latest,
          until,
          at,
        )
        .one();
    });
  }

  /** What was revoked after the number `after`, in that order. */
  revokedAfter(after: number): Revocation[] {
    return this.#revocations('seq > ? ORDER BY seq', after, -1);
  }

  /** What was revoked that may concern a token. */
  revokedOf({ jti = '', sub = '' }: Bearer): Revocation[] {
    return this.#revocations("(kind = 'token' AND name = ?) OR (kind = 'subject' AND name = ?)", jti, sub, -1);
  }

  /** A board is watched, and is told all up to the latest number: what is revoked after it is to be told. */
  addWatched(board: string): void {
    this.#schema.create();
    const latest = this.latest();
    const { sql } = this.#storage;
    const [known] = sql.exec<{ told: number }>('SELECT told FROM watched WHERE board = ?', board).toArray();
    if (known?.told !== latest) sql.exec('INSERT OR REPLACE INTO watched (board, told) VALUES (?, ?)', board, latest);
  }

  /** The boards that are watched and were not told all up to a number. */
  untold(latest: number): string[] {
    if (!this.#schema.created) return [];
    return this.#storage.sql
      .exec<{ board: string }>('SELECT board FROM watched WHERE told < ?', latest)
      .toArray()
      .map(({ board }) => board);
  }

  /** Nobody watches a board that was not told: a watch that was opened since has it told anew. */
  dropWatched(board: string, latest: number): void {
    this.#storage.sql.exec('DELETE FROM watched WHERE board = ? AND told < ?', board, latest);
  }

  /** The number of the latest revocation; 0 before the first. */
  latest(): number {
    if (!this.#schema.created) return 0;
    const [row] = this.#storage.sql.exec<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'revocations'").toArray();
    return row?.seq ?? 0;
  }

  /** What is revoked, of numbers below `before`, newest first. */
  revocations(before: number, limit: number): Revocation[] {
    return this.#revocations('seq < ? ORDER BY seq DESC', before, limit);
  }

  /** How much is kept. */
  counts(): { readonly revocations: number; readonly audit: number } {
    if (!this.#schema.created) return { revocations: 0, audit: 0 };
    return this.#storage.sql
      .exec<{ revocations: number; audit: number }>(
        'SELECT (SELECT count(*) FROM revocations) AS revocations, (SELECT count(*) FROM audit) AS audit',
      )
      .one();
  }

  #revocations(where: string, ...values: (string | number)[]): Revocation[] {
    if (!this.#schema.created) return [];
    return this.#storage.sql
      .exec<Revocation & Record<string, SqlStorageValue>>(`SELECT * FROM revocations WHERE ${where} LIMIT ?`, ...values)
      .toArray();
  }
}
