import type { Counters } from '../bench/price.ts';

/** What one object is asked in each second of the time that is played. */
export class Seconds {
  readonly #from: number;
  readonly #counts: Uint16Array;

  /** From and to in ms; what comes before or after is not counted. */
  constructor(from: number, to: number) {
    this.#from = from;
    this.#counts = new Uint16Array(Math.ceil((to - from) / 1000));
  }

  add(at: number, by = 1): void {
    const second = Math.floor((at - this.#from) / 1000);
    const count = this.#counts[second];
    if (count !== undefined) this.#counts[second] = count + by;
  }

  /** The most in any second. */
  get most(): number {
    return this.#counts.reduce((most, count) => Math.max(most, count), 0);
  }

  /** Totals of each `seconds` in a row. */
  sums(seconds: number): number[] {
    const sums = new Array<number>(Math.ceil(this.#counts.length / seconds)).fill(0);
    this.#counts.forEach((count, second) => {
      const at = Math.floor(second / seconds);
      sums[at] = (sums[at] ?? 0) + count;
    });
    return sums;
  }

  /** The most in any second of each `seconds` in a row. */
  peaks(seconds: number): number[] {
    const peaks = new Array<number>(Math.ceil(this.#counts.length / seconds)).fill(0);
    this.#counts.forEach((count, second) => {
      const at = Math.floor(second / seconds);
      peaks[at] = Math.max(peaks[at] ?? 0, count);
    });
    return peaks;
  }
}

/** The most that one of many objects, which are not kept apart for long, is asked in a second: the same object's requests come in the order of time. */
export class Busiest {
  readonly #now = new Map<string, { second: number; count: number }>();
  most = 0;

  add(name: string, at: number): void {
    const second = Math.floor(at / 1000);
    const known = this.#now.get(name);
    if (known?.second === second) known.count += 1;
    else this.#now.set(name, { second, count: 1 });
    this.most = Math.max(this.most, this.#now.get(name)?.count ?? 0);
  }
}

/** What is asked on behalf of one site: counters as the bench has them (`Counters`), from a moment on, and how much of it at once. */
export class Tally {
  readonly counters: Counters = {};
  /** The user's object and the site's object that is asked most in a second. */
  readonly user = new Busiest();
  readonly site = new Busiest();
  /** When requests came to the Worker, and reads of revoked tokens to the access object, ms. */
  readonly requests: number[] = [];
  readonly reads: number[] = [];
  /** Nothing is counted before, ms. */
  readonly from: number;

  constructor(from: number) {
    this.from = from;
  }

  count(name: string, at: number, by = 1): void {
    if (at >= this.from && by !== 0) this.counters[name] = (this.counters[name] ?? 0) + by;
  }

  /** An object of that class and name, or the Worker itself, is asked. */
  ask(what: 'worker' | 'access' | 'user' | 'site', name: string, at: number): void {
    this.count(`${what} requests`, at);
    if (at < this.from) return;
    if (what === 'worker') this.requests.push(at);
    else if (what === 'access') this.reads.push(at);
    else this[what].add(name, at);
  }
}

/** The sum of counters of several tallies, each so many times. */
export function added(parts: readonly (readonly [counters: Counters, times: number])[]): Counters {
  const sum: Counters = {};
  for (const [counters, times] of parts) {
    for (const [name, value] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + value * times;
  }
  return sum;
}
