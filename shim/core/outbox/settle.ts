import type { Update, Verdict } from '#protocol';
import { type Queue, remove, type Waiting } from './queue.ts';
import type { OutboxCounters, Outcome } from './types.ts';

/** What is to be done for the user after his part of an answer. */
export interface Settled {
  /** `snapshot`: his chain is broken, tell him anew. `pause`: try him again later. `go`: send what waits. */
  readonly next: 'snapshot' | 'pause' | 'go';
  /** Greatest epoch of this site that the Worker named. */
  readonly epoch: number;
}

/** Applies the verdicts on a user's updates under way, in order, and takes what is done out of his queue. */
export function settleUser(queue: Queue, verdicts: readonly Verdict[], counters: OutboxCounters, outcome: Outcome): Settled {
  const flying = queue.waiting.splice(0, queue.flying);
  queue.flying = 0;
  let epoch = 0;
  let broken = false;
  let done = 0;
  for (const [i, verdict] of verdicts.entries()) {
    const entry = flying[i] as Waiting;
    if (verdict.verdict === 'retry' || (verdict.verdict === 'gap' && entry.snapshot)) {
      // A snapshot cannot have a gap before it; should the Worker say so, it is tried again with a pause, not in a circle.
      // What comes after it in the chain stays with it, whatever its verdict: given again, it will be a duplicate.
      counters.retried += 1;
      break;
    }
    done += 1;
    counters[verdict.verdict] += 1;
    switch (verdict.verdict) {
      case 'accepted':
        if (verdict.conflict !== undefined) counters.conflicts += 1;
        queue.attempts = 0;
        if (entry.snapshot) broken = false;
        break;
      case 'duplicate':
        queue.attempts = 0;
        if (entry.snapshot) broken = false;
        break;
      case 'stale':
        epoch = Math.max(epoch, verdict.last.epoch);
        break;
      case 'gap':
        if (!broken) outcome.events.push({ type: 'gap', user: queue.user });
        broken = true;
        break;
      case 'rejected':
        outcome.events.push({
          type: 'rejected',
          user: queue.user,
          status: (JSON.parse(entry.body as string) as Update).status,
          field: verdict.field,
          reason: verdict.reason,
        });
        // A rejected snapshot is not given again as it is: only with the user's next change.
        if (entry.snapshot) {
          queue.told = false;
          broken = false;
        } else broken = true;
        break;
    }
  }
  outcome.ops.push(...remove(flying.slice(0, done)));
  const kept = flying.slice(done);
  queue.waiting.unshift(...kept);
  if (broken || (!queue.told && queue.waiting.length > 0)) return { next: 'snapshot', epoch };
  return { next: kept.length > 0 ? 'pause' : 'go', epoch };
}
