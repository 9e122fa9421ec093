/** What has deadlines of its own. */
export interface Timed {
  nextDeadline(): number | undefined;
  /** Does what is due. */
  expire(now: number): void;
}

/** Rounds without a later deadline, after which one counts as stuck: what is due at one time is done in a few. */
const ROUNDS = 1000;

/** Lets time go by up to `at`, deadline by deadline. False where one stays however often it is served: time goes no further then. */
export function advance(timed: Timed, at: number): boolean {
  let last = Number.NEGATIVE_INFINITY;
  let rounds = 0;
  for (;;) {
    const next = timed.nextDeadline();
    if (next === undefined || next > at) return true;
    rounds = next > last ? 0 : rounds + 1;
    if (rounds >= ROUNDS) return false;
    last = Math.max(last, next);
    timed.expire(next);
  }
}
