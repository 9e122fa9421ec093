import type { HookRecord } from '../hooks/index.ts';
import type { Schema } from './schema.ts';

/** What a webhook, or the callback of a watch, asks a board for. */
export interface HookSubscription {
  readonly id: string;
  /** The board's own name, by which the webhook keeps how far it has heard of it. */
  readonly board: string;
  readonly kind: HookRecord['kind'];
  /** Users of this board; null for all of them. Empty where the board only lists the webhook. */
  readonly users: readonly string[] | null;
}

/** Which webhooks a board tells, and how far each has confirmed; in the table `hooks` of the board's storage. */
export class BoardHookStore {
  readonly #storage: DurableObjectStorage;
  readonly #schema: Schema;

  constructor(storage: DurableObjectStorage, schema: Schema) {
    this.#storage = storage;
    this.#schema = schema;
  }

  all(): (HookSubscription & { readonly seq: number })[] {
    if (!this.#schema.created) return [];
    return this.#storage.sql
      .exec<{ id: string; board: string; kind: HookRecord['kind']; users: string; seq: number }>(
        'SELECT * FROM hooks ORDER BY id',
      )
      .toArray()
      .map((row) => ({ ...row, users: JSON.parse(row.users) as string[] | null }));
  }

  add({ id, board, kind, users }: HookSubscription, seq: number): void {
    this.#schema.create();
    this.#storage.sql.exec(
      'INSERT INTO hooks (id, board, kind, users, seq) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET users = excluded.users',
      id,
      board,
      kind,
      JSON.stringify(users),
      seq,
    );
  }

  confirm(id: string, seq: number): void {
    this.#storage.sql.exec('UPDATE hooks SET seq = ? WHERE id = ?', seq, id);
  }

  drop(id: string): void {
    if (this.#schema.created) this.#storage.sql.exec('DELETE FROM hooks WHERE id = ?', id);
  }
}
