import type { DatabaseSync } from 'node:sqlite';

/** Raised with each change of the tables. A file of a later version than this is not touched. */
export const SCHEMA_VERSION = 2;

/** Steps from version n to n + 1; each runs in one transaction with the note of its version. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE binding (
    aor TEXT NOT NULL,
    contact TEXT NOT NULL,
    call_id TEXT NOT NULL,
    cseq INTEGER NOT NULL,
    q REAL NOT NULL,
    since INTEGER NOT NULL,       -- ms since 1970
    expires_at INTEGER NOT NULL,  -- ms since 1970
    user_agent TEXT NOT NULL,
    flow TEXT NOT NULL,           -- JSON of Flow
    params TEXT NOT NULL,
    PRIMARY KEY (aor, contact)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE dialog (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE outbox (
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    user TEXT NOT NULL,
    at INTEGER NOT NULL,          -- ms since 1970
    body TEXT,                    -- JSON of Update; NULL: a snapshot, to be built
    PRIMARY KEY (epoch, sequence)
  ) STRICT, WITHOUT ROWID;
  `,
  'CREATE TABLE known (aor TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;',
];

/** Brings a file to this version. Returns the version found; one above `SCHEMA_VERSION` is left as it is. */
export function migrate(db: DatabaseSync): number {
  const { user_version: found } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  for (let version = found; version < SCHEMA_VERSION; version++) {
    db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[version]} PRAGMA user_version = ${version + 1}; COMMIT`);
  }
  return found;
}
