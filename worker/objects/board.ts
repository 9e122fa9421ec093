import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { type HeldUser, heldOf } from '../presence/index.ts';
import type { DetailLevel, Status } from '../protocol/index.ts';
import type { BoardChange } from './board-feed.ts';
import type { HookSubscription } from './board-hook-store.ts';
import { BoardHooks } from './board-hooks.ts';
import { BoardStore, type Listed } from './board-store.ts';
import { BoardWaits } from './board-waits.ts';
import { redactText, type SnapshotUser, snapshotFrame } from './frames.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { NewsSubscriber } from './news.ts';
import { type Watcher, Watchers } from './watchers.ts';

/** What a board is asked to watch, as the query of the request that opens the socket. */
export interface WatchQuery {
  /** Users of this board; undefined for all of them. */
  readonly users: readonly string[] | undefined;
  readonly detail: DetailLevel;
  /** When the token ends, ms since 1970; null where it does not. */
  readonly until: number | null;
}

/** One shard of a domain: it lists its users, newest document each, and pushes their changes to watchers. */
export class Board extends DurableObject<Env> {
  readonly #store: BoardStore;
  readonly #watchers: Watchers;
  readonly #hooks: BoardHooks;
  readonly #waits: BoardWaits;
  /** Who is told of what this board takes, in this order. */
  readonly #subscribers: readonly NewsSubscriber[];
  #gathered: Gathered[] = [];
  #storing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new BoardStore(ctx.storage);
    this.#watchers = new Watchers(this.#store, ctx.getWebSockets());
    this.#hooks = new BoardHooks(ctx, env, this.#store);
    this.#waits = new BoardWaits(this.#store);
    this.#subscribers = [this.#watchers, this.#hooks, this.#waits];
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /**
   * Takes changes of users, those of each in order, and tells those who watch. What is not newer than the stored version is ignored. The first
   * call is stored at once; those that arrive while its commit is under way are stored together in the next.
   */
  put(changes: readonly BoardChange[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#gathered.push({ changes, resolve, reject });
      if (!this.#storing) this.ctx.waitUntil(this.#storeAll());
    });
  }

  /** Forgets a user who is listed by another board now. */
  drop(user: string): void {
    this.#store.drop(user);
  }

  /**
   * Forgets a user whose data were deleted at the version `through`. Tells which webhooks may have heard of them: they have something to
   * forget too.
   */
  forget(user: string, through: number): string[] {
    this.#store.drop(user, through);
    return this.#hooks.forget(user, through);
  }

  /** Users in the order of their names, above `after`, with that status where one is given, and of `only` these where they are given. */
  list(after: string, limit: number, status?: string, only?: readonly string[]): Listed[] {
    return this.#store.list(after, limit, status, only);
  }

  /** Tells a webhook of changes from now on (see `BoardHooks`). */
  attachHook(subscription: HookSubscription): string[] | null {
    return this.#hooks.attach(subscription);
  }

  detachHook(id: string): void {
    this.#hooks.detach(id);
  }

  /** The ids of the webhooks that this board lists: the first board of a domain lists all of it. */
  listHooks(): string[] {
    return this.#hooks.list();
  }

  /** The document (JSON) with which a user's status is one of some, now or within `ms`; null where the time passes, undefined where too many wait. */
  waitFor(user: string, statuses: readonly Status[], ms: number): Promise<string | null | undefined> {
    return this.#waits.wait(user, statuses, ms);
  }

  /** Webhooks may not have confirmed what they were told: told from state, so an early or repeated call is harmless. */
  override async alarm(): Promise<void> {
    await this.#hooks.alarm();
  }

  /** What is recorded of a site, about users in the buckets `from` up to, not including, `to`. */
  held(site: string, from: number, to: number): HeldUser[] {
    return heldOf(this.#store.mentioning(site), site, from, to);
  }

  /** Opens a watcher's socket (see `watchUrl`). The snapshot is sent before anything else can happen here, so no change is missed. */
  override async fetch(request: Request): Promise<Response> {
    if (this.ctx.getWebSockets().length >= OBJECT_LIMITS.watchers) return new Response(null, { status: 503 });
    const query = watchQuery(new URL(request.url));
    const { 0: client, 1: server } = new WebSocketPair();
    const watcher: Watcher = {
      id: crypto.randomUUID(),
      domain: query.users === undefined,
      detail: query.detail,
      until: query.until,
    };
    this.ctx.acceptWebSocket(server);
    this.#watchers.add(server, watcher, query.users);
    for (const frame of snapshot(this.#store, query)) server.send(frame);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Watchers have nothing to say but `ping`, which is answered without waking anything. */
  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const size = typeof message === 'string' ? message.length : message.byteLength;
    if (size > OBJECT_LIMITS.watcherMessage) this.#watchers.close(socket, 1009, 'message too big');
    else this.#watchers.close(socket, 1008, 'only ping is understood');
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    // 1005 and 1006 stand for codes that were not sent, and cannot be.
    this.#watchers.close(socket, code === 1005 || code === 1006 ? 1000 : code, '');
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#watchers.close(socket, 1011, 'connection failed');
  }

  async #storeAll(): Promise<void> {
    this.#storing = true;
    try {
      while (this.#gathered.length > 0) {
        const group = this.#gathered;
        this.#gathered = [];
        this.#storeGroup(group);
        await this.ctx.storage.sync();
      }
    } catch (error) {
      // The commit failed, and with it this object: what still waits is told, and comes again.
      for (const { reject } of this.#gathered.splice(0)) reject(error);
    } finally {
      this.#storing = false;
    }
  }

  /** Neither answers nor frames leave the object before the commit is done: the runtime holds them back. */
  #storeGroup(group: readonly Gathered[]): void {
    try {
      const now = Date.now();
      const news = this.#store.put(
        group.flatMap(({ changes }) => changes),
        (stored) => {
          for (const subscriber of this.#subscribers) subscriber.commit?.(stored, now);
        },
      );
      if (news.length > 0) for (const subscriber of this.#subscribers) subscriber.tell(news, now);
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

interface Gathered {
  readonly changes: readonly BoardChange[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The address at which a board opens a socket. It is reached from the Worker alone. */
export function watchUrl({ users, detail, until }: WatchQuery): string {
  const query = new URLSearchParams({ detail });
  if (until !== null) query.set('until', String(until));
  if (users === undefined) query.set('all', '1');
  for (const user of users ?? []) query.append('user', user);
  return `https://board/watch?${query}`;
}

function watchQuery({ searchParams }: URL): WatchQuery {
  const until = searchParams.get('until');
  return {
    users: searchParams.has('all') ? undefined : searchParams.getAll('user'),
    detail: searchParams.get('detail') as DetailLevel,
    until: until === null ? null : Number(until),
  };
}

function* snapshot(store: BoardStore, { users, detail }: WatchQuery): Generator<string> {
  let frame: SnapshotUser[] = [];
  let size = 0;
  for (const { user, text } of users === undefined ? everybody(store) : named(store, users)) {
    const seen = text === undefined ? undefined : redactText(text, detail);
    size += seen?.length ?? 0;
    if (frame.length === OBJECT_LIMITS.snapshotUsers || (frame.length > 0 && size > OBJECT_LIMITS.snapshotText)) {
      yield snapshotFrame(frame, true);
      frame = [];
      size = seen?.length ?? 0;
    }
    frame.push({ user, text: seen });
  }
  yield snapshotFrame(frame, false);
}

function* named(store: BoardStore, users: readonly string[]): Generator<SnapshotUser> {
  for (const user of users) yield { user, text: store.get(user) };
}

/** All users of a board, a page in memory at a time. */
function* everybody(store: BoardStore): Generator<SnapshotUser> {
  for (let after = ''; ; ) {
    const page = store.list(after, OBJECT_LIMITS.snapshotUsers);
    yield* page;
    if (page.length < OBJECT_LIMITS.snapshotUsers) return;
    after = (page.at(-1) as Listed).user;
  }
}
