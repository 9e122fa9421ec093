/** A message as it was seen on its way between two others. */
export interface Observed {
  /** The message: a byte string. */
  readonly text: string;
  readonly transport: 'udp' | 'tcp';
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
  /** When it was seen, ms since 1970 by the clock of whoever saw it: good for telling which of two came first, and for nothing else. */
  readonly at: number;
}

/**
 * Mirrored messages come by datagrams, and may overtake each other. Each is held for a moment, and what was seen before it and comes in
 * that moment goes before it. Senders whose clocks differ by more than that moment are not put in order, and need not be: what comes in
 * the wrong order for good is put right by the deadlines of calls.
 */
export class Reorder {
  readonly #window: number;
  readonly #max: number;
  /** By `at`, and where that is the same by arrival. */
  readonly #held: { readonly observed: Observed; readonly release: number }[] = [];

  /** `window` in ms; `max` messages are held, one more lets the first go at once. */
  constructor(window: number, max: number) {
    this.#window = window;
    this.#max = max;
  }

  get size(): number {
    return this.#held.length;
  }

  /** Takes a message; returns those that must go on at once. */
  add(observed: Observed, now: number): Observed[] {
    if (this.#window === 0) return [observed];
    let at = this.#held.length;
    while (at > 0 && (this.#held[at - 1] as { observed: Observed }).observed.at > observed.at) at--;
    this.#held.splice(at, 0, { observed, release: now + this.#window });
    return this.#held.length > this.#max ? this.#held.splice(0, 1).map((one) => one.observed) : [];
  }

  /** Those whose moment is over, and what was seen before them. */
  due(now: number): Observed[] {
    const last = this.#held.findLastIndex(({ release }) => release <= now);
    return this.#held.splice(0, last + 1).map(({ observed }) => observed);
  }

  nextDeadline(): number | undefined {
    let next: number | undefined;
    // The first one to arrive is due first; it stands near the front.
    for (const { release } of this.#held.slice(0, 64)) if (next === undefined || release < next) next = release;
    return next;
  }
}
