import { OBJECT_LIMITS } from './limits.ts';

/**
 * How much a watcher was sent that it may not have read, in characters. A WebSocket here does not say what waits in it, so the watcher is
 * asked: a `check` frame stands in line behind what it was sent, and its answer `ack` says that everything before has been read. Times are
 * ms since 1970.
 */
export class Unread {
  #size = 0;
  /** The question that is not answered yet: when it was asked, and what was sent after it. */
  #question: { readonly at: number; after: number } | undefined;
  /** The snapshot, or what was missed, is more than the limit at times, and was asked for. */
  #allowed = 0;

  get size(): number {
    return this.#size;
  }

  /** So much more may wait: a snapshot, or what was missed. */
  allow(size: number): void {
    this.#allowed += size;
  }

  /** Counts what is sent. */
  sent(size: number): void {
    this.#size += size;
    if (this.#question !== undefined) this.#question.after += size;
  }

  /** Whether the watcher is to be asked now; if so, the question counts as asked. */
  ask(now: number): boolean {
    if (this.#question !== undefined || this.#size < OBJECT_LIMITS.watcherAsk) return false;
    this.#question = { at: now, after: 0 };
    return true;
  }

  /** Whether a question has not been answered for so long that the watcher cannot be reading. */
  isLate(now: number): boolean {
    return this.#question !== undefined && now - this.#question.at >= OBJECT_LIMITS.watcherAnswer;
  }

  /** Whether it is more than is kept: for one who does not answer, and for one who may not have had the time to, as in a burst. */
  isTooMuch(now: number): boolean {
    const { watcherUnread, watcherBurst } = OBJECT_LIMITS;
    return this.#size > this.#allowed + (this.isLate(now) ? watcherUnread : watcherBurst);
  }

  /** The answer. Whether there was a question: after a loss of memory there may have been one all the same. */
  acknowledged(): boolean {
    if (this.#question === undefined) return false;
    this.#size = this.#question.after;
    this.#question = undefined;
    this.#allowed = 0;
    return true;
  }
}
