/** Names of four characters: the peer's hash adds a name up in words of four bytes, and longer ones would fall together in it. */
export const nameOf = (n: number): string =>
  n < 10_000
    ? String(n).padStart(4, '0')
    : `${String.fromCharCode(97 + Math.floor((n - 10_000) / 1000))}${String(n % 1000).padStart(3, '0')}`;

/** Users, the first half of whom calls the second: the nth caller the nth callee, in turn. */
export class Crowd {
  readonly names: readonly string[];
  readonly pairs: readonly (readonly [caller: string, callee: string])[];

  constructor(users: number) {
    this.names = Array.from({ length: users }, (_, n) => nameOf(n));
    const half = users / 2;
    this.pairs = Array.from({ length: half }, (_, n) => [nameOf(n), nameOf(n + half)] as const);
  }

  /** So many of them, callers and callees by halves, spread over all pairs. */
  watched(count: number): string[] {
    const step = this.pairs.length / (count / 2);
    return Array.from({ length: count / 2 }, (_, k) => [
      this.pairs[Math.floor(k * step)]?.[0] ?? '',
      this.pairs[Math.floor(k * step + step / 2)]?.[1] ?? '',
    ]).flat();
  }

  /** Those who took part in the last `last` of so many calls. */
  lastOf(calls: number, last: number): string[] {
    const found = new Set<string>();
    for (let n = Math.max(0, calls - last); n < calls; n++)
      for (const user of this.pairs[n % this.pairs.length] ?? []) found.add(user);
    return [...found];
  }

  /** For each user: the Call-IDs of those of `calls` calls in which that user takes part; SIPp numbers them from 1. */
  callsOf(users: readonly string[], calls: number, callId: (n: number) => string): Map<string, string[]> {
    const found = new Map<string, string[]>(users.map((user) => [user, []]));
    for (let n = 1; n <= calls; n++) {
      for (const user of this.pairs[(n - 1) % this.pairs.length] ?? []) found.get(user)?.push(callId(n));
    }
    return found;
  }
}
