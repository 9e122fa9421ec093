import { logError } from '../log.ts';
import type { Board } from './board.ts';
import type { Hook } from './hook.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { Forgotten, UserStore } from './user-store.ts';
import { within } from './within.ts';

/**
 * The deletion of a user's data: at once from their object, then from the boards that may list them, and their webhooks; and from these once more when no request can
 * be under way any more that would put them back. What is left to do is stored, so that a restart does not lose it.
 */
export class Deletion {
  readonly #board: (name: string) => DurableObjectStub<Board>;
  readonly #hook: (id: string) => DurableObjectStub<Hook> | undefined;
  readonly #store: UserStore;
  #forgotten: Forgotten | undefined;
  #due: number | undefined;

  constructor(
    board: (name: string) => DurableObjectStub<Board>,
    hook: (id: string) => DurableObjectStub<Hook> | undefined,
    store: UserStore,
  ) {
    this.#board = board;
    this.#hook = hook;
    this.#store = store;
    this.#forgotten = store.forgotten();
    // Whether the boards heard of it before memory was lost is not known.
    this.#due = this.#forgotten?.leftover ? Date.now() : undefined;
  }

  /** The version above which those of the user begin who comes after. */
  get floor(): number {
    return this.#forgotten?.version ?? 0;
  }

  /** When something is left to do, ms since 1970. */
  get due(): number | undefined {
    return this.#due;
  }

  /** Deletes what is stored of a user whose document was of `version`. */
  begin(user: string, version: number, boards: ReadonlySet<string>, now: number): void {
    this.#forgotten = { version, leftover: { user, boards: [...boards], until: now + OBJECT_LIMITS.dropAgain } };
    this.#store.forget(this.#forgotten);
    this.#due = now;
  }

  /** Takes the user off the boards, where that is left to do; whether they all have done it. */
  async sweep(now: number): Promise<boolean> {
    const { version = 0, leftover = null } = this.#forgotten ?? {};
    if (leftover === null) return true;
    const { user, boards, until } = leftover;
    try {
      await Promise.all(boards.map((board) => this.#takeOff(board, user, version)));
    } catch (error) {
      this.#due = now + OBJECT_LIMITS.dropRetry;
      logError('a board could not be told of a deletion; it is told again', error);
      return false;
    }
    // Another deletion may have begun meanwhile.
    if (this.#forgotten?.leftover !== leftover) return true;
    this.#due = now < until ? until : undefined;
    if (this.#due === undefined) {
      this.#store.clearLeftover();
      this.#forgotten = { version, leftover: null };
    }
    return true;
  }

  /** Off a board, and out of what its webhooks have waiting or keep for a replay. */
  async #takeOff(board: string, user: string, through: number): Promise<void> {
    const hooks = await within(OBJECT_LIMITS.boardTimeout, this.#board(board).forget(user, through));
    await Promise.all(hooks.map((id) => this.#forgetIn(id, user, through)));
  }

  async #forgetIn(id: string, user: string, through: number): Promise<void> {
    const hook = this.#hook(id);
    if (hook !== undefined) await within(OBJECT_LIMITS.boardTimeout, hook.forgetUser(user, through));
  }
}
