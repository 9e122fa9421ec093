import type { JournalOp, OutboxEntry } from '../journal.ts';

/** One waiting update. `body` is null while it is a snapshot that is yet to be built: it is built when it is taken, so that it is never outdated. */
export interface Waiting extends Omit<OutboxEntry, 'body'> {
  body: string | null;
  readonly snapshot: boolean;
  /** Sequence of the user's update before it. */
  readonly previous: number;
  /** Is it on disk? A snapshot that is only fed in by `reconcile` need not be. */
  journaled: boolean;
}

/** What is known of one user: his place in the chain of this epoch, and what waits for him, in order. */
export interface Queue {
  readonly user: string;
  /** Sequence of his last update in this epoch; 0 where there is none. */
  last: number;
  /** Is his chain open? If not, his next word must be a snapshot. */
  told: boolean;
  /** What waits, in order; the first `flying` of it are under way. A snapshot yet to be built is always the last one. */
  waiting: Waiting[];
  flying: number;
  /** Failed attempts that were his alone (verdict `retry`, a refused snapshot), for the length of his pause. */
  attempts: number;
}

export function newQueue(user: string, told: boolean): Queue {
  return { user, last: 0, told, waiting: [], flying: 0, attempts: 0 };
}

/** The snapshot that waits to be built, if there is one. */
export function unbuilt(queue: Queue): Waiting | undefined {
  const last = queue.waiting.at(-1);
  return last?.body === null ? last : undefined;
}

/** The row of an update. A snapshot is written before it is built, without body: after a restart it is built anew. */
export function put(entry: Waiting): JournalOp {
  entry.journaled = true;
  const { epoch, sequence, user, at, body } = entry;
  return { op: 'outbox-put', entry: { epoch, sequence, user, at, body } };
}

/** The operations that take updates off the disk. */
export function remove(entries: readonly Waiting[]): JournalOp[] {
  return entries
    .filter((entry) => entry.journaled)
    .map((entry) => ({ op: 'outbox-delete', epoch: entry.epoch, sequence: entry.sequence }));
}
