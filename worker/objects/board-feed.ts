import { logError } from '../log.ts';
import type { Change } from '../presence/index.ts';
import type { PresenceDocument } from '../protocol/index.ts';
import type { Board } from './board.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { joinSites } from './stale-sites.ts';
import { within } from './within.ts';

/** What is read of a user. */
export interface Reading {
  readonly document: PresenceDocument;
  /** The sites that reported the user, those of which nothing is live among them. */
  readonly reporters: readonly string[];
}

/** A state of one user on its way to the board, as JSON text. */
export interface BoardChange {
  readonly user: string;
  readonly version: number;
  readonly status: string;
  /** The presence document. */
  readonly text: string;
  /** Whether watchers are told. */
  readonly visible: boolean;
  /** The sites that ever reported the user, as `joinSites` writes them. */
  readonly sites?: string;
}

/** What whoever reported is to tell the user's board before the report counts as answered. */
export interface Handover {
  readonly board: string;
  readonly changes: readonly BoardChange[];
}

/** A change that is not known to have reached the board. */
interface Waiting {
  readonly change: BoardChange;
  /** The site in whose name it was handed over; undefined while this object has to tell the board itself. */
  handedTo: string | undefined;
}

/**
 * What a user's object still has to tell its board: in order, bounded, and tried again where it fails. What comes of a report is handed
 * over to the request that brought it, which tells a board of all the users of its batch at once; should it fail, or should the
 * object change by itself, the object tells its board itself. The board ignores what it has, so telling it twice is harmless.
 */
export class BoardFeed {
  readonly #boardOf: (name: string) => DurableObjectStub<Board>;
  #board = '';
  /** The board that listed the user under another number of shards, until it has forgotten them. */
  #former: string | undefined;
  #queue: Waiting[] = [];
  #sending: Promise<boolean> | undefined;
  #failures = 0;
  #retryAt: number | undefined;

  constructor(boardOf: (name: string) => DurableObjectStub<Board>) {
    this.#boardOf = boardOf;
  }

  /** When a board that failed is to be tried again, ms since 1970; undefined where none did. */
  get retryAt(): number | undefined {
    return this.#retryAt;
  }

  /** The board that listed the user before, and may do so still: it is the one to be remembered until it has forgotten them. */
  get former(): string | undefined {
    return this.#former;
  }

  /** The boards that may have heard of the user. */
  get boards(): string[] {
    return [this.#board, this.#former ?? ''].filter((board) => board !== '');
  }

  /** Nothing is to be told any more. */
  clear(): void {
    this.#queue = [];
    this.#former = undefined;
    this.#failures = 0;
    this.#retryAt = undefined;
  }

  /** After a reload: the newest state, which `told` may or may not have heard. */
  reload(told: string, board: string, reading: Reading): void {
    if (told !== board) this.#former = told;
    this.repeat(board, reading);
  }

  /** The newest state once more, where nothing waits: a report that changes nothing may be the repetition of one that was cut off. */
  repeat(board: string, reading: Reading): void {
    this.#board = board;
    if (this.#queue.length === 0) this.#queue = [{ change: boardChange(reading, true), handedTo: undefined }];
  }

  /** Puts changes in line. */
  add(board: string, changes: readonly Change[], reporters: readonly string[]): void {
    this.#board = board;
    for (const { document, entry } of changes) {
      this.#queue.push({ change: boardChange({ document, reporters }, entry !== undefined), handedTo: undefined });
    }
    if (this.#queue.length > OBJECT_LIMITS.boardQueue) this.#queue = this.#queue.slice(-OBJECT_LIMITS.boardQueue);
  }

  /** A site goes on to something new, so what it was handed has reached the board: it would have come again otherwise. */
  delivered(site: string): void {
    this.#queue = this.#queue.filter(({ handedTo }) => handedTo !== site);
  }

  /** Hands over all that waits; undefined where nothing does, or where this object has to see to it itself. */
  handOver(site: string): Handover | undefined {
    const own = this.#sending !== undefined || this.#retryAt !== undefined || this.#former !== undefined;
    if (own || this.#queue.length === 0) return undefined;
    for (const waiting of this.#queue) waiting.handedTo = site;
    return { board: this.#board, changes: this.#queue.map(({ change }) => change) };
  }

  /** What was handed over may not have arrived, and a board that failed may be tried again, whatever the wait was. */
  retry(): void {
    this.#retryAt = undefined;
    for (const waiting of this.#queue) waiting.handedTo = undefined;
  }

  /** Tells what nobody else does. Returns when that is done, or when it has to be tried later (`retryAt`). Never throws. */
  async send(): Promise<void> {
    while (this.#retryAt === undefined && this.#queue.some(({ handedTo }) => handedTo === undefined)) {
      this.#sending ??= this.#sendOnce().finally(() => {
        this.#sending = undefined;
      });
      if (!(await this.#sending)) return;
    }
  }

  async #sendOnce(): Promise<boolean> {
    const sent = new Set(this.#queue);
    const changes = this.#queue.map(({ change }) => change);
    const former = this.#former;
    const user = (changes[0] as BoardChange).user;
    try {
      await within(OBJECT_LIMITS.boardTimeout, this.#boardOf(this.#board).put(changes));
      if (former !== undefined) await within(OBJECT_LIMITS.boardTimeout, this.#boardOf(former).drop(user));
    } catch (error) {
      const wait = Math.min(OBJECT_LIMITS.boardRetryMin * 2 ** this.#failures++, OBJECT_LIMITS.boardRetryMax);
      this.#retryAt = Date.now() + wait;
      logError(`board ${this.#board} could not be told; tried again in ${wait} ms`, error);
      return false;
    }
    this.#queue = this.#queue.filter((waiting) => !sent.has(waiting));
    this.#former = undefined;
    this.#failures = 0;
    this.#retryAt = undefined;
    return true;
  }
}

/** A document on its way to the board. */
export function boardChange({ document, reporters }: Reading, visible: boolean): BoardChange {
  const { user, version, status } = document;
  return { user, version, status, text: JSON.stringify(document), visible, sites: joinSites(reporters) };
}
