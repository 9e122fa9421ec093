import type { Update, Verdict } from '../protocol/index.ts';
import { applyDeadlines, applyUpdate, type UpdateStep } from './apply.ts';
import type { Change } from './finish.ts';
import type { PresenceRecord } from './record.ts';

/** What a group of updates did, with one verdict for each, and all changes in their order. */
export interface GroupStep {
  readonly record: PresenceRecord;
  readonly verdicts: readonly Verdict[];
  readonly changes: readonly Change[];
  /** What was thrown: bugs, to be logged. */
  readonly faults: readonly unknown[];
}

/**
 * Applies updates of one site in their order, then the deadlines that have passed by then: late evidence is evidence still, so a
 * refresh that waited in an outbox comes before the expiry that it prevents.
 *
 * An update at which this program fails would fail each time, and hold up the user's later ones for ever if it were to be sent again. It is
 * refused alone, so that its site drops it and tells the user anew.
 */
export function applyGroup(record: PresenceRecord, site: string, updates: readonly Update[], now: number): GroupStep {
  const verdicts: Verdict[] = [];
  const changes: Change[] = [];
  const faults: unknown[] = [];
  let current = record;
  for (const update of updates) {
    const step = guarded(current, site, update, now, faults);
    verdicts.push(step.verdict);
    if (step.change !== undefined) changes.push(step.change);
    current = step.record;
  }
  const ended = applyDeadlines(current, now);
  return { record: ended.record, verdicts, changes: [...changes, ...ended.changes], faults };
}

function guarded(record: PresenceRecord, site: string, update: Update, now: number, faults: unknown[]): UpdateStep {
  try {
    return applyUpdate(record, site, update, now);
  } catch (fault) {
    faults.push(fault);
    const { sequence } = update;
    return {
      record,
      verdict: { sequence, verdict: 'rejected', field: 'status', reason: 'a fault of the Worker' },
      change: undefined,
    };
  }
}
