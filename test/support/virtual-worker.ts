import type { HistoryEntry, PresenceDocument, Update, UpdateAnswer, Verdict } from '#protocol';
import type { Batch, SendFailure } from '../../shim/core/outbox/types.ts';
import { applyDeadlines, applyUpdate } from '../../worker/presence/apply.ts';
import { compose } from '../../worker/presence/compose.ts';
import { emptyRecord, type PresenceRecord } from '../../worker/presence/record.ts';

/** The Worker's rules without a Worker: the pure half of it under a virtual clock. */
export class VirtualWorker {
  readonly #records = new Map<string, PresenceRecord>();
  readonly history: (HistoryEntry & { readonly user: string })[] = [];

  post(batch: Batch, now: number): UpdateAnswer {
    return { results: batch.items.map((item) => this.#apply(batch.site, JSON.parse(item) as Update, now)) };
  }

  document(user: string, now: number): PresenceDocument | undefined {
    const record = this.#records.get(user);
    if (record === undefined) return undefined;
    const step = applyDeadlines(record, now);
    this.#records.set(user, step.record);
    return compose(step.record);
  }

  /** The calls that the record of a user holds, with their deadlines. */
  record(user: string): PresenceRecord | undefined {
    return this.#records.get(user);
  }

  #apply(site: string, update: Update, now: number): Verdict {
    const before = applyDeadlines(this.#records.get(update.user) ?? emptyRecord(update.user), now).record;
    const step = applyUpdate(before, site, update, now);
    this.#records.set(update.user, step.record);
    if (step.change?.entry) this.history.push({ ...step.change.entry, user: update.user });
    return step.verdict;
  }
}

/** How requests to the Worker fare: a failure before it was applied, an answer lost after it was, or well. */
export type Fate = 'lost' | 'answer-lost' | 'well';

export const LOST: SendFailure = { reason: 'unreachable' };
