import { markIn, withCursor } from './frames.ts';
import { Joined, type OpenedWatch } from './join.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { listen } from './listen.ts';
import { discard } from './open-boards.ts';
import { close, type Readers } from './readers.ts';

/** Opens the boards of a trunk after those marks; undefined where they have no room. */
type OpenTrunk = (marks: string[]) => Promise<OpenedWatch | undefined>;

/**
 * One stream of the frames of all boards of a domain, for all watchers who see the same of it: a board sends each frame once, however many watch.
 *
 * A watcher begins with sockets of its own at the boards, which bring its snapshot, or what it missed. Where the mark of one of them is that of
 * the trunk, both have told the same: that socket is closed, and its frames come from the trunk from then on. Numbers of a board rise by one
 * with each frame, in the same order on all sockets, so nothing is lost at the change-over, and nothing comes twice.
 */
export class Trunk {
  readonly #head: string;
  readonly #readers: Readers;
  readonly #open: OpenTrunk;
  readonly #now: () => number;
  /** Watchers who still have sockets of their own. */
  readonly #beginning = new Map<WebSocket, Joined>();
  /** Those who have none. */
  readonly #following = new Set<WebSocket>();
  #sockets: readonly WebSocket[] = [];
  /** The mark of each board; undefined while it is not open. */
  #marks: string[] | undefined;
  /** It is being opened, or is not to be before then, ms since 1970. */
  #notBefore = 0;

  constructor(head: string, readers: Readers, open: OpenTrunk, now: () => number) {
    this.#head = head;
    this.#readers = readers;
    this.#open = open;
    this.#now = now;
  }

  get size(): number {
    return this.#beginning.size + this.#following.size;
  }

  /** Takes a watcher, with sockets of its own. */
  admit(client: WebSocket, watch: OpenedWatch): void {
    const joined = new Joined(watch, {
      send: (frame, type, cursor) => {
        if (type === 'snapshot') this.#readers.allow(client, frame.length);
        this.#readers.tell(client, frame, cursor, this.#now());
        // Many who open at once and do not read have more than their changes will ever be.
        if (type === 'snapshot') this.#readers.makeRoom(this.#now());
        this.#compare(client);
      },
      expect: (size) => this.#readers.allow(client, size),
      close: (code, reason) => this.#readers.close(client, code, reason),
    });
    // It could not be sent to.
    if (!this.#readers.has(client)) {
      joined.close(1011, '');
      return;
    }
    this.#beginning.set(client, joined);
    this.#compare(client);
  }

  /** A watcher is gone. With the last of them the trunk closes. */
  leave(client: WebSocket): void {
    this.#beginning.get(client)?.close(1000, '');
    this.#beginning.delete(client);
    this.#following.delete(client);
    if (this.size === 0) this.#end();
  }

  /** Hands over each board at which the watcher stands where the trunk does. */
  #compare(client: WebSocket): void {
    const joined = this.#beginning.get(client);
    if (joined === undefined) return;
    if (this.#marks === undefined) {
      this.#start(joined);
      return;
    }
    let left = 0;
    for (const [board, mark] of joined.own()) {
      if (mark === this.#marks[board]) joined.release(board);
      else left += 1;
    }
    if (left > 0) return;
    this.#beginning.delete(client);
    this.#following.add(client);
  }

  /** Opens the trunk from where a watcher stands. One watcher alone needs none. */
  #start(joined: Joined): void {
    const now = this.#now();
    if (this.size < 2 || now < this.#notBefore) return;
    const marks = joined.marks;
    if (marks === undefined) return;
    this.#notBefore = Infinity;
    void this.#open(marks)
      .catch(() => undefined)
      .then((watch) => {
        this.#notBefore = this.#now() + OBJECT_LIMITS.trunkRetry;
        this.#opened(watch, marks);
      });
  }

  #opened(watch: OpenedWatch | undefined, marks: string[]): void {
    if (watch === undefined) return;
    // A trunk with a gap would leave out what happened in it: watchers keep the sockets that they have, and it is tried again.
    if (watch.begun !== 'exact' || this.size === 0) {
      for (const socket of watch.sockets) discard(socket);
      return;
    }
    this.#sockets = watch.sockets;
    this.#marks = marks;
    for (const [board, socket] of watch.sockets.entries()) {
      listen(socket, {
        of: 'a board',
        isOpen: () => this.#sockets[board] === socket,
        frame: (frame) => this.#tell(board, frame),
        expect: (size) => this.#expect(size),
        lost: (code, reason) => this.#lose(code, reason),
      });
    }
    for (const client of [...this.#beginning.keys()]) this.#compare(client);
  }

  /** Also of whoever still has a socket of their own: what was announced may come from here after all. */
  #expect(size: number): void {
    for (const client of [...this.#following, ...this.#beginning.keys()]) this.#readers.allow(client, size);
  }

  #tell(board: number, frame: string): void {
    const marks = this.#marks as string[];
    marks[board] = markIn(frame);
    const cursor = this.#head + marks.join('');
    const text = withCursor(frame, cursor);
    const now = this.#now();
    for (const client of this.#following) this.#readers.tell(client, text, cursor, now);
    for (const [client, joined] of [...this.#beginning]) {
      if (joined.isReleased(board)) joined.take(board, frame);
      else this.#compare(client);
    }
    this.#readers.makeRoom(now);
  }

  /** Whoever follows it comes again, from its cursor. */
  #lose(code: number, reason: string): void {
    const beginning = [...this.#beginning].filter(([, joined]) => joined.isFollowing).map(([client]) => client);
    const clients = [...this.#following, ...beginning];
    this.#end();
    for (const client of clients) this.#readers.close(client, code, reason);
  }

  #end(): void {
    const sockets = this.#sockets;
    this.#sockets = [];
    this.#marks = undefined;
    for (const socket of sockets) close(socket, 1000, '');
  }
}
