/** What a load of one rate came to. */
export interface Step {
  /** Asked for, 1/s. */
  readonly rate: number;
  /** Calls or registrations. */
  readonly count: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** From the first to the end of the last, and what that is where nothing is late, s. */
  readonly took: number;
  readonly ideal: number;
  /** What was wrong with presence, if it was looked at. */
  readonly wrong: readonly string[];
  /** Signs that the load generator was at its own limit. */
  readonly saturated: readonly string[];
}

/** Failed ones and retransmissions together are less than this part of all. */
const CLEAN = 0.001;
/** A load may take so much longer than it should: a part of its time, and s. */
const LATE = { part: 0.03, more: 0.3 };

/** Why a step was not clean; nothing where it was. */
export function faultsOf(step: Step): string[] {
  const { count, failed, retransmissions, took, ideal, wrong } = step;
  const faults = [...wrong];
  if (failed + retransmissions >= CLEAN * count)
    faults.unshift(`${failed} of ${count} failed, ${retransmissions} retransmissions`);
  if (took > ideal * (1 + LATE.part) + LATE.more) faults.push(`took ${took.toFixed(1)} s instead of ${ideal.toFixed(1)}`);
  return faults;
}

export interface Climb<S extends Step> {
  readonly steps: readonly S[];
  /** The highest rate that was clean, all below it too; 0 where the first was not. */
  readonly highest: number;
  /** What ended it: the faults of the first step that was not clean; undefined where the ladder ended. */
  readonly end: string | undefined;
  /** The load generator was at its limit in the step that ended it, or the ladder ended: the highest rate is a lower bound. */
  readonly bound: boolean;
}

/** Tries rising rates, and stops at the first that is not clean. */
export async function climb<S extends Step>(ladder: readonly number[], attempt: (rate: number) => Promise<S>): Promise<Climb<S>> {
  const steps: S[] = [];
  let highest = 0;
  for (const rate of ladder) {
    const step = await attempt(rate);
    steps.push(step);
    const faults = faultsOf(step);
    if (faults.length > 0) {
      const end = `${rate}/s: ${[...faults, ...step.saturated].join(', ')}`;
      return { steps, highest, end, bound: step.saturated.length > 0 };
    }
    highest = rate;
  }
  return { steps, highest, end: undefined, bound: true };
}
