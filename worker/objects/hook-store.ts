import { HOOK_LIMITS, type HookRecord, type Op, type Waiting } from '../hooks/index.ts';
import type { Status } from '../protocol/index.ts';
import { Schema } from './schema.ts';

/** Tables of a webhook, by version. The long bodies stand last, so that a look at the rest does not read them. */
const STEPS = [
  `CREATE TABLE hook (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL, upkeep_at INTEGER NOT NULL,
     superseded INTEGER NOT NULL, overflowed INTEGER NOT NULL, overflow_at INTEGER);
   CREATE TABLE boards (board TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE told (user TEXT PRIMARY KEY, status TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE events (n INTEGER PRIMARY KEY, id TEXT NOT NULL, user TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL,
     due INTEGER NOT NULL, failures INTEGER NOT NULL, reason TEXT, body TEXT NOT NULL);`,
];

/** An event as it is stored when it is taken. */
export interface NewEvent {
  readonly id: string;
  readonly user: string;
  readonly body: string;
}

/** An event that could not be delivered. */
export interface DeadLetter {
  readonly n: number;
  readonly id: string;
  readonly user: string;
  readonly at: number;
  readonly failures: number;
  readonly reason: string;
}

/** What the queue has held, and holds. Times are ms since 1970. */
export interface QueueView {
  readonly waiting: number;
  /** Of them, those that failed before. */
  readonly retrying: number;
  /** When the oldest that waits was taken. */
  readonly oldestAt: number | null;
  /** Why the oldest that failed did; null where none did. */
  readonly lastReason: string | null;
  readonly deadLetters: number;
  /** Events left out for want of room: superseded by a newer one of their user, or dead; and when the last was. */
  readonly superseded: number;
  readonly overflowed: number;
  readonly overflowAt: number | null;
}

/** The storage of a webhook: what it is, its events, and how far it has heard of each board. */
export class HookStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;
  #next = 1;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#schema = new Schema(storage, STEPS, 'hook');
    if (this.#schema.created) {
      this.#next = storage.sql.exec<{ n: number }>('SELECT 1 + coalesce(max(n), 0) AS n FROM events').one().n;
    }
  }

  /** What was stored of the webhook itself; undefined where there is none. */
  load(): HookRecord | undefined {
    if (!this.#schema.created) return undefined;
    const [row] = this.#storage.sql.exec<{ body: string }>('SELECT body FROM hook').toArray();
    return row && (JSON.parse(row.body) as HookRecord);
  }

  save(record: HookRecord): void {
    this.#schema.create();
    this.#storage.sql.exec(
      `INSERT INTO hook (id, body, upkeep_at, superseded, overflowed) VALUES (1, ?, 0, 0, 0)
       ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
      JSON.stringify(record),
    );
  }

  /** When the boards are to be asked next whether they know the webhook, and what is old is to be cleared away; ms since 1970. */
  get upkeepAt(): number {
    if (!this.#schema.created) return 0;
    return this.#storage.sql.exec<{ at: number }>('SELECT upkeep_at AS at FROM hook').toArray()[0]?.at ?? 0;
  }

  set upkeepAt(at: number) {
    this.#storage.sql.exec('UPDATE hook SET upkeep_at = ?', at);
  }

  /** Several writes in one commit. */
  together<T>(write: () => T): T {
    return this.#storage.transactionSync(write);
  }

  /** How far a board has been heard; 0 for one never heard of. */
  seq(board: string): number {
    if (!this.#schema.created) return 0;
    return this.#storage.sql.exec<{ seq: number }>('SELECT seq FROM boards WHERE board = ?', board).toArray()[0]?.seq ?? 0;
  }

  saveSeq(board: string, seq: number): void {
    this.#storage.sql.exec(
      'INSERT INTO boards (board, seq) VALUES (?, ?) ON CONFLICT (board) DO UPDATE SET seq = excluded.seq',
      board,
      seq,
    );
  }

  /** The word of a user that was seen last; undefined where none was. */
  told(user: string): Status | undefined {
    return this.#storage.sql.exec<{ status: Status }>('SELECT status FROM told WHERE user = ?', user).toArray()[0]?.status;
  }

  saveTold(user: string, status: Status): void {
    this.#storage.sql.exec(
      'INSERT INTO told (user, status) VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET status = excluded.status',
      user,
      status,
    );
  }

  /** Stores an event that waits from now on. */
  add({ id, user, body }: NewEvent, now: number): Waiting {
    const n = this.#next++;
    this.#storage.sql.exec(
      `INSERT INTO events (n, id, user, state, at, due, failures, body) VALUES (?, ?, ?, 'waiting', ?, ?, 0, ?)`,
      n,
      id,
      user,
      now,
      now,
      body,
    );
    return { n, user, at: now, failures: 0, dueAt: now };
  }

  /** All that waits, in order. */
  waiting(): Waiting[] {
    if (!this.#schema.created) return [];
    return this.#storage.sql
      .exec<{ n: number; user: string; at: number; failures: number; dueAt: number }>(
        `SELECT n, user, at, failures, due AS dueAt FROM events WHERE state = 'waiting' ORDER BY n`,
      )
      .toArray();
  }

  /** What an event says to its receiver. */
  event(n: number): { id: string; body: string } | undefined {
    return this.#storage.sql.exec<{ id: string; body: string }>('SELECT id, body FROM events WHERE n = ?', n).toArray()[0];
  }

  /** Stores what became of events. */
  apply(ops: readonly Op[], now: number): void {
    const { sql } = this.#storage;
    for (const op of ops) {
      if (op.op === 'delivered') {
        sql.exec(`UPDATE events SET state = 'delivered', at = ?, reason = NULL WHERE n = ?`, now, op.n);
      } else if (op.op === 'retry') {
        sql.exec('UPDATE events SET due = ?, failures = ?, reason = ? WHERE n = ?', op.dueAt, op.failures, op.reason, op.n);
      } else if (op.op === 'dead') {
        sql.exec(
          `UPDATE events SET state = 'dead', at = ?, failures = ?, reason = ? WHERE n = ?`,
          now,
          op.failures,
          op.reason,
          op.n,
        );
        if (op.reason === 'overflow') sql.exec('UPDATE hook SET overflowed = overflowed + 1, overflow_at = ?', now);
      } else {
        sql.exec('DELETE FROM events WHERE n = ?', op.n);
        sql.exec('UPDATE hook SET superseded = superseded + 1, overflow_at = ?', now);
      }
    }
  }

  /** The place of an event that is kept; undefined where there is none of that id. */
  placeOf(id: string): number | undefined {
    return this.#storage.sql.exec<{ n: number }>('SELECT n FROM events WHERE id = ?', id).toArray()[0]?.n;
  }

  /** How many events a replay would put back: the dead ones, and from a place on the delivered ones too. */
  replayable(from: number | undefined): number {
    const { where, bindings } = replayed(from);
    return this.#storage.sql.exec<{ count: number }>(`SELECT count(*) AS count FROM events WHERE ${where}`, ...bindings).one()
      .count;
  }

  /** Puts these events back in line. */
  replay(from: number | undefined, now: number): void {
    const { where, bindings } = replayed(from);
    this.#storage.sql.exec(
      `UPDATE events SET state = 'waiting', at = ?, due = ?, failures = 0, reason = NULL WHERE ${where}`,
      now,
      now,
      ...bindings,
    );
  }

  /** Dead letters with a place below `before`, the newest first. */
  deadLetters(before: number, limit: number): DeadLetter[] {
    return this.#storage.sql
      .exec<{ n: number; id: string; user: string; at: number; failures: number; reason: string }>(
        `SELECT n, id, user, at, failures, reason FROM events WHERE state = 'dead' AND n < ? ORDER BY n DESC LIMIT ?`,
        before,
        limit,
      )
      .toArray();
  }

  view(): QueueView {
    const { sql } = this.#storage;
    const counts = sql
      .exec<{ waiting: number; retrying: number; oldestAt: number | null; deadLetters: number }>(
        `SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'waiting' AND failures > 0) AS retrying,
           min(at) FILTER (WHERE state = 'waiting') AS oldestAt, count(*) FILTER (WHERE state = 'dead') AS deadLetters FROM events`,
      )
      .one();
    const [failed] = sql
      .exec<{ reason: string }>(`SELECT reason FROM events WHERE state = 'waiting' AND failures > 0 ORDER BY n LIMIT 1`)
      .toArray();
    const overflow = sql
      .exec<{ superseded: number; overflowed: number; overflowAt: number | null }>(
        'SELECT superseded, overflowed, overflow_at AS overflowAt FROM hook',
      )
      .one();
    return { ...counts, ...overflow, lastReason: failed?.reason ?? null };
  }

  /** Deletes what is kept of a user: the events with a document up to the version `through`, whatever became of them; tells which. */
  forget(user: string, through: number): number[] {
    const { sql } = this.#storage;
    sql.exec('DELETE FROM told WHERE user = ?', user);
    return sql
      .exec<{ n: number }>(
        `DELETE FROM events WHERE user = ? AND json_extract(body, '$.data.version') <= ? RETURNING n`,
        user,
        through,
      )
      .toArray()
      .map(({ n }) => n);
  }

  /** Forgets what is older, or more, than is kept for a replay. */
  prune(now: number): void {
    this.#forget('delivered', now - HOOK_LIMITS.keptFor, HOOK_LIMITS.kept);
    this.#forget('dead', now - HOOK_LIMITS.deadFor, HOOK_LIMITS.deadLetters);
  }

  #forget(state: 'delivered' | 'dead', before: number, most: number): void {
    this.#storage.sql.exec(
      `DELETE FROM events WHERE state = ?1 AND (at < ?2 OR n <= (SELECT n FROM events WHERE state = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?3))`,
      state,
      before,
      most,
    );
  }
}

function replayed(from: number | undefined): { where: string; bindings: number[] } {
  if (from === undefined) return { where: `state = 'dead'`, bindings: [] };
  return { where: `state IN ('dead', 'delivered') AND n >= ?`, bindings: [from] };
}
