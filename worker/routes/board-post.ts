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
  sending: boolean;
  failed: boolean;
}

/**
 * Tells the boards of what the users of one batch did. A board is told at once; what comes while a request to it is under way is
 * told together in the next, so that a hundred users cost a few requests.
 */
export class BoardPost {
  readonly #env: Env;
  readonly #lines = new Map<string, Line>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Tells a board of a user's changes, in order; whether it has stored them. Never rejects. */
  put(board: string, changes: readonly BoardChange[]): Promise<boolean> {
    return new Promise((resolve) => {
      const line = this.#lines.get(board) ?? { parcels: [], sending: false, failed: false };
      this.#lines.set(board, line);
      line.parcels.push({ changes, resolve });
      if (!line.sending) void this.#sendAll(board, line);
    });
  }

  async #sendAll(board: string, line: Line): Promise<void> {
    line.sending = true;
    while (line.parcels.length > 0) {
      const parcels = line.parcels.splice(0, fitting(line.parcels));
      const stored = await this.#send(board, line, parcels);
      for (const { resolve } of parcels) resolve(stored);
    }
    line.sending = false;
  }

  /** A board that failed is not waited for again: the users' objects will tell it. */
  async #send(board: string, line: Line, parcels: readonly Parcel[]): Promise<boolean> {
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
