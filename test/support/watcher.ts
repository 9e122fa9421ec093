import type { PresenceDocument, WatchFrame } from '#protocol';

/** One document as the watcher got it. `at`: when its frame arrived, ms since 1970. */
export interface Sighting {
  readonly at: number;
  readonly presence: PresenceDocument;
}

interface Waiter {
  readonly user: string;
  readonly test: (presence: PresenceDocument) => boolean;
  readonly resolve: (presence: PresenceDocument) => void;
}

/** A program that looks: one WebSocket on `/v1/watch`, everything that came over it, and promises for what is awaited. */
export class Watcher {
  /** Every change, in the order in which it came; the snapshot is not among them. */
  readonly changes: Sighting[] = [];
  /** Called with every change as it comes. */
  onChange: (sighting: Sighting) => void = () => {};
  readonly #socket: WebSocket;
  /** The newest document of each user, the snapshot's included. */
  readonly #latest = new Map<string, PresenceDocument>();
  /** By user: all documents not yet taken by `next`. */
  readonly #ahead = new Map<string, PresenceDocument[]>();
  #waiters: Waiter[] = [];
  #failure: Error | undefined;

  /** Resolves when the whole snapshot is in. `query` is that of `/v1/watch`: `domain=example.com` or `user=...&user=...`. */
  static async connect(url: string, token: string, query: string): Promise<Watcher> {
    const address = `${url.replace(/^http/, 'ws')}/v1/watch?${query}`;
    const socket = new WebSocket(address, ['offhook.v1', `offhook.token.${token}`]);
    const ready = Promise.withResolvers<void>();
    const watcher = new Watcher(socket, ready);
    await ready.promise;
    return watcher;
  }

  private constructor(socket: WebSocket, ready: PromiseWithResolvers<void>) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const frame: WatchFrame = JSON.parse(String(data));
      if (frame.type === 'change') this.#take(frame.presence, Date.now());
      else if (frame.type === 'check') socket.send('ack');
      else if (frame.type === 'snapshot') {
        for (const { user, presence } of frame.users) if (presence) this.#keep(user, presence);
        if (!frame.more) ready.resolve();
      }
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.#failure = new Error(`the watcher's WebSocket was closed (${code} ${reason})`);
      ready.reject(this.#failure);
    });
  }

  latest(user: string): PresenceDocument | undefined {
    return this.#latest.get(user);
  }

  /**
   * The next document of the user that passes the test, among those that came after the last one taken. What does not pass is
   * skipped for good, so a series of calls sees things in their order. Throws after `within` ms, naming `what` was awaited.
   */
  async next(user: string, what: string, test: Waiter['test'], within = 5000): Promise<PresenceDocument> {
    const ahead = this.#ahead.get(user) ?? [];
    const index = ahead.findIndex(test);
    const found = ahead.splice(0, index < 0 ? ahead.length : index + 1).at(-1);
    if (index >= 0 && found) return found;
    const { promise, resolve, reject } = Promise.withResolvers<PresenceDocument>();
    const waiter = { user, test, resolve };
    this.#waiters.push(waiter);
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      const last = this.#latest.get(user);
      const now = last ? `${last.status} (${last.terminalStatus}, ${last.callStatus})` : 'unknown to the watcher';
      reject(this.#failure ?? new Error(`awaited for ${within} ms: ${user} ${what}; but ${user} is ${now}`));
    }, within);
    return promise.finally(() => clearTimeout(timer));
  }

  /** Resolves when the test holds; it is tried now and after every change. Throws after `within` ms, naming `what` was awaited. */
  async until(what: string, test: () => boolean, within = 5000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const before = this.onChange;
    const timer = setTimeout(() => reject(this.#failure ?? new Error(`awaited for ${within} ms: ${what}`)), within);
    this.onChange = (sighting) => {
      before(sighting);
      if (test()) resolve();
    };
    if (test()) resolve();
    await promise.finally(() => {
      clearTimeout(timer);
      this.onChange = before;
    });
  }

  close(): void {
    this.#socket.close();
  }

  #take(presence: PresenceDocument, at: number): void {
    const sighting = { at, presence };
    this.changes.push(sighting);
    this.#keep(presence.user, presence);
    this.onChange(sighting);
  }

  #keep(user: string, presence: PresenceDocument): void {
    this.#latest.set(user, presence);
    const waiter = this.#waiters.find((other) => other.user === user);
    if (!waiter) {
      const ahead = this.#ahead.get(user);
      if (ahead) ahead.push(presence);
      else this.#ahead.set(user, [presence]);
    } else if (waiter.test(presence)) {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.resolve(presence);
    }
  }
}
