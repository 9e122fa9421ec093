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

/** Short to find where to look, or as long as a rate must be kept up to be called clean. */
export type Length = 'brief' | 'long';

export interface Climb<S extends Step> {
  readonly steps: readonly S[];
  /** The highest rate that was clean for long; 0 where none was. */
  readonly highest: number;
  /** What ended it: the faults of the lowest rate above it that was not clean; undefined where no higher rate was tried. */
  readonly end: string | undefined;
  /** The load generator was at its limit in the step that ended it, or the ladder ended: the highest rate is a lower bound. */
  readonly bound: boolean;
}

/** What is known before a climb: steps that were long. */
export interface Known<S extends Step> {
  readonly steps: readonly S[];
  /** How many rungs the brief steps skip. */
  readonly stride: number;
}

/**
 * The highest rung of a ladder that is clean for long: brief steps up to the first that is not clean, then long ones between that and the
 * one before, each in the middle of what is still open. The rung that is told was clean for long, and the next one, if it was tried, was not.
 */
export async function climb<S extends Step>(
  ladder: readonly number[],
  { steps: known, stride }: Known<S>,
  attempt: (rate: number, length: Length) => Promise<S>,
): Promise<Climb<S>> {
  const steps = [...known];
  const isClean = (step: S) => faultsOf(step).length === 0;
  let failed = known.find((step) => !isClean(step));
  const floor = Math.max(
    0,
    ...known.filter((step) => isClean(step) && step.rate < (failed?.rate ?? Number.POSITIVE_INFINITY)).map(({ rate }) => rate),
  );
  const rungs = ladder.filter((rate) => rate > floor && rate < (failed?.rate ?? Number.POSITIVE_INFINITY));
  const tried = async (index: number, length: Length): Promise<boolean> => {
    const step = await attempt(rungs[index] ?? 0, length);
    steps.push(step);
    if (!isClean(step)) failed = step;
    return isClean(step);
  };
  // Indices of rungs: clean for long, clean for a moment at least, and not clean. Below the first is what is known.
  let clean = -1;
  const hopes = [-1];
  let over = rungs.length;
  for (let next = stride - 1; next < rungs.length + stride - 1; next += stride) {
    const index = Math.min(next, rungs.length - 1);
    if (await tried(index, 'brief')) hopes.push(index);
    else {
      over = index;
      break;
    }
  }
  for (;;) {
    const hope = Math.max(clean, hopes.at(-1) ?? -1);
    if (over - clean <= 1) break;
    const middle = over - hope > 1 ? Math.floor((hope + over) / 2) : hope;
    if (await tried(middle, 'long')) clean = middle;
    else over = middle;
    while ((hopes.at(-1) ?? -1) >= over) hopes.pop();
  }
  const end = failed && `${failed.rate}/s: ${[...faultsOf(failed), ...failed.saturated].join(', ')}`;
  return { steps, highest: rungs[clean] ?? floor, end, bound: failed === undefined || failed.saturated.length > 0 };
}
