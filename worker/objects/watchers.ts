import type { DetailLevel } from '../protocol/index.ts';
import type { BoardStore } from './board-store.ts';
import type { Feed } from './feed.ts';
import { changeFrame, checkFrame, redactText } from './frames.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { News, NewsSubscriber } from './news.ts';
import type { Opener } from './opener.ts';
import { Unread } from './unread.ts';

/** Close code of a watcher that does not read what it is sent: of those that RFC 6455 7.4.2 leaves to applications. */
export const TOO_SLOW = 4008;

/** What a frame has besides the document at most, with a cursor of one board, characters. */
const CURSOR_ROOM = 120;

/** What a socket's attachment says of its watcher: it outlives hibernation. */
export interface Watcher {
  readonly id: string;
  /** All users of the board, or only those named (kept in the store, by id). */
  readonly domain: boolean;
  readonly detail: DetailLevel;
  /** When the token ends, ms since 1970; null where it does not. */
  readonly until: number | null;
  /** Whose it is; undefined for one that was opened before this was noted. */
  readonly opener?: Opener;
  /** What stands before the board's mark in a cursor. */
  readonly head: string;
}

interface Live {
  readonly watcher: Watcher;
  readonly unread: Unread;
  /** Answers that nobody asked for. */
  acks: number;
}

/** The sockets of a board, by what they watch. Rebuilt from attachments and store when the board wakes up; between, attachments are not read. */
export class Watchers implements NewsSubscriber {
  readonly #store: BoardStore;
  readonly #feed: Feed;
  readonly #live = new Map<WebSocket, Live>();
  readonly #domain = new Set<WebSocket>();
  readonly #byUser = new Map<string, Set<WebSocket>>();
  /** What all of them together may not have read, characters. */
  #unread = 0;

  constructor(store: BoardStore, feed: Feed, sockets: readonly WebSocket[]) {
    this.#store = store;
    this.#feed = feed;
    const watchers = sockets.map((socket) => ({ socket, watcher: watcherOf(socket) }));
    const watches = store.watches(new Set(watchers.flatMap(({ watcher }) => watcher?.id ?? [])));
    for (const { socket, watcher } of watchers) {
      if (watcher !== undefined) this.#index(socket, watcher, watcher.domain ? undefined : (watches.get(watcher.id) ?? []));
    }
  }

  /** Takes a new watcher: of `users`, or of all where none are named. */
  add(socket: WebSocket, watcher: Watcher, users: readonly string[] | undefined): void {
    socket.serializeAttachment(watcher);
    if (users !== undefined) this.#store.addWatch(watcher.id, users);
    this.#index(socket, watcher, users);
  }

  /** Sends a new watcher its snapshot, or what it missed. */
  greet(socket: WebSocket, frames: Iterable<string>, now: number): void {
    const unread = this.#live.get(socket)?.unread;
    for (const frame of frames) {
      unread?.allow(frame.length);
      this.#send(socket, frame, now);
    }
    this.#check(socket, this.#feed.mark, now);
    this.#makeRoom(now);
  }

  /** So much more is to be read at once, through no fault of whoever reads: these changes count like a snapshot. */
  expect(news: readonly News[]): void {
    const size = news.reduce((sum, { text }) => sum + text.length + CURSOR_ROOM, 0);
    for (const { unread } of this.#live.values()) unread.allow(size);
  }

  /** Sends changes to those who watch their users. A socket that cannot be sent to is closed. */
  tell(news: readonly News[], now: number): void {
    for (const change of news) this.#push(change, now);
    this.#makeRoom(now);
  }

  /** A watcher has read what it was sent before the last question. One that answers without being asked, again and again, is closed. */
  acknowledged(socket: WebSocket): void {
    const live = this.#live.get(socket);
    if (live === undefined) return;
    const before = live.unread.size;
    const asked = live.unread.acknowledged();
    this.#unread -= before - live.unread.size;
    if (!asked && ++live.acks > OBJECT_LIMITS.watcherAcks) this.close(socket, 1008, 'nothing was asked');
  }

  /** Closes a socket and forgets it. */
  close(socket: WebSocket, code: number, reason: string): void {
    this.#remove(socket);
    try {
      socket.close(code, reason);
    } catch {
      // It is closed already: that is all that was wanted.
    }
  }

  #push(change: News, now: number): void {
    const mark = this.#feed.markAt(change.seq);
    const texts = new Map<DetailLevel, string>();
    const frames = new Map<string, string>();
    for (const socket of [...this.#domain, ...(this.#byUser.get(change.user) ?? [])]) {
      const { detail, head, until } = (this.#live.get(socket) as Live).watcher;
      if (until !== null && until <= now) {
        this.close(socket, 1008, 'the token has expired');
        continue;
      }
      const text = texts.get(detail) ?? redactText(change.text, detail);
      texts.set(detail, text);
      const key = detail + head;
      const frame = frames.get(key) ?? changeFrame(text, head + mark);
      frames.set(key, frame);
      this.#send(socket, frame, now);
      this.#check(socket, mark, now);
    }
  }

  /** Those who do not answer are cut, the furthest behind first, while all together have more to read than is kept for them. */
  #makeRoom(now: number): void {
    if (this.#unread <= OBJECT_LIMITS.boardUnread) return;
    const late = [...this.#live].filter(([, { unread }]) => unread.isLate(now));
    for (const [socket] of late.sort(([, one], [, other]) => other.unread.size - one.unread.size)) {
      if (this.#unread <= OBJECT_LIMITS.boardUnread) return;
      this.close(socket, TOO_SLOW, 'too slow: the board has too much that is not read');
    }
  }

  #send(socket: WebSocket, frame: string, now: number): void {
    const unread = this.#live.get(socket)?.unread;
    if (unread === undefined) return;
    try {
      socket.send(frame);
    } catch {
      this.close(socket, 1011, 'could not be sent to');
      return;
    }
    unread.sent(frame.length);
    this.#unread += frame.length;
    if (unread.isTooMuch(now)) this.close(socket, TOO_SLOW, 'too slow: too much is not read');
  }

  #check(socket: WebSocket, mark: string, now: number): void {
    const live = this.#live.get(socket);
    if (live?.unread.ask(now)) this.#send(socket, checkFrame(live.watcher.head + mark), now);
  }

  #remove(socket: WebSocket): void {
    const live = this.#live.get(socket);
    if (live === undefined) return;
    this.#live.delete(socket);
    this.#domain.delete(socket);
    this.#unread -= live.unread.size;
    // A socket whose other end does not read stays for a while; when the board wakes up, it is nobody's any more.
    socket.serializeAttachment(null);
    if (live.watcher.domain) return;
    for (const user of this.#store.dropWatch(live.watcher.id)) {
      const sockets = this.#byUser.get(user);
      if (sockets?.delete(socket) && sockets.size === 0) this.#byUser.delete(user);
    }
  }

  #index(socket: WebSocket, watcher: Watcher, users: readonly string[] | undefined): void {
    this.#live.set(socket, { watcher, unread: new Unread(), acks: 0 });
    if (users === undefined) {
      this.#domain.add(socket);
      return;
    }
    for (const user of users) {
      const sockets = this.#byUser.get(user);
      if (sockets === undefined) this.#byUser.set(user, new Set([socket]));
      else sockets.add(socket);
    }
  }
}

function watcherOf(socket: WebSocket): Watcher | undefined {
  return (socket.deserializeAttachment() as Watcher | null) ?? undefined;
}
