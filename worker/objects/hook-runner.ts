import { type Deliveries, HOOK_LIMITS, type Waiting } from '../hooks/index.ts';

/**
 * Delivers what is due, several users at a time, until nothing is: one run at a time, within an alarm. An alarm whose process dies comes again,
 * and so does what was under way.
 */
export class HookRunner {
  readonly #deliver: (event: Waiting) => Promise<void>;
  #run: Promise<void> | undefined;
  #wake: () => void = () => {};

  /** `deliver` settles the event, whatever happens. */
  constructor(deliver: (event: Waiting) => Promise<void>) {
    this.#deliver = deliver;
  }

  get running(): boolean {
    return this.#run !== undefined;
  }

  /** There is something new: a run that waits for an answer looks whether it can be delivered meanwhile. */
  wake(): void {
    this.#wake();
  }

  /** Returns when nothing more is due, or when one alarm has done enough. */
  run(queue: Deliveries): Promise<void> {
    this.#run ??= this.#deliverAll(queue).finally(() => {
      this.#run = undefined;
    });
    return this.#run;
  }

  async #deliverAll(queue: Deliveries): Promise<void> {
    const until = Date.now() + HOOK_LIMITS.runFor;
    const flying = new Set<Promise<void>>();
    let left: number = HOOK_LIMITS.runDeliveries;
    for (;;) {
      const now = Date.now();
      const due = left > 0 && now < until ? queue.take(now) : [];
      for (const event of due) {
        left--;
        const delivery: Promise<void> = this.#deliver(event).finally(() => flying.delete(delivery));
        flying.add(delivery);
      }
      if (flying.size === 0) return;
      const news = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([...flying, news]);
    }
  }
}
