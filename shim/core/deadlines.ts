interface Entry<K> {
  readonly key: K;
  at: number;
  /** Rises with each `set`, so that deadlines of the same time come out in the order in which they were set. */
  order: number;
  /** Place in the heap. */
  place: number;
}

/**
 * Named deadlines: a binary heap with an index by key. Each key has at most one deadline, and clearing it frees its place at
 * once, so the heap is never larger than the number of keys set (bounded by whoever owns the keys). Times are ms of the
 * owner's clock. set and clear cost O(log n), next O(1).
 */
export class Deadlines<K = string> {
  readonly #entries = new Map<K, Entry<K>>();
  readonly #heap: Entry<K>[] = [];
  #order = 0;

  /** Number of deadlines set. */
  get size(): number {
    return this.#heap.length;
  }

  /** Sets or moves the deadline of `key`. */
  set(key: K, at: number): void {
    const found = this.#entries.get(key);
    if (found !== undefined) {
      found.at = at;
      found.order = this.#order++;
      this.#settle(found);
      return;
    }
    const entry: Entry<K> = { key, at, order: this.#order++, place: this.#heap.length };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
    this.#up(entry);
  }

  /** Forgets the deadline of `key`; true if there was one. */
  clear(key: K): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#remove(entry);
    return true;
  }

  /** Whether `key` has a deadline. */
  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** The deadline of `key`, if set. */
  get(key: K): number | undefined {
    return this.#entries.get(key)?.at;
  }

  /** The earliest deadline. */
  next(): number | undefined {
    return this.#heap[0]?.at;
  }

  /** Takes out the earliest key whose deadline is `now` or before. */
  take(now: number): K | undefined {
    const top = this.#heap[0];
    if (top === undefined || top.at > now) return undefined;
    this.#remove(top);
    return top.key;
  }

  /** Takes out every key whose deadline is `now` or before, earliest first. */
  expired(now: number): K[] {
    const keys: K[] = [];
    for (let top = this.#heap[0]; top !== undefined && top.at <= now; top = this.#heap[0]) {
      this.#remove(top);
      keys.push(top.key);
    }
    return keys;
  }

  #remove(entry: Entry<K>): void {
    this.#entries.delete(entry.key);
    const last = this.#heap.pop() as Entry<K>;
    if (last === entry) return;
    last.place = entry.place;
    this.#heap[last.place] = last;
    this.#settle(last);
  }

  #settle(entry: Entry<K>): void {
    this.#up(entry);
    this.#down(entry);
  }

  #up(entry: Entry<K>): void {
    while (entry.place > 0) {
      const above = this.#heap[(entry.place - 1) >> 1] as Entry<K>;
      if (!before(entry, above)) return;
      this.#swap(entry, above);
    }
  }

  #down(entry: Entry<K>): void {
    for (;;) {
      const left = this.#heap[2 * entry.place + 1];
      const right = this.#heap[2 * entry.place + 2];
      const least = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (least === undefined || !before(least, entry)) return;
      this.#swap(least, entry);
    }
  }

  #swap(a: Entry<K>, b: Entry<K>): void {
    const place = a.place;
    a.place = b.place;
    b.place = place;
    this.#heap[a.place] = a;
    this.#heap[b.place] = b;
  }
}

function before<K>(a: Entry<K>, b: Entry<K>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
