import type { Binding, BindingChange } from './registrar/binding.ts';

/**
 * What the shim writes to disk, as values, so that pure code can say it. Each operation names one row and carries the whole of it:
 * a later operation on the same row replaces an earlier one, and doing one twice is harmless.
 */
export type JournalOp =
  | { readonly op: 'binding-put'; readonly binding: Binding }
  | { readonly op: 'binding-delete'; readonly aor: string; readonly contact: string }
  /** `body` is JSON of the dialog tracker, as the call is when it is asked for: when it is written. The disk does not look into it. */
  | { readonly op: 'dialog-put'; readonly key: string; readonly body: string }
  | { readonly op: 'dialog-delete'; readonly key: string }
  /** A user is known from now on (`registrar/known.ts`). */
  | { readonly op: 'known-put'; readonly aor: string }
  | { readonly op: 'outbox-put'; readonly entry: OutboxEntry }
  | { readonly op: 'outbox-delete'; readonly epoch: number; readonly sequence: number };

/** One waiting update, as the outbox keeps it on disk. (epoch, sequence) is its identity. */
export interface OutboxEntry {
  readonly epoch: number;
  readonly sequence: number;
  /** Canonical address of record. */
  readonly user: string;
  /** When it was put in, ms since 1970. */
  readonly at: number;
  /** JSON of the `Update`; null for a snapshot that is yet to be built. */
  readonly body: string | null;
}

/** What is found on disk at start. */
export interface JournalState {
  /** Bindings, those already expired among them. */
  readonly bindings: readonly Binding[];
  readonly dialogs: readonly { readonly key: string; readonly body: string }[];
  /** In order of (epoch, sequence). */
  readonly outbox: readonly OutboxEntry[];
  /** Canonical addresses of record that were registered once. */
  readonly known: readonly string[];
}

/** The operations that bring the disk to where the changes brought the location service. */
export function journalOfBindings(changes: readonly BindingChange[]): JournalOp[] {
  return changes.map((change) =>
    change.type === 'removed'
      ? { op: 'binding-delete', aor: change.binding.aor, contact: change.binding.contact }
      : { op: 'binding-put', binding: change.binding },
  );
}
