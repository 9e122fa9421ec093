import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { type HeldUser, heldOf } from '../presence/index.ts';
import type { Status } from '../protocol/index.ts';
import { BoardAlarm } from './board-alarm.ts';
import { type BoardChange, boardChange } from './board-feed.ts';
import type { HookSubscription } from './board-hook-store.ts';
import { BoardHooks } from './board-hooks.ts';
import { BoardStore, type Listed, type StatusCount } from './board-store.ts';
import { BoardWaits } from './board-waits.ts';
import { Feed } from './feed.ts';
import { greeting } from './greeting.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { deletionNews, type NewsSubscriber } from './news.ts';
import { openerOf, tagsOf } from './opener.ts';
import { userObject } from './places.ts';
import { BEGUN, MISSED, watchQuery } from './watch-query.ts';
import { sleepingWatches, WatchSweep } from './watch-sweep.ts';
import { type Watcher, Watchers } from './watchers.ts';
import { within } from './within.ts';

/** One shard of a domain: it lists its users, newest document each, and pushes their changes to watchers. */
export class Board extends DurableObject<Env> {
  readonly #store: BoardStore;
  readonly #feed: Feed;
  readonly #watchers: Watchers;
  readonly #alarm: BoardAlarm;
  readonly #sweep: WatchSweep;
  readonly #hooks: BoardHooks;
  readonly #waits: BoardWaits;
  /** Who is told of what this board takes: before its commit where that is possible, and after it. In this order. */
  readonly #ahead: readonly NewsSubscriber[];
  readonly #after: readonly NewsSubscriber[];
  readonly #subscribers: readonly NewsSubscriber[];
  #gathered: Gathered[] = [];
  #storing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new BoardStore(ctx.storage);
    this.#feed = new Feed(this.#store);
    this.#watchers = new Watchers(this.#store, this.#feed, ctx.getWebSockets());
    // What waits may have been set an alarm for before memory was lost: only what is watched or told to webhooks was.
    this.#alarm = new BoardAlarm(ctx, this.#store.schema.created || ctx.getWebSockets().length > 0);
    this.#hooks = new BoardHooks(ctx, env, this.#store, this.#alarm);
    const close = (socket: WebSocket, code: number, reason: string) => this.#watchers.close(socket, code, reason);
    this.#sweep = new WatchSweep(env, this.#alarm, () => sleepingWatches(ctx), close);
    this.#waits = new BoardWaits(this.#store);
    this.#ahead = [this.#feed, this.#watchers];
    this.#after = [this.#hooks, this.#waits];
    this.#subscribers = [...this.#ahead, ...this.#after];
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

  /** How many users it lists, by status, and how many watch. */
  counts(): { readonly users: readonly StatusCount[]; readonly watches: number } {
    return { users: this.#store.counts(), watches: this.ctx.getWebSockets().length };
  }

  /** Forgets a user who is listed by another board now. */
  drop(user: string): void {
    if (this.#store.drop(user) !== undefined) this.#feed.cut();
  }

  /**
   * Forgets a user whose data were deleted at the version `through`, and tells those who watch. Tells which webhooks may have heard of them: they
   * have something to forget too.
   */
  forget(user: string, through: number): string[] {
    this.#feed.forget(user, through);
    const seq = this.#store.drop(user, through);
    if (seq !== undefined) for (const told of this.#ahead) told.tell([deletionNews(user, seq)], Date.now());
    return this.#hooks.forget(user, through);
  }

  /** Users in the order of their names, above `after`, with that status where one is given, and of `only` these where they are given. */
  list(after: string, limit: number, status?: string, only?: readonly string[]): Listed[] {
    return this.#store.list(after, limit, status, only);
  }

  /** Tells a webhook of changes from now on (see `BoardHooks`). */
  async attachHook(subscription: HookSubscription): Promise<string[] | null> {
    if (subscription.kind === 'watch') await this.#learn(subscription.users ?? []);
    return this.#hooks.attach(subscription);
  }

  detachHook(id: string): void {
    this.#hooks.detach(id);
  }

  /** The ids of the webhooks that this board lists: the first board of a domain lists all of it. */
  listHooks(): string[] {
    return this.#hooks.list();
  }

  /** The document (JSON) with which a user's status is one of some, now or within `ms`; null where the time passes, undefined where too many wait, in all or of the token `jti`. */
  async waitFor(user: string, statuses: readonly Status[], ms: number, jti?: string): Promise<string | null | undefined> {
    await this.#learn([user]);
    return this.#waits.wait(user, statuses, ms, jti);
  }

  /** Webhooks may not have confirmed what they were told, and tokens of watches may have ended: told from state, so an early or repeated call is harmless. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    await Promise.all([this.#hooks.alarm(), this.#sweep.alarm(Date.now())]);
  }

  /** A site is lost since then, ms since 1970, or in touch again (0): what is seen of its users changes with it, and who watches them is told. */
  siteStands(site: string, since: number): void {
    const now = Date.now();
    const news = this.#store.siteStands(site, since);
    if (news.length === 0) return;
    this.#watchers.expect(news, now);
    for (const subscriber of this.#subscribers) subscriber.tell(news, now);
  }

  /** What is recorded of a site, about users in the buckets `from` up to, not including, `to`. */
  held(site: string, from: number, to: number): HeldUser[] {
    return heldOf(this.#store.mentioning(site), site, from, to);
  }

  /** Something was revoked: closes the watches of which it is the token; how many stay. */
  sweep(): Promise<number> {
    return this.#sweep.sweep(Date.now());
  }

  /**
   * Opens a watcher's socket (see `watchUrl`). The snapshot, or what was missed, is sent before anything else can happen here, so no
   * change is lost and none comes twice.
   */
  override async fetch(request: Request): Promise<Response> {
    const opener = openerOf(request);
    const tags = tagsOf(opener);
    if (this.#isFull(tags[0])) return new Response(null, { status: 503 });
    const query = watchQuery(new URL(request.url));
    await this.#learn(query.users ?? []);
    const { 0: client, 1: server } = new WebSocketPair();
    const { users, detail, until, head = '' } = query;
    const watcher: Watcher = {
      id: crypto.randomUUID(),
      domain: users === undefined,
      detail,
      until,
      head,
      ...(opener && { opener }),
    };
    this.ctx.acceptWebSocket(server, tags);
    this.#watchers.add(server, watcher, users);
    this.#sweep.opened(Date.now());
    const { begun, missed, frames } = greeting(this.#store, this.#feed, query);
    this.#watchers.greet(server, frames, Date.now());
    return new Response(null, { status: 101, webSocket: client, headers: { [BEGUN]: begun, [MISSED]: String(missed) } });
  }

  /** Watchers have nothing to say but `ping`, which is answered without waking anything, and `ack`, where they were asked. */
  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#watchers.heard(socket, message);
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    // 1005 and 1006 stand for codes that were not sent, and cannot be.
    this.#watchers.close(socket, code === 1005 || code === 1006 ? 1000 : code, '');
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#watchers.close(socket, 1011, 'connection failed');
  }

  /**
   * Asks users whom this board does not know for their documents: after a change of the number of boards they may be known elsewhere. One
   * who does not answer in time shows as never seen until the answer comes.
   */
  async #learn(users: readonly string[]): Promise<void> {
    const unknown = users.filter((user) => this.#store.get(user) === undefined);
    await Promise.all(
      unknown.map(async (user) => {
        try {
          await within(OBJECT_LIMITS.boardTimeout, this.#learnOne(user));
        } catch (error) {
          logError('a user could not be asked for by a board', error);
        }
      }),
    );
  }

  async #learnOne(user: string): Promise<void> {
    const reading = await userObject(this.env, user).read();
    if (reading !== null) await this.put([boardChange(reading, true)]);
  }

  #isFull(token: string | undefined): boolean {
    if (this.ctx.getWebSockets().length >= OBJECT_LIMITS.watchers) return true;
    return token !== undefined && this.ctx.getWebSockets(token).length >= OBJECT_LIMITS.watchersByToken;
  }

  async #storeAll(): Promise<void> {
    this.#storing = true;
    try {
      while (this.#gathered.length > 0) {
        const group = this.#gathered;
        this.#gathered = [];
        await this.#storeGroup(group);
        await this.ctx.storage.sync();
      }
    } catch (error) {
      // The commit failed, and with it this object: what still waits is told, and comes again.
      for (const { reject } of this.#gathered.splice(0)) reject(error);
    } finally {
      this.#storing = false;
    }
  }

  /**
   * A user's object has stored what it tells, so those who watch are told at once: should the commit here fail, the user's object tells it again.
   * All else (answers, webhooks) leaves this object when its commit is on disk: the runtime holds it back.
   */
  async #storeGroup(group: readonly Gathered[]): Promise<void> {
    try {
      const now = Date.now();
      const changes = group.flatMap((gathered) => gathered.changes);
      let early = false;
      const numbered = this.#store.number(changes, (news) => {
        for (const subscriber of early ? this.#after : this.#subscribers) subscriber.tell(news, now);
      });
      const { news, mayBeTold } = numbered;
      early = mayBeTold && this.#watchers.any;
      if (early) {
        for (const subscriber of this.#ahead) subscriber.tell(news, now);
        // Where the commit and those who are told share a thread, the commit would come first.
        await nextTurn();
      }
      numbered.store();
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

const nextTurn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

interface Gathered {
  readonly changes: readonly BoardChange[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
