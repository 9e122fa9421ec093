import { own } from '../sip/own.ts';

/**
 * The calls that one source has begun and that are open: their INVITE waits for its final answer, or the call that it led to is followed. When
 * one ends is not told to anybody here; the list is looked through when it has grown to twice what it was, and at the cap.
 */
export class OpenCalls {
  readonly #calls = new Map<string, string>();
  #lookAt = 8;

  get size(): number {
    return this.#calls.size;
  }

  /** Takes up the INVITE of server transaction `id`; false, and nothing is kept, where `max` are open already. */
  add(id: string, callId: string, max: number, isOpen: (id: string, callId: string) => boolean): boolean {
    if (this.#calls.size >= Math.min(max, this.#lookAt)) {
      for (const [other, of] of this.#calls) if (!isOpen(other, of)) this.#calls.delete(other);
      this.#lookAt = 2 * this.#calls.size + 8;
    }
    if (this.#calls.size >= max) return false;
    this.#calls.set(own(id), own(callId));
    return true;
  }
}
