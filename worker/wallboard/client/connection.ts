import { retryPause, type Session } from './session.ts';

/** The silence after which the page asks whether the connection is still there, and how long it waits for the answer, ms. */
const PING_AFTER = 20_000;
const PONG_WITHIN = 8000;
/** A connection must open within so long, ms. */
const OPEN_WITHIN = 10_000;

/** What a connection tells. */
export interface ConnectionEvents {
  /** After which frame to go on; undefined for a snapshot. */
  cursor(): string | undefined;
  opened(): void;
  message(text: string): void;
  /** Not connected: the Worker was last heard `at`, and the next attempt is at `retryAt`, ms since 1970. */
  lost(at: number, retryAt: number): void;
  /** The Worker does not take the token for this domain, and said why: no further attempt. */
  refused(why: string): void;
}

/** Keeps a WebSocket to `GET /v1/watch` of a domain open until it is closed. */
export class Connection {
  readonly #session: Session;
  readonly #events: ConnectionEvents;
  #socket: WebSocket | undefined;
  #timer: number | undefined;
  #attempt = 0;
  /** When the Worker was last heard, ms since 1970. */
  #heard = Date.now();
  #closed = false;

  constructor(session: Session, events: ConnectionEvents) {
    this.#session = session;
    this.#events = events;
    this.#open();
  }

  /** Tries again now, where it is waiting to. */
  retry(): void {
    if (!this.#socket && !this.#closed) this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #open(): void {
    const { domain, token } = this.#session;
    const url = new URL('/v1/watch', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('domain', domain);
    const since = this.#events.cursor();
    if (since) url.searchParams.set('since', since);
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, ['offhook.v1', `offhook.token.${token}`]);
    } catch {
      // A token with characters that a sub-protocol cannot have.
      this.#refuse('the token is not valid');
      return;
    }
    this.#socket = socket;
    let opened = false;
    this.#arm(OPEN_WITHIN, () => this.#gone(socket, opened));
    socket.onopen = () => {
      opened = true;
      this.#attempt = 0;
      this.#watchSilence(socket);
      this.#events.opened();
    };
    socket.onmessage = ({ data }) => {
      if (this.#closed || socket !== this.#socket) return;
      this.#watchSilence(socket);
      if (typeof data !== 'string' || data === 'pong') return;
      this.#events.message(data);
      // The Worker asks whether what it sent has been read.
      if (data.startsWith('{"type":"check"')) socket.send('ack');
    };
    socket.onclose = () => {
      // The end of a connection is a word too; one that was given up came to its end unheard.
      if (opened && socket === this.#socket) this.#heard = Date.now();
      this.#gone(socket, opened);
    };
  }

  /** A connection that died without a word (a cable pulled, a laptop asleep) is found by asking. */
  #watchSilence(socket: WebSocket): void {
    this.#heard = Date.now();
    this.#arm(PING_AFTER, () => {
      socket.send('ping');
      this.#arm(PONG_WITHIN, () => this.#gone(socket, true));
    });
  }

  #gone(socket: WebSocket, opened: boolean): void {
    if (this.#closed || socket !== this.#socket) return;
    this.#socket = undefined;
    socket.close();
    this.#attempt += 1;
    const pause = retryPause(this.#attempt, Math.random());
    this.#arm(pause, () => this.#open());
    this.#events.lost(this.#heard, Date.now() + pause);
    // A browser does not tell a page why a WebSocket was refused; a plain request does.
    if (!opened) void this.#askWhy();
  }

  async #askWhy(): Promise<void> {
    const { domain, token } = this.#session;
    try {
      const path = `/v1/domains/${encodeURIComponent(domain)}/presence?limit=1`;
      const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` } });
      if (answer.status < 400 || answer.status >= 500 || answer.status === 429) return;
      const problem = (await answer.json()) as { detail?: string; title?: string };
      this.#refuse(problem.detail ?? problem.title ?? `status ${answer.status}`);
    } catch {
      // Not reachable: then it is no refusal.
    }
  }

  #refuse(why: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.refused(why);
  }

  #arm(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }
}
