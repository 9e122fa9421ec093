/** One clock for all the objects that a request waits for. */
export interface TimeLimit {
  /** Has the time passed. */
  readonly isOver: boolean;
  /** The result of the work, or undefined where the time passes first. The work itself is not ended by it. */
  within<T>(work: Promise<T>): Promise<T | undefined>;
  /** To be called when nothing is waited for any more. */
  clear(): void;
}

/** Begins a time limit of `ms`. */
export function timeLimit(ms: number): TimeLimit {
  let over = false;
  let timer: number | null = null;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      over = true;
      resolve(undefined);
    }, ms);
  });
  return {
    get isOver() {
      return over;
    },
    within: (work) => Promise.race([work, late]),
    clear: () => clearTimeout(timer),
  };
}
