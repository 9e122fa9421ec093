import type { Env } from '../env.ts';
import { HOOK_LIMITS } from '../hooks/index.ts';
import { logError } from '../log.ts';
import type { PresenceDocument } from '../protocol/index.ts';
import type { BoardAlarm } from './board-alarm.ts';
import { BoardHookStore, type HookSubscription } from './board-hook-store.ts';
import type { BoardStore } from './board-store.ts';
import type { HookNews } from './hook.ts';
import { hookObject } from './hook-places.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { News, NewsSubscriber } from './news.ts';
import { within } from './within.ts';

/** What one webhook is yet to be told. */
interface Line {
  readonly subscription: HookSubscription;
  readonly users: ReadonlySet<string> | null;
  /** The webhook has stored everything up to this number. */
  confirmed: number;
  waiting: HookNews[];
  /** Something between `confirmed` and `waiting` may be missing here: it is looked up in the store. */
  behind: boolean;
  /** While it is being told. */
  sending: Promise<void> | undefined;
  failures: number;
  retryAt: number | undefined;
}

/**
 * Tells webhooks what a board takes, each in the order of the numbers, at least once: a webhook confirms what it has stored, and how far it has is kept. What was not
 * confirmed when memory was lost is told again by an alarm that is set with the change itself: then the newest document of each user stands for what came before it.
 */
export class BoardHooks implements NewsSubscriber {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #board: BoardStore;
  readonly #store: BoardHookStore;
  readonly #lines = new Map<string, Line>();
  readonly #alarm: BoardAlarm;

  constructor(ctx: DurableObjectState, env: Env, board: BoardStore, alarm: BoardAlarm) {
    this.#alarm = alarm;
    this.#ctx = ctx;
    this.#env = env;
    this.#board = board;
    this.#store = new BoardHookStore(ctx.storage, board.schema);
    for (const { seq, ...subscription } of this.#store.all()) this.#open(subscription, seq);
  }

  /**
   * Tells a webhook of changes from now on; one that is told already goes on. The newest documents (JSON) of the users of a watch, so that it can see whether what
   * it waits for is so already; null where there is no room.
   */
  attach(subscription: HookSubscription): string[] | null {
    const { id, kind, users } = subscription;
    const known = this.#lines.get(id);
    if (known === undefined && !this.#hasRoom(kind)) return null;
    if (known === undefined) {
      this.#store.add(subscription, this.#board.seq);
      this.#open(subscription, this.#board.seq);
    }
    return kind === 'watch' ? (users ?? []).flatMap((user) => this.#board.get(user) ?? []) : [];
  }

  detach(id: string): void {
    this.#lines.delete(id);
    this.#store.drop(id);
  }

  /** The webhooks among those that are told, by their ids, in order. */
  list(): string[] {
    return [...this.#lines.values()]
      .flatMap(({ subscription: { id, kind } }) => (kind === 'webhook' ? [id] : []))
      .sort((a, b) => (a < b ? -1 : 1));
  }

  /** The data of a user are deleted: nothing more is told of them. The ids of all that may have been told, watches among them. */
  forget(user: string, through: number): string[] {
    const lines = [...this.#lines.values()].filter(({ users }) => users === null || users.has(user));
    const told = ({ version }: Pick<PresenceDocument, 'version'>) => version <= through;
    for (const line of lines) {
      line.waiting = line.waiting.filter((news) => news.user !== user || !told(JSON.parse(news.text) as PresenceDocument));
    }
    return lines.map(({ subscription }) => subscription.id);
  }

  tell(news: readonly News[], now: number): void {
    let told = false;
    for (const line of this.#lines.values()) {
      const own = line.users === null ? news : news.filter(({ user }) => line.users?.has(user));
      if (own.length === 0) continue;
      told = true;
      this.#add(line, own);
      if (line.retryAt === undefined) this.#ctx.waitUntil(this.#send(line));
    }
    if (told) this.#alarm.arm(now + OBJECT_LIMITS.hookRepeat);
  }

  /** What is not confirmed is told again. */
  async alarm(): Promise<void> {
    const lines = [...this.#lines.values()].filter(({ waiting, behind }) => waiting.length > 0 || behind);
    for (const line of lines) line.retryAt = undefined;
    await Promise.all(lines.map((line) => this.#send(line)));
  }

  #open(subscription: HookSubscription, confirmed: number): void {
    const { id, users } = subscription;
    this.#lines.set(id, {
      subscription,
      users: users && new Set(users),
      confirmed,
      waiting: [],
      behind: confirmed < this.#board.seq,
      sending: undefined,
      failures: 0,
      retryAt: undefined,
    });
  }

  #hasRoom(kind: HookSubscription['kind']): boolean {
    if (this.#lines.size >= HOOK_LIMITS.perBoard) return false;
    return kind === 'watch' || this.list().length < HOOK_LIMITS.perDomain;
  }

  #add(line: Line, news: readonly News[]): void {
    if (line.behind) return;
    for (const { seq, user, text, occasion } of news) line.waiting.push({ seq, user, text, ...(occasion && { occasion }) });
    if (line.waiting.length <= OBJECT_LIMITS.hookQueue) return;
    line.waiting = [];
    line.behind = true;
  }

  /** Tells a webhook all that waits. Never rejects. An alarm that finds it under way waits for it, and so comes again should the process die before. */
  #send(line: Line): Promise<void> {
    line.sending ??= this.#sendAll(line);
    return line.sending;
  }

  async #sendAll(line: Line): Promise<void> {
    try {
      while (await this.#sendOnce(line)) line.failures = 0;
    } catch (error) {
      const wait = Math.min(OBJECT_LIMITS.boardRetryMin * 2 ** line.failures++, OBJECT_LIMITS.boardRetryMax);
      logError(`a webhook could not be told; tried again in ${wait} ms`, error);
      line.retryAt = Date.now() + wait;
      this.#alarm.arm(line.retryAt);
    }
    line.sending = undefined;
  }

  /** Whether there may be more. */
  async #sendOnce(line: Line): Promise<boolean> {
    const { id, board } = line.subscription;
    if (line.behind) {
      line.waiting = this.#missed(line);
      line.behind = false;
    }
    const object = hookObject(this.#env, id);
    const parcel = line.waiting.slice(0, fitting(line.waiting));
    const end = parcel.at(-1);
    if (object === undefined || end === undefined || this.#lines.get(id) !== line) return false;
    // Of several with one number the last alone stands for that number.
    const last = line.waiting[parcel.length]?.seq === end.seq ? end.seq - 1 : end.seq;
    const verdict = await within(OBJECT_LIMITS.boardTimeout, object.take(board, parcel, last));
    if (this.#lines.get(id) !== line) return false;
    if (verdict === 'gone') {
      this.detach(id);
      return false;
    }
    const taken = new Set(parcel);
    line.waiting = line.waiting.filter((news) => !taken.has(news));
    line.confirmed = last;
    this.#store.confirm(id, last);
    return true;
  }

  #missed({ users, confirmed }: Line): HookNews[] {
    if (users?.size === 0) return [];
    return this.#board.changedSince(confirmed, users === null ? undefined : [...users]);
  }
}

/** How many go into one request: at least one, and no more text than the limit. */
function fitting(news: readonly HookNews[]): number {
  let size = 0;
  const end = news.findIndex(({ text }, i) => {
    size += text.length;
    return i > 0 && (i >= OBJECT_LIMITS.hookParcel || size > OBJECT_LIMITS.hookText);
  });
  return end === -1 ? news.length : end;
}
