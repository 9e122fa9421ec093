import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import type { BoardChange } from '../objects/board-feed.ts';
import { OBJECT_LIMITS } from '../objects/limits.ts';
import { boardObject } from '../objects/places.ts';
import { within } from '../objects/within.ts';
import { ROUTE_LIMITS } from './limits.ts';

interface Parcel {
  readonly changes: readonly BoardChange[];
  readonly resolve: (stored: boolean) => void;
}

interface Line {
  readonly parcels: Parcel[];
  /** Users of whom it is not known yet what they have to tell this board. */
  awaited: number;
  sending: boolean;
  failed: boolean;
}

/**
 * Tells the boards of what the users of one batch did. Each request costs a board a commit, so what its users have to tell goes together, in as few
 * as possible; who is ready waits for the others of the same board for a moment at most.
 */
export class BoardPost {
  readonly #env: Env;
  readonly #lines = new Map<string, Line>();
  #patience: number | null = null;

  /** For a batch of users of these boards, each named once for each of its users: for each of them comes one `put` or one `pass`. */
  constructor(env: Env, boards: Iterable<string>) {
    this.#env = env;
    for (const board of boards) this.#line(board).awaited += 1;
  }

  /** Tells a board of a user's changes, in order; whether it has stored them. Never rejects. */
  put(board: string, changes: readonly BoardChange[]): Promise<boolean> {
    return new Promise((resolve) => {
      const line = this.#line(board);
      line.parcels.push({ changes, resolve });
      line.awaited -= 1;
      if (isReady(line)) this.#send(board, line);
      else this.#patience ??= setTimeout(() => this.#sendAll(), ROUTE_LIMITS.boardWait);
    });
  }

  /** A user of that board has nothing to tell. */
  pass(board: string): void {
    const line = this.#line(board);
    line.awaited -= 1;
    if (isReady(line)) this.#send(board, line);
  }

  #line(board: string): Line {
    const line = this.#lines.get(board) ?? { parcels: [], awaited: 0, sending: false, failed: false };
    this.#lines.set(board, line);
    return line;
  }

  #sendAll(): void {
    this.#patience = null;
    for (const [board, line] of this.#lines) this.#send(board, line);
  }

  /** Sends what is ready, and once that is stored what has become ready since, if it is much or all. */
  #send(board: string, line: Line): void {
    if (!line.sending && line.parcels.length > 0) void this.#sendLine(board, line);
  }

  async #sendLine(board: string, line: Line): Promise<void> {
    line.sending = true;
    do {
      const parcels = line.parcels.splice(0, fitting(line.parcels));
      const stored = await this.#tell(board, line, parcels);
      for (const { resolve } of parcels) resolve(stored);
    } while (isReady(line) || (line.parcels.length > 0 && this.#patience === null));
    line.sending = false;
  }

  /** A board that failed is not waited for again: the users' objects will tell it. */
  async #tell(board: string, line: Line, parcels: readonly Parcel[]): Promise<boolean> {
    if (line.failed) return false;
    try {
      const changes = parcels.flatMap((parcel) => parcel.changes);
      await within(OBJECT_LIMITS.boardTimeout, boardObject(this.#env, board).put(changes));
      return true;
    } catch (error) {
      line.failed = true;
      logError(`board ${board} could not be told of a batch`, error);
      return false;
    }
  }
}

/** Whether there is something to send that need not wait for more. */
function isReady({ parcels, awaited }: Line): boolean {
  return parcels.length >= ROUTE_LIMITS.boardGather || (parcels.length > 0 && awaited <= 0);
}

/** How many of the parcels go into one request: at least one, and no more text than the limit. */
function fitting(parcels: readonly Parcel[]): number {
  let size = 0;
  let count = 0;
  for (const { changes } of parcels) {
    for (const { text } of changes) size += text.length;
    if (count > 0 && size > ROUTE_LIMITS.boardText) break;
    count += 1;
  }
  return count;
}
