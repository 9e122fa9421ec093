import { ROUTE_LIMITS } from './limits.ts';

/** Whether what waits for a client of server-sent events is too much: at once, or for too long. Sizes are bytes, times ms since 1970. */
export class Backlog {
  /** A snapshot, or what was missed: it was asked for. */
  #allowed: number;
  /** Since when more waits than the limit. */
  #since: number | undefined;

  constructor(allowed: number) {
    this.#allowed = allowed;
  }

  /** So much more may wait. */
  allow(size: number): void {
    this.#allowed += size;
  }

  /** Looks at what waits now. */
  isTooMuch(waiting: number, now: number): boolean {
    const { eventsUnread, eventsBurst, eventsWait } = ROUTE_LIMITS;
    if (waiting <= eventsUnread + this.#allowed) {
      this.#since = undefined;
      return false;
    }
    this.#since ??= now;
    return waiting > eventsBurst + this.#allowed || now - this.#since >= eventsWait;
  }
}
