/** The longest that `setTimeout` waits, ms. */
const LONGEST = 2 ** 31 - 1;

/** A timer that lives as long as its object's memory. */
export class Timer {
  readonly #ring: () => void;
  #handle: number | null = null;
  /** When it rings, ms since 1970. */
  #at = Infinity;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Sees to it that it rings at `at` at the latest; earlier, where that is a long time off. */
  arm(at: number): void {
    if (this.#at <= at) return;
    clearTimeout(this.#handle);
    this.#at = at;
    this.#handle = setTimeout(
      () => {
        this.#at = Infinity;
        this.#ring();
      },
      Math.min(Math.max(0, at - Date.now()), LONGEST),
    );
  }
}
