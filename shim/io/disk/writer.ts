import type { DatabaseSync } from 'node:sqlite';
import type { JournalOp } from '../../core/journal.ts';

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
      outboxPut: db.prepare('INSERT OR REPLACE INTO outbox (epoch, sequence, user, at, body) VALUES (?, ?, ?, ?, ?)'),
      outboxDelete: db.prepare('DELETE FROM outbox WHERE epoch = ? AND sequence = ?'),
    };
  }

  /** All operations in one transaction, or none: throws SQLite's error. */
  write(ops: Iterable<JournalOp>): void {
    const { begin, commit, rollback } = this.#statements;
    begin.run();
    try {
      for (const op of ops) this.#one(op);
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

  #one(op: JournalOp): void {
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
      case 'outbox-put':
        s.outboxPut.run(op.entry.epoch, op.entry.sequence, op.entry.user, op.entry.at, op.entry.body);
        break;
      case 'outbox-delete':
        s.outboxDelete.run(op.epoch, op.sequence);
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
