import { own } from './sip/own.ts';

/**
 * What was worked out lately of short texts, for work that is pure and asked for again and again with the same text: two generations, the
 * older of which is forgotten when the younger is full. Holds twice `max` at most.
 */
export class Recent<V> {
  readonly #work: (text: string) => V;
  readonly #max: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** `max`: texts of one generation. `work` is given a text that it may keep: one with memory of its own. */
  constructor(work: (text: string) => V, max: number) {
    this.#work = work;
    this.#max = max;
  }

  /** The same as `work(text)`, which is not done where it was done lately. */
  of(text: string): V {
    const found = this.#young.get(text);
    if (found !== undefined) return found;
    if (text.length > LONGEST) return this.#work(text);
    const kept = own(text);
    const value = this.#old.get(text) ?? this.#work(kept);
    // What comes to nothing is not worth a place.
    if (value !== undefined) this.#keep(kept, value);
    return value;
  }

  #keep(text: string, value: V): void {
    if (this.#young.size >= this.#max) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, value);
  }
}

/** Longer texts are worked out each time, characters: what is kept stays small. */
const LONGEST = 256;
