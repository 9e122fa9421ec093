import type { Change } from '../presence/index.ts';
import type { PresenceDocument } from '../protocol/index.ts';
import type { Board } from './board.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { within } from './within.ts';

/** A state of one user on its way to the board, as JSON text. */
export interface BoardChange {
  readonly user: string;
  readonly version: number;
  readonly status: string;
  /** The presence document. */
  readonly text: string;
  /** Whether watchers are told. */
  readonly visible: boolean;
}

/** What a user's object still has to tell its board: in order, one request at a time, bounded, and tried again where it fails. */
export class BoardFeed {
  readonly #boards: DurableObjectNamespace<Board>;
  #board = '';
  /** The board that listed the user under another number of shards, until it has forgotten them. */
  #former: string | undefined;
  #queue: BoardChange[] = [];
  #sending: Promise<boolean> | undefined;
  #failures = 0;
  #retryAt: number | undefined;

  constructor(boards: DurableObjectNamespace<Board>) {
    this.#boards = boards;
  }

  /** When a board that failed is to be tried again, ms since 1970; undefined where none did. */
  get retryAt(): number | undefined {
    return this.#retryAt;
  }

  /** After a reload: the newest state, which `told` may or may not have heard. */
  repeat(told: string, board: string, document: PresenceDocument): void {
    this.#board = board;
    if (told !== board) this.#former = told;
    this.#queue = [boardChange(document, true)];
  }

  /** Puts changes in line. */
  add(board: string, changes: readonly Change[]): void {
    this.#board = board;
    for (const { document, entry } of changes) this.#queue.push(boardChange(document, entry !== undefined));
    if (this.#queue.length > OBJECT_LIMITS.boardQueue) this.#queue = this.#queue.slice(-OBJECT_LIMITS.boardQueue);
  }

  /** A board that failed may be tried again now, whatever the wait was. */
  retry(): void {
    this.#retryAt = undefined;
  }

  /** Sends what waits. Returns when nothing waits any more, or when it has to be tried later (`retryAt`). Never throws. */
  async send(): Promise<void> {
    while (this.#queue.length > 0 && this.#retryAt === undefined) {
      this.#sending ??= this.#sendOnce().finally(() => {
        this.#sending = undefined;
      });
      if (!(await this.#sending)) return;
    }
  }

  async #sendOnce(): Promise<boolean> {
    const sent = [...this.#queue];
    const former = this.#former;
    const user = (sent[0] as BoardChange).user;
    try {
      await within(OBJECT_LIMITS.boardTimeout, this.#boards.getByName(this.#board).put(sent));
      if (former !== undefined) await within(OBJECT_LIMITS.boardTimeout, this.#boards.getByName(former).drop(user));
    } catch (error) {
      const wait = Math.min(OBJECT_LIMITS.boardRetryMin * 2 ** this.#failures++, OBJECT_LIMITS.boardRetryMax);
      this.#retryAt = Date.now() + wait;
      console.error(`board ${this.#board} could not be told; tried again in ${wait} ms: ${error}`);
      return false;
    }
    this.#queue = this.#queue.filter((change) => !sent.includes(change));
    this.#former = undefined;
    this.#failures = 0;
    this.#retryAt = undefined;
    return true;
  }
}

function boardChange(document: PresenceDocument, visible: boolean): BoardChange {
  const { user, version, status } = document;
  return { user, version, status, text: JSON.stringify(document), visible };
}
