/**
 * A map for what is asked for a while after it was last used, and then never again: `age` drops what was neither set nor read since the call of
 * `age` before. So it stays bounded by what happens between two calls.
 */
export class AgedMap<K, V> {
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): this {
    this.#old.delete(key);
    this.#young.set(key, value);
    return this;
  }

  /** Drops what was not used since the last call. */
  age(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}
