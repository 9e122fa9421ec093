import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import type { BoardChange, Handover } from '../objects/board-feed.ts';
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
  /** Set while those who are ready wait for the others. */
  patience: number | null;
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

  /** For a batch of users of these boards, each named once for each of its users: for each of them comes one `put` or one `pass`. */
  constructor(env: Env, boards: Iterable<string>) {
    this.#env = env;
    for (const board of boards) this.#line(board).awaited += 1;
  }

  /**
   * Tells of a user who was expected to be of that board, in order; whether a board has stored it. Their object names the board that is told, which may
   * be another one while a new number of boards is rolled out. Never rejects.
   */
  put(expected: string, { board, changes }: Handover): Promise<boolean> {
    return new Promise((resolve) => {
      const line = this.#line(board);
      line.parcels.push({ changes, resolve });
      this.pass(expected);
      if (isReady(line)) this.#send(board, line);
      else line.patience ??= setTimeout(() => this.#lose(board, line), ROUTE_LIMITS.boardWait);
    });
  }

  /** A user who was expected to be of that board has nothing more to tell it. */
  pass(expected: string): void {
    const line = this.#line(expected);
    line.awaited -= 1;
    if (isReady(line)) this.#send(expected, line);
  }

  #line(board: string): Line {
    const line = this.#lines.get(board) ?? { parcels: [], awaited: 0, patience: null, sending: false, failed: false };
    this.#lines.set(board, line);
    return line;
  }

  /** Nobody waits any longer. */
  #lose(board: string, line: Line): void {
    line.patience = null;
    this.#send(board, line);
  }

  /** Sends what is ready, and once that is stored what has become ready since, if it is much or all, or has waited. */
  #send(board: string, line: Line): void {
    if (!line.sending && line.parcels.length > 0) void this.#sendLine(board, line);
  }

  async #sendLine(board: string, line: Line): Promise<void> {
    line.sending = true;
    do {
      clearTimeout(line.patience);
      line.patience = null;
      const parcels = line.parcels.splice(0, fitting(line.parcels));
      const stored = await this.#tell(board, line, parcels);
      for (const { resolve } of parcels) resolve(stored);
    } while (isReady(line) || (line.parcels.length > 0 && line.patience === null));
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
