import { own } from '../sip/index.ts';

/** What is remembered for a while, by name, at most so many: the oldest goes first. Times are ms. */
export class Memory<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();
  readonly #max: number;
  readonly #life: number;

  constructor(max: number, life: number) {
    this.#max = max;
    this.#life = life;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, now: number): T | undefined {
    const found = this.#entries.get(key);
    return found === undefined || found.until <= now ? undefined : found.value;
  }

  has(key: string, now: number): boolean {
    return this.get(key, now) !== undefined;
  }

  /** Remembers, from now on for the whole life of an entry. */
  set(key: string, value: T, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(own(key), { value, until: now + this.#life });
    // Entries stand in the order of their end: two go for each that comes, as far as they are over.
    let looked = 0;
    for (const [old, { until }] of this.#entries) {
      if (until > now && this.#entries.size <= this.#max) return;
      this.#entries.delete(old);
      if (++looked === 2 && this.#entries.size <= this.#max) return;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** Takes out what is over, oldest first. */
  expired(now: number): T[] {
    const over: T[] = [];
    for (const [key, { value, until }] of this.#entries) {
      if (until > now) break;
      this.#entries.delete(key);
      over.push(value);
    }
    return over;
  }

  /** When the first entry is over. */
  nextDeadline(): number | undefined {
    for (const { until } of this.#entries.values()) return until;
    return undefined;
  }
}
