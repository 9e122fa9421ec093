/** How far a call is, as a watcher was told. */
export type CallState = 'early' | 'up' | 'over';

/** Calls that a watcher should have seen from answer to end, and did not. */
export interface Missing {
  readonly expected: number;
  /** Never seen as up. */
  readonly up: number;
  /** Never seen to end. */
  readonly over: number;
}

/** What a watcher was told of some users, by Call-ID. */
export class Sightings {
  /** Called where a user is seen in a call that is up, for the first time. */
  onUp: (user: string, callId: string) => void = () => {};
  readonly #waiting = new Set<() => void>();
  readonly #up = new Map<string, Set<string>>();
  readonly #over = new Map<string, Set<string>>();
  readonly #now = new Map<string, ReadonlyMap<string, CallState>>();
  readonly #registered = new Map<string, boolean>();

  /** All calls of a user as told now; a call that was told before and is not any more is over. */
  calls(user: string, told: ReadonlyMap<string, CallState>): void {
    const before = this.#now.get(user);
    this.#now.set(user, told);
    for (const [callId, state] of told) {
      if (state === 'up' && noted(this.#up, user, callId)) this.onUp(user, callId);
      if (state === 'over') noted(this.#over, user, callId);
    }
    for (const callId of before?.keys() ?? []) if (!told.has(callId)) noted(this.#over, user, callId);
    for (const look of this.#waiting) look();
  }

  registered(user: string, is: boolean): void {
    this.#registered.set(user, is);
    for (const look of this.#waiting) look();
  }

  /** Looks with everything that is told. Resolves with the moment (`performance.now`) in which it is so, undefined where it is not within so many ms. */
  async moment(is: () => boolean, within: number): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const look = () => {
      if (is()) resolve(performance.now());
    };
    const timer = setTimeout(() => resolve(undefined), Math.max(0, within));
    this.#waiting.add(look);
    look();
    const found = await promise;
    this.#waiting.delete(look);
    clearTimeout(timer);
    return found;
  }

  isRegistered(user: string): boolean {
    return this.#registered.get(user) ?? false;
  }

  /** Whether the user was last told to be in a call that is up. */
  isTalking(user: string): boolean {
    return [...(this.#now.get(user)?.values() ?? [])].includes('up');
  }

  /** Users who were last told to be in a call, and in which state it is; of calls whose Call-ID begins so alone. */
  busy(prefix = ''): string[] {
    return [...this.#now].flatMap(([user, calls]) =>
      [...calls]
        .filter(([callId, state]) => state !== 'over' && callId.startsWith(prefix))
        .map(([, state]) => `${user} ${state}`),
    );
  }

  missing(expected: ReadonlyMap<string, readonly string[]>): Missing {
    const pairs = [...expected].flatMap(([user, calls]) => calls.map((callId) => [user, callId] as const));
    const without = (seen: Map<string, Set<string>>) => pairs.filter(([user, callId]) => !seen.get(user)?.has(callId)).length;
    return { expected: pairs.length, up: without(this.#up), over: without(this.#over) };
  }

  /** Forgets the calls seen so far; how users are now stays. */
  forget(): void {
    this.#up.clear();
    this.#over.clear();
  }
}

/** Notes a call; true for the first time. */
function noted(seen: Map<string, Set<string>>, user: string, callId: string): boolean {
  const calls = seen.get(user) ?? new Set();
  if (calls.has(callId)) return false;
  seen.set(user, calls.add(callId));
  return true;
}
