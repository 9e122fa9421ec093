import type { Flow } from '../transport.ts';

/** A message that was received and not looked at yet. */
export interface Waiting {
  readonly text: string;
  readonly flow: Flow;
}

/** Messages of strangers that are looked at in one turn of the event loop: a millisecond or two of work. */
const EACH_TURN = 8;

/**
 * Turns for those of whom nothing is known: only so many of their messages are looked at in one turn of the event loop, so that between
 * them the messages of registered phones and trusted peers, which never wait, are read from the sockets. What comes over one flow stays in
 * its order. Bounded: the newest is refused.
 */
export class Turns {
  readonly #waiting: Waiting[] = [];
  /** Index of the first that still waits. */
  #first = 0;
  readonly #flows = new Map<string, number>();
  readonly #max: number;
  #left = EACH_TURN;

  /** `max`: messages that wait. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#waiting.length - this.#first;
  }

  /** Nothing was looked at in this turn, and nothing waits: it need not be ended. */
  get idle(): boolean {
    return this.#left === EACH_TURN;
  }

  /** Is a message of a stranger looked at now, or does it wait, or is it refused as too many wait. */
  take(text: string, flow: Flow): 'now' | 'waits' | 'full' {
    if (this.size === 0 && this.#left > 0) {
      this.#left -= 1;
      return 'now';
    }
    return this.#wait(text, flow);
  }

  /** The same for who is known by now: he waits only behind what came from him before. */
  follow(text: string, flow: Flow): 'now' | 'waits' | 'full' {
    return this.size > 0 && this.#flows.has(keyOf(flow)) ? this.#wait(text, flow) : 'now';
  }

  /** The turn is over: what is to be looked at in the next, in the order in which it came. */
  next(): readonly Waiting[] {
    const due = this.#waiting.slice(this.#first, this.#first + EACH_TURN);
    for (const { flow } of due) {
      const key = keyOf(flow);
      const more = (this.#flows.get(key) ?? 1) - 1;
      if (more > 0) this.#flows.set(key, more);
      else this.#flows.delete(key);
    }
    this.#first += due.length;
    if (this.size === 0 || this.#first >= this.#max) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    this.#left = EACH_TURN - due.length;
    return due;
  }

  #wait(text: string, flow: Flow): 'waits' | 'full' {
    if (this.size >= this.#max) return 'full';
    const key = keyOf(flow);
    this.#flows.set(key, (this.#flows.get(key) ?? 0) + 1);
    this.#waiting.push({ text, flow });
    return 'waits';
  }
}

const keyOf = ({ transport, local, remote }: Flow): string =>
  `${transport} ${local.address} ${local.port} ${remote.address} ${remote.port}`;
