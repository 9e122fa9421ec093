import type { DetailLevel } from '../protocol/index.ts';
import type { BoardStore } from './board-store.ts';
import type { Feed } from './feed.ts';
import { expectFrame, newsFrame, redactText } from './frames.ts';
import type { News, NewsSubscriber } from './news.ts';
import type { Opener } from './opener.ts';
import { Readers } from './readers.ts';

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

/** The sockets of a board, by what they watch. Rebuilt from attachments and store when the board wakes up; between, attachments are not read. */
export class Watchers implements NewsSubscriber {
  readonly #store: BoardStore;
  readonly #feed: Feed;
  readonly #readers = new Readers((socket) => this.#forget(socket));
  readonly #live = new Map<WebSocket, Watcher>();
  readonly #domain = new Set<WebSocket>();
  readonly #byUser = new Map<string, Set<WebSocket>>();

  constructor(store: BoardStore, feed: Feed, sockets: readonly WebSocket[]) {
    this.#store = store;
    this.#feed = feed;
    const watchers = sockets.map((socket) => ({ socket, watcher: watcherOf(socket) }));
    const watches = store.watches(new Set(watchers.flatMap(({ watcher }) => watcher?.id ?? [])));
    for (const { socket, watcher } of watchers) {
      if (watcher !== undefined) this.#index(socket, watcher, watcher.domain ? undefined : (watches.get(watcher.id) ?? []));
    }
  }

  /** Is anybody watching. */
  get any(): boolean {
    return this.#live.size > 0;
  }

  /** Takes a new watcher: of `users`, or of all where none are named. */
  add(socket: WebSocket, watcher: Watcher, users: readonly string[] | undefined): void {
    socket.serializeAttachment(watcher);
    if (users !== undefined) this.#store.addWatch(watcher.id, users);
    this.#index(socket, watcher, users);
  }

  /** Sends a new watcher its snapshot, or what it missed. */
  greet(socket: WebSocket, frames: Iterable<string>, now: number): void {
    for (const frame of frames) {
      this.#readers.allow(socket, frame.length);
      this.#readers.send(socket, frame, now);
    }
    this.#readers.check(socket, (this.#live.get(socket)?.head ?? '') + this.#feed.mark, now);
    this.#readers.makeRoom(now);
  }

  /** So much more is to be read at once, through no fault of whoever reads: these changes count like a snapshot. */
  expect(news: readonly News[], now: number): void {
    const size = news.reduce((sum, { text }) => sum + text.length + CURSOR_ROOM, 0);
    this.#readers.allowAll(size);
    const frame = expectFrame(size);
    for (const [socket, { head }] of this.#live) if (head === '') this.#readers.send(socket, frame, now);
  }

  /** Sends changes to those who watch their users. A socket that cannot be sent to is closed. */
  tell(news: readonly News[], now: number): void {
    for (const change of news) this.#push(change, now);
    this.#readers.makeRoom(now);
  }

  /** A watcher said something. */
  heard(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#readers.heard(socket, message);
  }

  /** Closes a socket and forgets it. */
  close(socket: WebSocket, code: number, reason: string): void {
    this.#readers.close(socket, code, reason);
  }

  #push(change: News, now: number): void {
    const mark = this.#feed.markAt(change.seq);
    const texts = new Map<DetailLevel, string>();
    const frames = new Map<string, string>();
    for (const socket of [...this.#domain, ...(this.#byUser.get(change.user) ?? [])]) {
      const { detail, head, until } = this.#live.get(socket) as Watcher;
      if (until !== null && until <= now) {
        this.close(socket, 1008, 'the token has expired');
        continue;
      }
      const text = texts.get(detail) ?? redactText(change.text, detail);
      texts.set(detail, text);
      const key = detail + head;
      const frame = frames.get(key) ?? newsFrame(change.user, text, head + mark);
      frames.set(key, frame);
      this.#readers.tell(socket, frame, head + mark, now);
    }
  }

  #forget(socket: WebSocket): void {
    const watcher = this.#live.get(socket);
    if (watcher === undefined) return;
    this.#live.delete(socket);
    this.#domain.delete(socket);
    // A socket whose other end does not read stays for a while; when the board wakes up, it is nobody's any more.
    socket.serializeAttachment(null);
    if (watcher.domain) return;
    for (const user of this.#store.dropWatch(watcher.id)) {
      const sockets = this.#byUser.get(user);
      if (sockets?.delete(socket) && sockets.size === 0) this.#byUser.delete(user);
    }
  }

  #index(socket: WebSocket, watcher: Watcher, users: readonly string[] | undefined): void {
    this.#live.set(socket, watcher);
    this.#readers.add(socket);
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
