/** One at a time: loads never run beside each other, while those who only wait may go on. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when those who asked before have given theirs back; the function given gives this one back, however often it is called. */
  async take(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = before.then(() => promise);
    await before;
    return resolve;
  }
}
