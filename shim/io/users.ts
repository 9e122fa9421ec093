import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ALGORITHMS, type Algorithm } from '../core/auth/hashes.ts';
import { parseUsers, type UserRow, Users } from '../core/auth/users.ts';

/** Name of the users' database in the state folder. It is apart from what the shim itself writes, which no other process may open. */
export const USERS_FILE = 'users.sqlite';

export interface UserSources {
  /** State folder; undefined where nothing is kept. */
  readonly folder: string | undefined;
  readonly file: string | undefined;
  /** The algorithms whose hashes are taken, and so those that are offered; all where it is left out. */
  readonly algorithms?: readonly Algorithm[];
}

export type LoadUsers =
  | { readonly ok: true; readonly users: Users }
  /** Every problem, each as a sentence that names its file and line. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads all users anew: those of the database, and those of the file, which go before. */
export function loadUsers({ folder, file, algorithms = ALGORITHMS }: UserSources): LoadUsers {
  const rows: UserRow[] = [];
  const problems: string[] = [];
  if (folder !== undefined && existsSync(join(folder, USERS_FILE))) {
    try {
      const database = UserDatabase.open(folder);
      try {
        rows.push(...database.rows());
      } finally {
        database.close();
      }
    } catch (error) {
      problems.push(`${join(folder, USERS_FILE)}: ${(error as Error).message}`);
    }
  }
  if (file !== undefined) {
    try {
      const read = parseUsers(readFileSync(file, 'latin1'));
      rows.push(...read.rows);
      problems.push(...read.problems.map(({ line, text }) => `${file}, line ${line}: ${text}`));
    } catch (error) {
      problems.push(`${file}: ${(error as Error).message}`);
    }
  }
  const known = rows.filter(({ algorithm }) => algorithms.includes(algorithm));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, users: new Users(known) };
}

/** The users' database: hashes only. Several processes may have it open. */
export class UserDatabase {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Opens, and makes where it is not there, the database of a state folder. Throws SQLite's error. */
  static open(folder: string): UserDatabase {
    const db = new DatabaseSync(join(folder, USERS_FILE), { timeout: 5000 });
    db.exec(`CREATE TABLE IF NOT EXISTS user (
      aor TEXT NOT NULL,
      realm TEXT NOT NULL,
      algorithm TEXT NOT NULL,
      username TEXT NOT NULL,  -- the name that was hashed
      ha1 TEXT NOT NULL,       -- RFC 7616 3.4.2
      PRIMARY KEY (aor, realm, algorithm, username)
    ) STRICT, WITHOUT ROWID`);
    return new UserDatabase(db);
  }

  rows(): UserRow[] {
    return this.#db.prepare('SELECT aor, realm, algorithm, username, ha1 FROM user ORDER BY aor').all() as unknown as UserRow[];
  }

  /** Sets what is kept of a user's password to these rows. */
  put(aor: string, rows: readonly UserRow[]): void {
    this.#db.exec('BEGIN IMMEDIATE');
    this.#db.prepare('DELETE FROM user WHERE aor = ?').run(aor);
    const insert = this.#db.prepare('INSERT INTO user (aor, realm, algorithm, username, ha1) VALUES (?, ?, ?, ?, ?)');
    for (const row of rows) insert.run(row.aor, row.realm, row.algorithm, row.username, row.ha1);
    this.#db.exec('COMMIT');
  }

  /** Was there such a user. */
  remove(aor: string): boolean {
    return this.#db.prepare('DELETE FROM user WHERE aor = ?').run(aor).changes > 0;
  }

  close(): void {
    this.#db.close();
  }
}
