import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import {
  Deliveries,
  HOOK_LIMITS,
  type HookEventType,
  type HookMaker,
  type HookRecord,
  rotate,
  secretsAt,
  type Waiting,
  wants,
} from '../hooks/index.ts';
import { logError } from '../log.ts';
import { redact } from '../presence/index.ts';
import type { PresenceDocument } from '../protocol/index.ts';
import { HookBoards } from './hook-boards.ts';
import { HookRunner } from './hook-runner.ts';
import { allowsPrivate, eventId, newId, newSecret, type Sent, send } from './hook-send.ts';
import { type DeadLetter, HookStore, type NewEvent, type QueueView } from './hook-store.ts';
import { HookToken } from './hook-token.ts';

/** A change as a board passes it on. */
export interface HookNews {
  readonly seq: number;
  readonly user: string;
  /** The presence document, JSON. */
  readonly text: string;
  /** See `Numbered`. */
  readonly occasion?: number;
}

/** What making one came to: there may be no room, and what a watch waits for may be so already (its document, JSON, redacted). */
export type Opened = { readonly is: 'open' } | { readonly is: 'full' } | { readonly is: 'fulfilled'; readonly text: string };

/** A webhook or a watch as it is told of: without its secrets. */
export interface HookView {
  readonly record: Omit<HookRecord, 'secrets'>;
  /** Until when secrets of before are valid too, ms since 1970. */
  readonly formerUntil: readonly number[];
  readonly queue: QueueView;
}

/**
 * One webhook, or the callback of one watch: it takes changes from the boards, keeps them until they are delivered, and delivers them. A shell: order, retries and
 * limits are decided in `hooks/`. What was taken is stored before the board is answered; all deliveries are made within its alarm.
 */
export class Hook extends DurableObject<Env> {
  #store: HookStore;
  #record: HookRecord | undefined;
  #queue: Deliveries;
  readonly #runner = new HookRunner((event) => this.#deliver(event));
  readonly #boards: HookBoards;
  readonly #token: HookToken;
  /** When the alarm is set to go off, ms since 1970. */
  #armed: number | null = null;
  #testing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#boards = new HookBoards(env);
    this.#token = new HookToken(env);
    this.#store = new HookStore(ctx.storage);
    this.#record = this.#store.load();
    this.#queue = this.#load();
    void ctx.blockConcurrencyWhile(async () => {
      this.#armed = await ctx.storage.getAlarm();
    });
  }

  /** Makes the webhook, and has the boards tell it of changes from now on. A watch is answered at once where what it waits for is so already. */
  async open(record: HookRecord): Promise<Opened> {
    this.#save(record);
    this.#store.upkeepAt = Date.now() + HOOK_LIMITS.upkeep;
    this.#arm();
    const attached = await this.#boards.attach(record).catch(async (error) => {
      await this.remove();
      throw error;
    });
    if (attached.full) {
      await this.remove();
      return { is: 'full' };
    }
    const text = this.#fulfilling(attached.current);
    if (text === undefined) return { is: 'open' };
    await this.remove();
    return { is: 'fulfilled', text: JSON.stringify(redact(JSON.parse(text) as PresenceDocument, record.detail)) };
  }

  /** Has the boards of now tell it of changes: their number may have changed. */
  async attach(): Promise<void> {
    if (this.#record === undefined || isOver(this.#record)) return;
    const { current } = await this.#boards.attach(this.#record);
    const text = this.#fulfilling(current);
    if (text === undefined) return;
    // What a watch waits for became so at a board that did not know of it.
    const { id, users } = this.#record;
    const event = await eventId(id, text);
    this.#store.together(() => this.#takeOne({ seq: 0, user: users?.[0] as string, text }, event, Date.now()));
    this.#begin();
  }

  /** Null where there is none, or none any more. */
  async view(): Promise<HookView | null> {
    await this.#look();
    if (this.#record === undefined || this.#record.state === 'deleted') return null;
    const { secrets, ...record } = this.#record;
    const now = Date.now();
    const formerUntil = secrets.flatMap(({ until }) => (until !== null && until > now ? [until] : []));
    return { record, formerUntil, queue: this.#store.view() };
  }

  /**
   * Takes changes of a board, in the order of their numbers; those that were taken before are passed over. They are all up to the number `through`, and
   * maybe some of the next. When it returns, they are stored. `gone`: the board may forget this one.
   */
  async take(board: string, news: readonly HookNews[], through = news.at(-1)?.seq ?? 0): Promise<'taken' | 'gone'> {
    if (this.#record === undefined || isOver(this.#record)) return 'gone';
    const { id } = this.#record;
    const ids = await Promise.all(news.map(({ text, occasion }) => eventId(id, text, occasion)));
    const now = Date.now();
    this.#store.together(() => {
      const heard = this.#store.seq(board);
      news.forEach((item, i) => {
        if (item.seq > heard) this.#takeOne(item, ids[i] as string, now);
      });
      if (through > heard) this.#store.saveSeq(board, through);
    });
    this.#begin();
    return 'taken';
  }

  /** The data of a user are deleted up to a version of their document: events that tell of it are neither delivered nor kept any more. */
  async forgetUser(user: string, through: number): Promise<void> {
    if (this.#record === undefined) return;
    this.#store.together(() => this.#queue.forget(user, this.#store.forget(user, through)));
  }

  /** Sends a test event at once, and tells how it went; null where another test is under way. It is not tried again. */
  async test(): Promise<(Sent & { readonly id: string }) | null> {
    if (this.#testing || this.#record === undefined) return null;
    this.#testing = true;
    try {
      const id = newId('msg');
      const now = Date.now();
      const body = bodyOf('webhook.test', { webhook: this.#record.id }, now);
      const sent = await send({ ...this.#signing(this.#record, now), id, body }, this.#allowsPrivate, now);
      return { ...sent, id };
    } finally {
      this.#testing = false;
    }
  }

  /** A new secret; those of before sign too for `overlap` ms. */
  async rotate(overlap: number): Promise<string | null> {
    if (this.#record === undefined) return null;
    const now = Date.now();
    const secret = newSecret();
    this.#save(rotate(this.#record, secret, now + overlap, now, HOOK_LIMITS.secrets));
    return secret;
  }

  /** What is taken waits from now on. */
  async pause(): Promise<void> {
    if (this.#record?.state === 'active') this.#save({ ...this.#record, state: 'paused' });
  }

  /** What waits is delivered, and what is new is taken, also by one that was disabled. One whose token was revoked is from now on that of `maker`. */
  async resume(maker: HookMaker): Promise<void> {
    const record = this.#record;
    if (record?.state === 'revoked') this.#save({ ...record, maker, state: 'active' });
    else if (record?.state === 'paused' || record?.state === 'disabled') this.#save({ ...record, state: 'active' });
    else return;
    this.#begin();
  }

  /** Dead letters with a place below `before`, the newest first. */
  async deadLetters(before: number, limit: number): Promise<DeadLetter[]> {
    return this.#record === undefined ? [] : this.#store.deadLetters(before, limit);
  }

  /** Puts dead letters back in line, or all that is kept from an event on; tells how many. */
  async replay(from: string | null): Promise<{ readonly count: number } | 'unknown' | 'no-room'> {
    if (this.#record === undefined) return 'unknown';
    const place = from === null ? undefined : this.#store.placeOf(from);
    if (from !== null && place === undefined) return 'unknown';
    const count = this.#store.replayable(place);
    if (this.#queue.pending + count > HOOK_LIMITS.queue) return 'no-room';
    this.#store.replay(place, Date.now());
    for (const event of this.#store.waiting()) this.#queue.put(event);
    this.#begin();
    return { count };
  }

  /** Ends it: nothing is delivered any more, and all of it is forgotten, by the boards too. */
  async remove(): Promise<void> {
    if (this.#record === undefined) return;
    this.#save({ ...this.#record, state: 'deleted' });
    this.#queue.drain('deleted');
    this.#arm();
    await this.#forget();
  }

  /** Something is due: a delivery, the end of a watch, upkeep. All is told from state, so an early or repeated call is harmless. */
  override async alarm(): Promise<void> {
    this.#armed = null;
    try {
      const { until } = this.#record ?? {};
      if (until != null && until <= Date.now() && this.#record?.state === 'active') await this.remove();
      await this.#runner.run(this.#queue);
      if (this.#record?.state === 'done' && this.#queue.pending === 0) await this.remove();
      await this.#upkeep();
    } catch (error) {
      // An alarm that fails too often is given up by the runtime: this one never does, and comes again by its own doing.
      logError(`a webhook's alarm failed`, error);
    }
    this.#arm();
  }

  #takeOne({ user, text }: HookNews, id: string, now: number): void {
    const record = this.#record as HookRecord;
    const document = JSON.parse(text) as PresenceDocument;
    const former = record.changes === 'status' ? this.#store.told(user) : undefined;
    if (record.changes === 'status' && former !== document.status) this.#store.saveTold(user, document.status);
    if (!wants(record, document, former)) return;
    const type = record.kind === 'watch' ? 'watch.fulfilled' : 'presence.changed';
    this.#put({ id, user, body: bodyOf(type, redact(document, record.detail), now) }, now);
    if (record.kind === 'watch') this.#save({ ...record, state: 'done' });
  }

  #put(event: NewEvent, now: number): void {
    const ops = this.#queue.put(this.#store.add(event, now));
    if (ops.length > 0) this.#store.apply(ops, now);
  }

  async #deliver({ n }: Waiting): Promise<void> {
    const stored = this.#store.event(n);
    const record = this.#record;
    // The data of its user may have been deleted meanwhile.
    if (stored === undefined || record === undefined) return;
    const sent = await this.#send(record, stored);
    const now = Date.now();
    // It may have been deleted meanwhile.
    if (this.#record === undefined || this.#record.state === 'deleted') return;
    if (sent.is === 'revoked') this.#end(this.#record, 'revoked', 'token-revoked', now);
    else if (sent.is === 'gone') this.#end(this.#record, 'disabled', 'HTTP 410', now);
    else this.#store.together(() => this.#store.apply(this.#queue.settle(n, sent, now, Math.random()), now));
  }

  /** Nothing is sent in the name of a token that is not known to be good. */
  async #send(record: HookRecord, stored: { id: string; body: string }): Promise<Sent | { readonly is: 'revoked' }> {
    const standing = await this.#token.standing(record.maker, Date.now());
    if (standing === 'revoked') return { is: 'revoked' };
    if (standing === 'unknown') return { is: 'failed', reason: 'token-unknown' };
    const now = Date.now();
    return send({ ...this.#signing(record, now), ...stored }, this.#allowsPrivate, now);
  }

  /** Nothing more is to be told: what waits is dead, and can be replayed once it is resumed. */
  #end(record: HookRecord, state: 'disabled' | 'revoked', reason: string, now: number): void {
    this.#store.together(() => {
      this.#store.apply(this.#queue.drain(reason), now);
      this.#save({ ...record, state: record.kind === 'watch' ? 'done' : state });
    });
  }

  /** Sees whether the token that made it was revoked, though there is nothing to deliver. */
  async #look(): Promise<void> {
    const { state, maker } = this.#record ?? {};
    if (state === undefined || state === 'deleted' || state === 'revoked') return;
    if ((await this.#token.standing(maker, Date.now())) !== 'revoked' || this.#record === undefined) return;
    if (this.#record.kind === 'watch') await this.remove();
    else this.#end(this.#record, 'revoked', 'token-revoked', Date.now());
  }

  /**
   * Once an hour: boards that do not know this one (their number may have changed) are told, what is old is cleared away, and a token that was
   * revoked is noted, before that is forgotten.
   */
  async #upkeep(): Promise<void> {
    const now = Date.now();
    if (this.#record?.state === 'deleted') return this.#forget();
    if (this.#record === undefined || this.#store.upkeepAt > now) return;
    await this.#look();
    if (this.#record === undefined) return;
    this.#store.together(() => {
      this.#store.upkeepAt = now + HOOK_LIMITS.upkeep;
      this.#store.prune(now);
    });
    await this.attach();
  }

  /** Has the boards forget this one, then forgets itself; where a board cannot be reached, the alarm tries again. */
  async #forget(): Promise<void> {
    if (this.#record === undefined || !(await this.#boards.detach(this.#record))) return;
    this.#record = undefined;
    this.#armed = null;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#store = new HookStore(this.ctx.storage);
    this.#queue = this.#load();
  }

  /** Of these documents (JSON) the one that a watch waits for. */
  #fulfilling(current: readonly string[]): string | undefined {
    const record = this.#record;
    if (record?.kind !== 'watch' || record.state !== 'active') return undefined;
    return current.find((text) => wants(record, JSON.parse(text) as PresenceDocument, undefined));
  }

  #load(): Deliveries {
    const queue = new Deliveries();
    queue.open = isOpen(this.#record);
    if (this.#record?.state !== 'deleted') for (const event of this.#store.waiting()) queue.put(event);
    return queue;
  }

  #save(record: HookRecord): void {
    this.#store.save(record);
    this.#record = record;
    this.#queue.open = isOpen(record);
  }

  #signing(record: HookRecord, now: number) {
    return { url: record.url, secrets: secretsAt(record, now) };
  }

  get #allowsPrivate(): boolean {
    return allowsPrivate(this.env.WEBHOOK_ALLOW_PRIVATE);
  }

  /** There may be something to deliver: by the run that is under way, else by an alarm at once. */
  #begin(): void {
    if (this.#runner.running) this.#runner.wake();
    else this.#arm();
  }

  /** Each `setAlarm` is a row written: it is set only where it would come too late. */
  #arm(): void {
    if (this.#record === undefined) return;
    const { state, until } = this.#record;
    const end = state === 'active' ? (until ?? Infinity) : Infinity;
    const upkeep = state === 'deleted' ? Date.now() + HOOK_LIMITS.forgetRetry : this.#store.upkeepAt;
    const wanted = Math.min(this.#queue.nextDue() ?? Infinity, end, upkeep);
    if (this.#armed !== null && this.#armed <= wanted) return;
    this.#armed = wanted;
    void this.ctx.storage.setAlarm(wanted);
  }
}

function isOver({ state }: HookRecord): boolean {
  return state === 'done' || state === 'deleted';
}

function isOpen(record: HookRecord | undefined): boolean {
  return record?.state === 'active' || record?.state === 'done';
}

function bodyOf(type: HookEventType, data: object, now: number): string {
  return JSON.stringify({ type, timestamp: new Date(now).toISOString(), data });
}
