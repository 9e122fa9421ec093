import { OBJECT_LIMITS } from './limits.ts';

/**
 * How much a watcher was sent that it may not have read, in characters. A WebSocket here does not say what waits in it, so the watcher is
 * asked: a `check` frame stands in line behind what it was sent, and its answer `ack` says that everything before has been read.
 */
export class Unread {
  #size = 0;
  /** Sent after the question that is not answered yet; undefined where none is out. */
  #afterCheck: number | undefined;
  /** The snapshot, or what was missed, is more than the limit at times, and was asked for. */
  #allowed = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether it is more than is kept for one watcher. */
  get tooMuch(): boolean {
    return this.#size > this.#allowed + OBJECT_LIMITS.watcherUnread;
  }

  /** So much more may wait: a snapshot, or what was missed. */
  allow(size: number): void {
    this.#allowed += size;
  }

  /** Counts what is sent. */
  sent(size: number): void {
    this.#size += size;
    if (this.#afterCheck !== undefined) this.#afterCheck += size;
  }

  /** Whether the watcher is to be asked now; if so, the question counts as out. */
  ask(): boolean {
    if (this.#afterCheck !== undefined || this.#size < OBJECT_LIMITS.watcherAsk) return false;
    this.#afterCheck = 0;
    return true;
  }

  /** The answer. Whether there was a question: after a loss of memory there may have been one all the same. */
  acknowledged(): boolean {
    if (this.#afterCheck === undefined) return false;
    this.#size = this.#afterCheck;
    this.#afterCheck = undefined;
    this.#allowed = 0;
    return true;
  }
}
