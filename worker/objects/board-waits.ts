import type { PresenceDocument, Status } from '../protocol/index.ts';
import type { BoardStore } from './board-store.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { News, NewsSubscriber } from './news.ts';

interface Waiter {
  /** Of the token that waits; undefined where it has none. */
  readonly jti: string | undefined;
  readonly statuses: readonly Status[];
  readonly resolve: (text: string | null) => void;
}

/** Requests that wait until a user's status is one of some: held in memory alone, since whoever asked is there, and asks again when the board was lost. */
export class BoardWaits implements NewsSubscriber {
  readonly #board: BoardStore;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #count = 0;

  constructor(board: BoardStore) {
    this.#board = board;
  }

  /** The document (JSON) with which it is so, now or within `ms`; null where the time passes. Undefined where there is no room for one more, at all or of that token. */
  async wait(user: string, statuses: readonly Status[], ms: number, jti?: string): Promise<string | null | undefined> {
    const text = this.#board.get(user);
    if (text !== undefined && fulfils(text, statuses)) return text;
    if (this.#isFull(jti)) return undefined;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const waiter = { jti, statuses, resolve };
    this.#add(user, waiter);
    const timer = setTimeout(() => resolve(null), ms);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#remove(user, waiter);
    }
  }

  tell(news: readonly News[]): void {
    for (const { user, text } of news) {
      for (const { statuses, resolve } of this.#waiters.get(user) ?? []) if (fulfils(text, statuses)) resolve(text);
    }
  }

  #isFull(jti: string | undefined): boolean {
    if (this.#count >= OBJECT_LIMITS.waiters) return true;
    if (jti === undefined) return false;
    let own = 0;
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) if (waiter.jti === jti) own += 1;
    return own >= OBJECT_LIMITS.waitersByToken;
  }

  #add(user: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(user) ?? new Set();
    this.#waiters.set(user, waiters.add(waiter));
    this.#count++;
  }

  #remove(user: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(user);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(user);
    this.#count--;
  }
}

/** What may be old fulfils nothing. */
function fulfils(text: string, statuses: readonly Status[]): boolean {
  const { status, stale } = JSON.parse(text) as PresenceDocument;
  return !stale && statuses.includes(status);
}
