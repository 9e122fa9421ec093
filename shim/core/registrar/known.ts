import type { JournalOp } from '../journal.ts';
import type { BindingChange } from './binding.ts';

/** Addresses of record that had a binding once, within a limit: who has none now is away (480), not unknown (404). */
export class KnownUsers {
  readonly #users = new Set<string>();

  has(aor: string): boolean {
    return this.#users.has(aor);
  }

  get size(): number {
    return this.#users.size;
  }

  /** Takes up what an earlier process left. */
  restore(users: readonly string[], max: number): void {
    for (const aor of users.slice(0, max)) this.#users.add(aor);
  }

  /**
   * What became of bindings: who is new is to be kept on disk, once. One whose first binding has just begun is known by that, so that a telephone
   * that comes once and never refreshes costs a row when it goes.
   */
  learn(changes: readonly BindingChange[], max: number): JournalOp[] {
    const ops: JournalOp[] = [];
    for (const { type, binding } of changes) {
      if (type === 'added' || this.#users.size >= max || this.#users.has(binding.aor)) continue;
      this.#users.add(binding.aor);
      ops.push({ op: 'known-put', aor: binding.aor });
    }
    return ops;
  }
}
