import type { Asker } from './asker.ts';
import { Follower } from './follower.ts';
import type { WebSocketLike, WithSignal } from './options.ts';
import type { OffhookProblem } from './problem.ts';
import type { WatchCondition, WatchEvent, Watched } from './watch-types.ts';

export interface WatchOptions extends WithSignal {
  /** The cursor of the last event that was taken, of this watch or an earlier one: goes on after it. */
  readonly since?: string;
  /** Told how the watch stands, whenever that changes: while it is `lost`, what was told last may be old. */
  readonly onState?: (condition: WatchCondition) => void;
}

/**
 * A watch: `for await (const event of client.watch(...))`. It connects when it is first asked for an event, connects again whenever it is cut off, and goes on where it was.
 * It ends when the loop is left, with `close()`, or with the signal; it throws `OffhookProblem` where the Worker refuses it. It is read once.
 */
export interface Watch extends AsyncIterable<WatchEvent> {
  /** Tries again now, where it is waiting to: for `online` events of a browser, say. */
  retry(): void;
  /** Ends it: the loop ends once what came before has been taken. */
  close(): void;
}

/** A watch as it is read: a queue between the follower and the loop. */
export class WatchLoop implements Watch {
  readonly #queue = new Queue();
  readonly #follower: Follower;
  readonly #signal: AbortSignal | undefined;
  #begun = false;

  constructor(asker: Asker, watched: Watched, socket: WebSocketLike | null, { since, signal, onState }: WatchOptions) {
    const queue = this.#queue;
    this.#signal = signal;
    this.#follower = new Follower(asker, watched, since, socket, {
      tell: (event) => queue.push({ event }),
      acknowledge: (ack) => queue.push({ ack }),
      condition: (condition) => onState?.(condition),
      failed: (problem) => queue.end(problem),
      isTaken: () => queue.isEmpty,
    });
  }

  retry(): void {
    this.#follower.retry();
  }

  close(): void {
    this.#follower.stop();
    this.#queue.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, void> {
    if (this.#begun) throw new TypeError('a watch is read once: make another');
    this.#begun = true;
    const stop = () => this.close();
    this.#signal?.addEventListener('abort', stop, { once: true });
    if (this.#signal?.aborted) stop();
    this.#follower.start();
    try {
      for (;;) {
        const item = this.#queue.take();
        if (item === undefined) {
          this.#follower.taken();
          if (!(await this.#queue.more())) return;
        } else if ('ack' in item) item.ack();
        else yield item.event;
      }
    } finally {
      this.#signal?.removeEventListener('abort', stop);
      this.close();
    }
  }
}

type Item = { readonly event: WatchEvent } | { readonly ack: () => void };

/**
 * What is told and not taken yet. It is bounded by the Worker: what is not acknowledged beyond 8 MiB is cut off, and before it connects again all of
 * it has to be taken (docs/watching.md, "Who reads too slowly").
 */
class Queue {
  #items: Item[] = [];
  #first = 0;
  #over = false;
  #problem: OffhookProblem | undefined;
  #wake: () => void = () => {};

  get isEmpty(): boolean {
    return this.#first === this.#items.length;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#wake();
  }

  take(): Item | undefined {
    if (!this.isEmpty) return this.#items[this.#first++];
    this.#items = [];
    this.#first = 0;
    return undefined;
  }

  end(problem?: OffhookProblem): void {
    this.#over = true;
    this.#problem ??= problem;
    this.#wake();
  }

  /** Resolves when there is something, or nothing will come any more (false); throws the problem that ended it. */
  async more(): Promise<boolean> {
    if (this.isEmpty && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (!this.isEmpty) return true;
    if (this.#problem !== undefined) throw this.#problem;
    return !this.#over;
  }
}
