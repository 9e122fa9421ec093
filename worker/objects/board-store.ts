import type { BoardChange } from './board-feed.ts';
import { Schema } from './schema.ts';

/** Tables of a board, by version. */
const STEPS = [
  `CREATE TABLE users (user TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE watches (id TEXT PRIMARY KEY, users TEXT NOT NULL) WITHOUT ROWID;`,
];

/** A user as a board lists them. */
export interface Listed {
  readonly user: string;
  readonly version: number;
  /** The presence document, JSON. */
  readonly text: string;
}

/** The storage of a board: the newest document of each of its users, and whom its watchers named. */
export class BoardStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#schema = new Schema(storage, STEPS, 'users');
  }

  /** Stores groups of changes in one commit. Tells which of them are news: a version that is not above the stored one is none. */
  put(changes: readonly BoardChange[]): BoardChange[] {
    return this.#storage.transactionSync(() => {
      this.#schema.create();
      const versions = new Map<string, number>();
      const newest = new Map<string, BoardChange>();
      const news = changes.filter((change) => {
        const known = versions.get(change.user) ?? this.#version(change.user);
        versions.set(change.user, Math.max(known, change.version));
        if (change.version <= known) return false;
        newest.set(change.user, change);
        return true;
      });
      for (const change of newest.values()) this.#write(change);
      return news;
    });
  }

  drop(user: string): void {
    if (this.#schema.created) this.#storage.sql.exec('DELETE FROM users WHERE user = ?', user);
  }

  /** The document of one user, JSON; undefined where the board has none. */
  get(user: string): string | undefined {
    if (!this.#schema.created) return undefined;
    return this.#storage.sql.exec<{ document: string }>('SELECT document FROM users WHERE user = ?', user).toArray()[0]?.document;
  }

  /** Users in the order of their names, above `after`, with that status where one is given. */
  list(after: string, limit: number, status?: string): Listed[] {
    if (!this.#schema.created) return [];
    const filter = status === undefined ? '' : 'AND status = ?';
    return this.#storage.sql
      .exec<{ user: string; version: number; text: string }>(
        `SELECT user, version, document AS text FROM users WHERE user > ? ${filter} ORDER BY user LIMIT ?`,
        ...(status === undefined ? [after, limit] : [after, status, limit]),
      )
      .toArray();
  }

  /** Remembers whom a watcher named, for the time after a hibernation: an attachment has no room for it. */
  addWatch(id: string, users: readonly string[]): void {
    this.#schema.create();
    this.#storage.sql.exec('INSERT INTO watches (id, users) VALUES (?, ?)', id, JSON.stringify(users));
  }

  /** Forgets a watcher; tells whom it named. */
  dropWatch(id: string): string[] {
    if (!this.#schema.created) return [];
    const [row] = this.#storage.sql.exec<{ users: string }>('DELETE FROM watches WHERE id = ? RETURNING users', id).toArray();
    return row === undefined ? [] : (JSON.parse(row.users) as string[]);
  }

  /** What the watchers of these ids named, by id. Others are forgotten: their sockets went with a process that could not say so. */
  watches(live: ReadonlySet<string>): Map<string, string[]> {
    const named = new Map<string, string[]>();
    if (!this.#schema.created) return named;
    const { sql } = this.#storage;
    const ids = sql.exec<{ id: string }>('SELECT id FROM watches').toArray();
    for (const { id } of ids) {
      if (!live.has(id)) sql.exec('DELETE FROM watches WHERE id = ?', id);
    }
    for (const { id, users } of sql.exec<{ id: string; users: string }>('SELECT id, users FROM watches')) {
      named.set(id, JSON.parse(users) as string[]);
    }
    return named;
  }

  #version(user: string): number {
    return (
      this.#storage.sql.exec<{ version: number }>('SELECT version FROM users WHERE user = ?', user).toArray()[0]?.version ?? 0
    );
  }

  #write({ user, version, status, text }: BoardChange): void {
    this.#storage.sql.exec(
      `INSERT INTO users (user, version, status, document) VALUES (?, ?, ?, ?)
       ON CONFLICT (user) DO UPDATE SET version = excluded.version, status = excluded.status, document = excluded.document`,
      user,
      version,
      status,
      text,
    );
  }
}
