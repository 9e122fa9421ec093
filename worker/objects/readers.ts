import { checkFrame } from './frames.ts';
import { OBJECT_LIMITS } from './limits.ts';
import { Unread } from './unread.ts';

/** Close code of a watcher that does not read what it is sent: of those that RFC 6455 7.4.2 leaves to applications. */
export const TOO_SLOW = 4008;

interface Reader {
  readonly unread: Unread;
  /** Answers that nobody asked for. */
  acks: number;
}

/**
 * The sockets of watchers, and what each of them has been sent and may not have read: who does not read is cut, and nobody else notices. Times are
 * ms since 1970.
 */
export class Readers {
  readonly #live = new Map<WebSocket, Reader>();
  readonly #gone: (socket: WebSocket) => void;
  /** What all of them together may not have read, characters. */
  #unread = 0;

  /** `gone` is told of each socket that is closed or could not be sent to, once. */
  constructor(gone: (socket: WebSocket) => void) {
    this.#gone = gone;
  }

  has(socket: WebSocket): boolean {
    return this.#live.has(socket);
  }

  /** Takes a socket that is accepted already. */
  add(socket: WebSocket): void {
    this.#live.set(socket, { unread: new Unread(), acks: 0 });
  }

  /** Accepts a socket, which lives as long as this object's memory, and takes it. */
  accept(socket: WebSocket): void {
    socket.accept();
    // Else binary messages come as blobs, the size of which is not known at once.
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.heard(socket, data as string | ArrayBuffer));
    socket.addEventListener('close', () => this.close(socket, 1000, ''));
    socket.addEventListener('error', () => this.close(socket, 1011, 'connection failed'));
    this.add(socket);
  }

  /** So much more, characters, is to be read at once, through no fault of whoever reads. */
  allow(socket: WebSocket, size: number): void {
    this.#live.get(socket)?.unread.allow(size);
  }

  /** The same for all. */
  allowAll(size: number): void {
    for (const { unread } of this.#live.values()) unread.allow(size);
  }

  /** Sends a frame. A socket that cannot be sent to, or has too much that is not read, is closed. */
  send(socket: WebSocket, frame: string, now: number): void {
    const unread = this.#live.get(socket)?.unread;
    if (unread === undefined || !this.#say(socket, frame)) return;
    unread.sent(frame.length);
    this.#unread += frame.length;
    if (unread.isTooMuch(now)) this.close(socket, TOO_SLOW, 'too slow: too much is not read');
  }

  /** Sends a frame that ends at the cursor, and asks whether it is read, where it is time to. */
  tell(socket: WebSocket, frame: string, cursor: string, now: number): void {
    this.send(socket, frame, now);
    this.check(socket, cursor, now);
  }

  /** Asks whether it has read what it was sent, where it is time to. It has been told all up to the cursor: whoever comes again may name that. */
  check(socket: WebSocket, cursor: string, now: number): void {
    if (this.#live.get(socket)?.unread.ask(now)) this.send(socket, checkFrame(cursor), now);
  }

  /** Those who do not answer are cut, the furthest behind first, while all together have more to read than is kept for them. */
  makeRoom(now: number): void {
    if (this.#unread <= OBJECT_LIMITS.boardUnread) return;
    const late = [...this.#live].filter(([, { unread }]) => unread.isLate(now));
    for (const [socket] of late.sort(([, one], [, other]) => other.unread.size - one.unread.size)) {
      if (this.#unread <= OBJECT_LIMITS.boardUnread) return;
      this.close(socket, TOO_SLOW, 'too slow: the board has too much that is not read');
    }
  }

  /** A watcher has nothing to say but `ping`, which is answered, and `ack` where it was asked. One that says anything else is closed. */
  heard(socket: WebSocket, message: string | ArrayBuffer): void {
    const size = typeof message === 'string' ? message.length : message.byteLength;
    if (size > OBJECT_LIMITS.watcherMessage) this.close(socket, 1009, 'message too big');
    else if (message === 'ack') this.#acknowledged(socket);
    else if (message === 'ping') this.#say(socket, 'pong');
    else this.close(socket, 1008, 'only ping and ack are understood');
  }

  /** Closes a socket and forgets it. */
  close(socket: WebSocket, code: number, reason: string): void {
    this.#remove(socket);
    close(socket, code, reason);
  }

  /** A watcher has read what it was sent before the last question. One that answers without being asked, again and again, is closed. */
  #acknowledged(socket: WebSocket): void {
    const reader = this.#live.get(socket);
    if (reader === undefined) return;
    const before = reader.unread.size;
    const asked = reader.unread.acknowledged();
    this.#unread -= before - reader.unread.size;
    if (!asked && ++reader.acks > OBJECT_LIMITS.watcherAcks) this.close(socket, 1008, 'nothing was asked');
  }

  #say(socket: WebSocket, text: string): boolean {
    try {
      socket.send(text);
      return true;
    } catch {
      this.close(socket, 1011, 'could not be sent to');
      return false;
    }
  }

  #remove(socket: WebSocket): void {
    const reader = this.#live.get(socket);
    if (reader === undefined) return;
    this.#live.delete(socket);
    this.#unread -= reader.unread.size;
    this.#gone(socket);
  }
}

/** RFC 6455 7.4.1: some codes stand for closes that were never sent. */
export function sendable(code: number): boolean {
  return code === 1000 || (code >= 1001 && code <= 4999 && code !== 1004 && code !== 1005 && code !== 1006 && code !== 1015);
}

/** Closes a socket, unless it is closed already. */
export function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed already: that is all that was wanted.
  }
}
