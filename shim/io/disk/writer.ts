import type { DatabaseSync } from 'node:sqlite';
import type { JournalOp, OutboxEntry } from '../../core/journal.ts';

type OutboxKey = Pick<OutboxEntry, 'epoch' | 'sequence'>;

/** Rows of the outbox that one statement writes. */
const TOGETHER = 16;

const outboxPut = (rows: number): string =>
  `INSERT OR REPLACE INTO outbox (epoch, sequence, user, at, body) VALUES ${Array(rows).fill('(?, ?, ?, ?, ?)').join(', ')}`;

const valuesOf = ({ epoch, sequence, user, at, body }: OutboxEntry) => [epoch, sequence, user, at, body] as const;

/** Prepared statements: does what journal operations say, inside a transaction of the caller. */
export class Writer {
  readonly #statements;

  constructor(db: DatabaseSync) {
    this.#statements = {
      begin: db.prepare('BEGIN IMMEDIATE'),
      commit: db.prepare('COMMIT'),
      rollback: db.prepare('ROLLBACK'),
      bindingPut: db.prepare(
        'INSERT OR REPLACE INTO binding (aor, contact, call_id, cseq, q, since, expires_at, user_agent, flow, params) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ),
      bindingDelete: db.prepare('DELETE FROM binding WHERE aor = ? AND contact = ?'),
      dialogPut: db.prepare('INSERT OR REPLACE INTO dialog (key, body) VALUES (?, ?)'),
      dialogDelete: db.prepare('DELETE FROM dialog WHERE key = ?'),
      knownPut: db.prepare('INSERT OR IGNORE INTO known (aor) VALUES (?)'),
      outboxPut: db.prepare(outboxPut(1)),
      outboxPutMany: db.prepare(outboxPut(TOGETHER)),
      outboxDelete: db.prepare('DELETE FROM outbox WHERE epoch = ? AND sequence BETWEEN ? AND ?'),
    };
  }

  /** All operations in one transaction, or none: throws SQLite's error. Each is on a row of its own, so that their order does not matter. */
  write(ops: Iterable<JournalOp>): void {
    const { begin, commit, rollback } = this.#statements;
    const puts: OutboxEntry[] = [];
    const deletes: OutboxKey[] = [];
    begin.run();
    try {
      for (const op of ops) {
        // Most rows are of the outbox: a statement for many of them costs little more than one for each.
        if (op.op === 'outbox-put') puts.push(op.entry);
        else if (op.op === 'outbox-delete') deletes.push(op);
        else this.#one(op);
      }
      this.#put(puts);
      this.#delete(deletes);
      commit.run();
    } catch (error) {
      try {
        rollback.run();
      } catch {
        // Some errors (disk full) have rolled back by themselves.
      }
      throw error;
    }
  }

  #put(entries: readonly OutboxEntry[]): void {
    const { outboxPut, outboxPutMany } = this.#statements;
    let at = 0;
    for (; at + TOGETHER <= entries.length; at += TOGETHER) {
      const values: (number | string | null)[] = [];
      for (let i = at; i < at + TOGETHER; i++) values.push(...valuesOf(entries[i] as OutboxEntry));
      outboxPutMany.run(...values);
    }
    for (; at < entries.length; at++) outboxPut.run(...valuesOf(entries[at] as OutboxEntry));
  }

  /** What the Worker has taken are mostly numbers in a row. */
  #delete(keys: OutboxKey[]): void {
    keys.sort((a, b) => a.epoch - b.epoch || a.sequence - b.sequence);
    for (let from = 0, at = 1; at <= keys.length; at++) {
      const [first, last, next] = [keys[from] as OutboxKey, keys[at - 1] as OutboxKey, keys[at]];
      if (next?.epoch === last.epoch && next.sequence === last.sequence + 1) continue;
      this.#statements.outboxDelete.run(first.epoch, first.sequence, last.sequence);
      from = at;
    }
  }

  #one(op: Exclude<JournalOp, { readonly op: 'outbox-put' | 'outbox-delete' }>): void {
    const s = this.#statements;
    switch (op.op) {
      case 'binding-put': {
        const b = op.binding;
        const flow = JSON.stringify(b.flow);
        s.bindingPut.run(b.aor, b.contact, b.callId, b.cseq, b.q, b.since, b.expiresAt, b.userAgent, flow, b.params);
        break;
      }
      case 'binding-delete':
        s.bindingDelete.run(op.aor, op.contact);
        break;
      case 'dialog-put':
        s.dialogPut.run(op.key, op.body);
        break;
      case 'dialog-delete':
        s.dialogDelete.run(op.key);
        break;
      case 'known-put':
        s.knownPut.run(op.aor);
        break;
    }
  }
}

/** The row that an operation names. */
export function rowOf(op: JournalOp): string {
  switch (op.op) {
    case 'binding-put':
      return `b ${op.binding.aor} ${op.binding.contact}`;
    case 'binding-delete':
      return `b ${op.aor} ${op.contact}`;
    case 'dialog-put':
    case 'dialog-delete':
      return `d ${op.key}`;
    case 'known-put':
      return `k ${op.aor}`;
    case 'outbox-put':
      return `o ${op.entry.epoch} ${op.entry.sequence}`;
    case 'outbox-delete':
      return `o ${op.epoch} ${op.sequence}`;
  }
}
