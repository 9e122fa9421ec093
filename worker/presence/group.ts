import type { Update, Verdict } from '../protocol/index.ts';
import { applyDeadlines, applyUpdate } from './apply.ts';
import type { Change } from './finish.ts';
import type { PresenceRecord } from './record.ts';

/** What a group of updates did, with one verdict for each, and all changes in their order. */
export interface GroupStep {
  readonly record: PresenceRecord;
  readonly verdicts: readonly Verdict[];
  readonly changes: readonly Change[];
}

/**
 * Applies updates of one site in their order, then the deadlines that have passed by then: late evidence is evidence still, so a
 * refresh that waited in an outbox comes before the expiry that it prevents.
 */
export function applyGroup(record: PresenceRecord, site: string, updates: readonly Update[], now: number): GroupStep {
  const verdicts: Verdict[] = [];
  const changes: Change[] = [];
  let current = record;
  for (const update of updates) {
    const step = applyUpdate(current, site, update, now);
    verdicts.push(step.verdict);
    if (step.change !== undefined) changes.push(step.change);
    current = step.record;
  }
  const ended = applyDeadlines(current, now);
  return { record: ended.record, verdicts, changes: [...changes, ...ended.changes] };
}
