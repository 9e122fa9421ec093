import type { Env } from '../env.ts';
import type { HookRecord } from '../hooks/index.ts';
import { logError } from '../log.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { boardObject } from './places.ts';
import { boardOf, boardsOf, shardCount } from './shard.ts';
import { within } from './within.ts';

/** What boards said to a webhook that asked to be told of changes. */
export interface Attached {
  /** A board has no room for it. */
  readonly full: boolean;
  /** Newest documents of the users of a watch, JSON. */
  readonly current: readonly string[];
}

/** The boards that tell a webhook of changes. */
export class HookBoards {
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Has the boards tell it of changes; those that do already go on. A board that cannot be reached is told by the upkeep, or by a later try. */
  async attach(record: HookRecord): Promise<Attached> {
    const { id, kind } = record;
    const answers = await Promise.all(
      [...this.#boards(record)].map(async ([board, users]) => {
        const object = boardObject(this.#env, board);
        return within(OBJECT_LIMITS.boardTimeout, object.attachHook({ id, board, kind, users }));
      }),
    );
    return { full: answers.includes(null), current: answers.flatMap((answer) => answer ?? []) };
  }

  /** Has the boards forget it; whether all have. */
  async detach(record: HookRecord): Promise<boolean> {
    try {
      const detach = (board: string) => within(OBJECT_LIMITS.boardTimeout, boardObject(this.#env, board).detachHook(record.id));
      await Promise.all([...this.#boards(record).keys()].map(detach));
      return true;
    } catch (error) {
      logError('a board could not be told to forget a webhook', error);
      return false;
    }
  }

  /** The boards, each with the users it is asked for (null for all). The first board of a domain lists all webhooks of it. */
  #boards({ kind, domain, users }: HookRecord): Map<string, string[] | null> {
    const shards = shardCount(this.#env.BOARD_SHARDS);
    const all = boardsOf(domain, shards);
    if (users === null) return new Map(all.map((board) => [board, null]));
    const boards = new Map<string, string[]>(kind === 'webhook' ? [[all[0] as string, []]] : []);
    for (const user of users) {
      const board = boardOf(user, shards);
      boards.set(board, [...(boards.get(board) ?? []), user]);
    }
    return boards;
  }
}
