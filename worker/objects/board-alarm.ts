/** The one alarm of a board, for all that wait for something: set for the earliest, and when it rings all of them look. */
export class BoardAlarm {
  readonly #storage: DurableObjectStorage;
  /** When it is set to go off, ms since 1970. */
  #at: number | null = null;

  /** `waiting`: something may have set it before memory was lost. */
  constructor(ctx: DurableObjectState, waiting: boolean) {
    this.#storage = ctx.storage;
    if (!waiting) return;
    void ctx.blockConcurrencyWhile(async () => {
      this.#at = await ctx.storage.getAlarm();
    });
  }

  /** Sees to it that it goes off at `at` at the latest. Each `setAlarm` is a row written: it is set only where it would come too late. */
  arm(at: number): void {
    if (this.#at !== null && this.#at <= at) return;
    this.#at = at;
    void this.#storage.setAlarm(at);
  }

  /** It went off. */
  rang(): void {
    this.#at = null;
  }
}
