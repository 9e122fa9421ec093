import type { DetailLevel } from '../protocol/index.ts';
import type { BoardStore } from './board-store.ts';
import { changeFrame, redactText } from './frames.ts';
import type { News, NewsSubscriber } from './news.ts';

/** What a socket's attachment says of its watcher: it outlives hibernation. */
export interface Watcher {
  readonly id: string;
  /** All users of the board, or only those named (kept in the store, by id). */
  readonly domain: boolean;
  readonly detail: DetailLevel;
  /** When the token ends, ms since 1970; null where it does not. */
  readonly until: number | null;
}

/** The sockets of a board, by what they watch. Rebuilt from attachments and store when the board wakes up; between, attachments are not read. */
export class Watchers implements NewsSubscriber {
  readonly #store: BoardStore;
  readonly #domain = new Map<WebSocket, Watcher>();
  readonly #byUser = new Map<string, Map<WebSocket, Watcher>>();

  constructor(store: BoardStore, sockets: readonly WebSocket[]) {
    this.#store = store;
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

  remove(socket: WebSocket): void {
    const watcher = watcherOf(socket);
    this.#domain.delete(socket);
    if (watcher === undefined || watcher.domain) return;
    for (const user of this.#store.dropWatch(watcher.id)) {
      const sockets = this.#byUser.get(user);
      if (sockets?.delete(socket) && sockets.size === 0) this.#byUser.delete(user);
    }
  }

  /** Sends changes to those who watch their users. A socket that cannot be sent to is closed. */
  tell(news: readonly News[], now: number): void {
    for (const change of news) this.#push(change, now);
  }
  #push(change: News, now: number): void {
    const frames = new Map<DetailLevel, string>();
    for (const [socket, watcher] of [...this.#domain, ...(this.#byUser.get(change.user) ?? [])]) {
      if (watcher.until !== null && watcher.until <= now) {
        this.close(socket, 1008, 'the token has expired');
        continue;
      }
      const frame = frames.get(watcher.detail) ?? changeFrame(redactText(change.text, watcher.detail));
      frames.set(watcher.detail, frame);
      this.#send(socket, frame);
    }
  }

  /** Closes a socket and forgets it. */
  close(socket: WebSocket, code: number, reason: string): void {
    this.remove(socket);
    try {
      socket.close(code, reason);
    } catch {
      // It is closed already: that is all that was wanted.
    }
  }

  #send(socket: WebSocket, frame: string): void {
    try {
      socket.send(frame);
    } catch {
      this.close(socket, 1011, 'could not be sent to');
    }
  }

  #index(socket: WebSocket, watcher: Watcher, users: readonly string[] | undefined): void {
    if (users === undefined) {
      this.#domain.set(socket, watcher);
      return;
    }
    for (const user of users) {
      const sockets = this.#byUser.get(user);
      if (sockets === undefined) this.#byUser.set(user, new Map([[socket, watcher]]));
      else sockets.set(socket, watcher);
    }
  }
}

function watcherOf(socket: WebSocket): Watcher | undefined {
  return (socket.deserializeAttachment() as Watcher | null) ?? undefined;
}
