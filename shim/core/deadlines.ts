/** Something with a deadline, which knows its place among the others: what has many of them needs no index beside. */
export interface Due {
  /** The deadline, ms of the owner's clock. */
  dueAt: number;
  /** Rises with each `set`, so that deadlines of the same time come out in the order in which they were set. */
  order: number;
  /** Place in the heap; -1 where it has no deadline. */
  place: number;
}

/** What has no deadline yet. */
export const notDue = (): Due => ({ dueAt: 0, order: 0, place: -1 });

/** A binary heap of deadlines. set and clear cost O(log n), next O(1). */
export class DueHeap<T extends Due> {
  readonly #heap: T[] = [];
  #order = 0;

  /** Number of deadlines set. */
  get size(): number {
    return this.#heap.length;
  }

  /** Sets or moves a deadline. */
  set(due: T, at: number): void {
    due.dueAt = at;
    due.order = this.#order++;
    if (due.place >= 0) this.#settle(due);
    else {
      due.place = this.#heap.length;
      this.#heap.push(due);
      this.#up(due);
    }
  }

  /** Takes a deadline away; does nothing where there is none. */
  clear(due: T): void {
    if (due.place >= 0) this.#remove(due);
  }

  /** The earliest deadline. */
  next(): number | undefined {
    return this.#heap[0]?.dueAt;
  }

  /** Takes out the earliest whose deadline is `now` or before. */
  take(now: number): T | undefined {
    const top = this.#heap[0];
    if (top === undefined || top.dueAt > now) return undefined;
    this.#remove(top);
    return top;
  }

  /** Takes out all whose deadline is `now` or before, earliest first. */
  expired(now: number): T[] {
    const all: T[] = [];
    for (let due = this.take(now); due !== undefined; due = this.take(now)) all.push(due);
    return all;
  }

  #remove(due: T): void {
    const last = this.#heap.pop() as T;
    const { place } = due;
    due.place = -1;
    if (last === due) return;
    last.place = place;
    this.#heap[place] = last;
    this.#settle(last);
  }

  #settle(due: T): void {
    this.#up(due);
    this.#down(due);
  }

  /** What is above moves down into the hole until the place of `due` is found. */
  #up(due: T): void {
    const heap = this.#heap;
    let { place } = due;
    while (place > 0) {
      const above = heap[(place - 1) >> 1] as T;
      if (!before(due, above)) break;
      heap[place] = above;
      above.place = place;
      place = (place - 1) >> 1;
    }
    heap[place] = due;
    due.place = place;
  }

  #down(due: T): void {
    const heap = this.#heap;
    let { place } = due;
    for (;;) {
      const at = 2 * place + 1;
      const left = heap[at];
      if (left === undefined) break;
      const right = heap[at + 1];
      const least = right !== undefined && before(right, left) ? right : left;
      if (!before(least, due)) break;
      heap[place] = least;
      const hole = least.place;
      least.place = place;
      place = hole;
    }
    heap[place] = due;
    due.place = place;
  }
}

function before(a: Due, b: Due): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}

interface Entry<K> extends Due {
  readonly key: K;
}

/**
 * Named deadlines: a heap with an index by key. Each key has at most one deadline, and clearing it frees its place at
 * once, so the heap is never larger than the number of keys set (bounded by whoever owns the keys). Times are ms of the
 * owner's clock.
 */
export class Deadlines<K = string> {
  readonly #entries = new Map<K, Entry<K>>();
  readonly #heap = new DueHeap<Entry<K>>();

  /** Number of deadlines set. */
  get size(): number {
    return this.#heap.size;
  }

  /** Sets or moves the deadline of `key`. */
  set(key: K, at: number): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, ...notDue() };
      this.#entries.set(key, entry);
    }
    this.#heap.set(entry, at);
  }

  /** Forgets the deadline of `key`; true if there was one. */
  clear(key: K): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#heap.clear(entry);
    return true;
  }

  /** Whether `key` has a deadline. */
  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** The deadline of `key`, if set. */
  get(key: K): number | undefined {
    return this.#entries.get(key)?.dueAt;
  }

  /** The earliest deadline. */
  next(): number | undefined {
    return this.#heap.next();
  }

  /** Takes out the earliest key whose deadline is `now` or before. */
  take(now: number): K | undefined {
    const entry = this.#heap.take(now);
    if (entry === undefined) return undefined;
    this.#entries.delete(entry.key);
    return entry.key;
  }

  /** Takes out every key whose deadline is `now` or before, earliest first. */
  expired(now: number): K[] {
    const keys = this.#heap.expired(now).map(({ key }) => key);
    for (const key of keys) this.#entries.delete(key);
    return keys;
  }
}
