/** How late timers of this process fire: a histogram, as Prometheus counts one. */
export interface Lag {
  /** Upper bounds of the buckets, seconds, and how many measurements were at or below each. */
  readonly buckets: readonly (readonly [bound: number, count: number])[];
  /** Of all measurements, seconds. */
  readonly sum: number;
  readonly count: number;
}

/** Measured so often, ms. */
const EVERY = 100;
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Measures the event loop's lag until it is closed. */
export class LagMeter {
  readonly #counts = BOUNDS.map(() => 0);
  #sum = 0;
  #count = 0;
  #due = performance.now() + EVERY;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.record(Math.max(0, now - this.#due) / 1000);
      this.#due = now + EVERY;
    }, EVERY);
    this.#timer.unref();
  }

  /** Takes in one measurement, seconds. */
  record(lag: number): void {
    this.#sum += lag;
    this.#count += 1;
    for (const [i, bound] of BOUNDS.entries()) if (lag <= bound) this.#counts[i] = (this.#counts[i] as number) + 1;
  }

  read(): Lag {
    return { buckets: BOUNDS.map((bound, i) => [bound, this.#counts[i] as number] as const), sum: this.#sum, count: this.#count };
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
