/** Changes an input; nothing but `chance` decides how. `other` is an input to take parts from. */
export type Mutation = (input: string, other: string, chance: () => number) => string;

/** One thing that is fed with damaged input. An input is a byte string, or what the target makes of a string. */
export interface Target {
  readonly name: string;
  /** Valid inputs to begin with. */
  readonly seeds: readonly string[];
  readonly mutate: Mutation;
  /** Handles one input from a clean state. Throws where anything is not as it should be: that is a finding. */
  run(input: string): void;
}

/** What a target throws where an invariant does not hold: a finding as much as any other error. */
export class Violation extends Error {}

/** Throws a violation where the condition does not hold. */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}
