import { ACCESS_LIMITS, Revocations } from '../access/index.ts';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { accessObject } from './access.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { Opener } from './opener.ts';
import { within } from './within.ts';

/** What a sweep has to know of a watch. */
export interface Swept {
  readonly socket: WebSocket;
  /** When the token ends, ms since 1970; null where it does not. */
  readonly until: number | null;
  /** Whose it is; undefined for one that was opened before this was noted. */
  readonly opener?: Opener | undefined;
}

/** Calls `alarm` of whoever sweeps at `at`, ms since 1970, at the latest. */
interface Alarm {
  arm(at: number): void;
}

/** Closes a socket with a code of RFC 6455 7.4.1 and a reason. */
type Close = (socket: WebSocket, code: number, reason: string) => void;

/**
 * Closes the watches of an object (a board, a list server) whose token was revoked or has expired. The access object is told that it is watched, and says when
 * something is revoked, so nobody has to look from time to time. An alarm looks once after a watch was opened (its token may have been revoked a
 * moment before), and when the next token expires.
 */
export class WatchSweep {
  readonly #env: Env;
  readonly #alarm: Alarm;
  readonly #watches: () => readonly Swept[];
  readonly #close: Close;
  readonly #revoked = new Revocations();
  /** When it is to look, ms since 1970; undefined after a loss of memory: then at once. */
  #due: number | undefined;

  /** `watches`: those that are open. */
  constructor(env: Env, alarm: Alarm, watches: () => readonly Swept[], close: Close) {
    this.#env = env;
    this.#alarm = alarm;
    this.#watches = watches;
    this.#close = close;
  }

  /** A watch was opened. */
  opened(now: number): void {
    this.#plan(Math.min(this.#due ?? Infinity, now + ACCESS_LIMITS.sweepAfterOpening));
  }

  /** The alarm went off, for whatever reason. Never throws. */
  async alarm(now: number): Promise<void> {
    if (this.#due !== undefined && this.#due > now) {
      this.#plan(this.#due);
      return;
    }
    try {
      await this.sweep(now);
    } catch (error) {
      logError('a board or list server could not read the list of revoked tokens', error);
      this.#plan(now + ACCESS_LIMITS.sweepRetry);
    }
  }

  /**
   * Closes what is to be closed; how many watches stay. Rejects where the list of revoked tokens cannot be read: those of tokens that have
   * expired are closed even so.
   */
  async sweep(now: number): Promise<number> {
    this.#expire(now);
    const board = this.#watches().find(({ opener }) => opener !== undefined)?.opener?.board;
    if (board !== undefined) {
      const read = accessObject(this.#env).watched(board, this.#revoked.seq);
      this.#revoked.add(await within(OBJECT_LIMITS.boardTimeout, read), now);
    }
    let [left, next] = [0, Infinity];
    for (const { socket, until, opener } of this.#watches()) {
      if (opener !== undefined && this.#revoked.has(opener)) this.#close(socket, 1008, 'the token was revoked');
      else {
        left += 1;
        next = Math.min(next, until ?? Infinity);
      }
    }
    this.#plan(next);
    return left;
  }

  #expire(now: number): void {
    for (const { socket, until } of this.#watches()) {
      if (until !== null && until <= now) this.#close(socket, 1008, 'the token has expired');
    }
  }

  #plan(due: number): void {
    this.#due = due;
    if (due !== Infinity) this.#alarm.arm(due);
  }
}

/** The watches of an object whose sockets sleep with it, by their attachments. */
export function sleepingWatches(ctx: DurableObjectState): Swept[] {
  return ctx.getWebSockets().flatMap((socket) => {
    const watch = socket.deserializeAttachment() as Omit<Swept, 'socket'> | null;
    return watch === null ? [] : [{ ...watch, socket }];
  });
}
