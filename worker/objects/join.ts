import { endsSnapshot, markIn, resumedFrame, typeOf, withCursor } from './frames.ts';
import { listen } from './listen.ts';
import { NOWHERE } from './mark.ts';
import { close } from './readers.ts';
import type { Begun } from './watch-query.ts';

/** Sockets of the boards of one watch, not accepted yet. */
export interface OpenedWatch {
  readonly sockets: readonly WebSocket[];
  /** What all cursors of this watch begin with. */
  readonly head: string;
  readonly begun: Begun;
  /** How much was missed and comes first, characters, cursors not counted in full. */
  readonly missed: number;
  /** Where it goes on from; undefined with a snapshot. */
  readonly marks: readonly string[] | undefined;
}

/** Where the frames of a watch go. */
export interface Sink {
  /** A frame, its type and its cursor. Throws where nothing can be sent any more. */
  send(frame: string, type: string, cursor: string): void;
  /** So much more comes at once, characters, through no fault of whoever reads. */
  expect(size: number): void;
  /** The watch has ended: code and reason as of a WebSocket's close. Called once, and not where the sink itself ended it. */
  close(code: number, reason: string): void;
}

/**
 * Joins the sockets of several boards into one stream of frames, each with a cursor that has the marks of all boards. All close when one
 * closes, so that the client comes again, from its cursor: a watch of which a part is silently missing would present old state as fact.
 */
export class Joined {
  readonly #sink: Sink;
  readonly #head: string;
  readonly #marks: string[];
  /** Undefined where the frames of that board come from elsewhere. */
  readonly #sockets: (WebSocket | undefined)[];
  /** Boards whose snapshot is not complete. */
  #snapshots: number;
  #open = true;

  constructor({ sockets, head, begun, marks }: OpenedWatch, sink: Sink) {
    this.#sink = sink;
    this.#head = head;
    this.#marks = [...(marks ?? sockets.map(() => NOWHERE))];
    this.#sockets = [...sockets];
    this.#snapshots = begun === 'snapshot' ? sockets.length : 0;
    if (begun !== 'snapshot') this.#send(resumedFrame(begun === 'exact', this.cursor), 'resumed');
    for (const [i, board] of sockets.entries()) {
      listen(board, {
        of: 'a board',
        isOpen: () => this.#sockets[i] === board,
        frame: (frame) => this.take(i, frame),
        expect: (size) => this.#sink.expect(size),
        lost: (code, reason) => this.#end(code, reason, true),
      });
    }
  }

  /** The cursor after the last frame. */
  get cursor(): string {
    return this.#head + this.#marks.join('');
  }

  /** The boards that still send frames by their own sockets, each with the mark after its last frame. */
  *own(): Iterable<readonly [board: number, mark: string]> {
    for (const [i, socket] of this.#sockets.entries()) if (socket !== undefined) yield [i, this.#marks[i] as string];
  }

  /** The marks of all boards as they are now; undefined while a snapshot is not complete. */
  get marks(): string[] | undefined {
    return this.#marks.includes(NOWHERE) ? undefined : [...this.#marks];
  }

  /** Whether the frames of any board come by `take` alone. */
  get isFollowing(): boolean {
    return this.#sockets.includes(undefined);
  }

  /** Whether the frames of that board come by `take` alone. */
  isReleased(board: number): boolean {
    return this.#sockets[board] === undefined;
  }

  /** Closes the socket of a board: its frames come by `take` from now on. */
  release(board: number): void {
    const socket = this.#sockets[board];
    this.#sockets[board] = undefined;
    if (socket !== undefined) close(socket, 1000, '');
  }

  /** A frame of a board. */
  take(board: number, frame: string): void {
    if (!this.#open) return;
    this.#marks[board] = markIn(frame);
    // The last frame of the last snapshot is the last of all.
    const last = endsSnapshot(frame);
    if (last) this.#snapshots--;
    this.#send(withCursor(frame, this.cursor, last && this.#snapshots > 0), typeOf(frame));
  }

  /** Ends it from the client's side. */
  close(code: number, reason: string): void {
    this.#end(code, reason, false);
  }

  #send(frame: string, type: string): void {
    try {
      this.#sink.send(frame, type, this.cursor);
    } catch {
      this.#end(1011, 'could not be sent to', true);
    }
  }

  #end(code: number, reason: string, tell: boolean): void {
    if (!this.#open) return;
    this.#open = false;
    for (const [i, socket] of this.#sockets.entries()) {
      this.#sockets[i] = undefined;
      if (socket !== undefined) close(socket, code, reason);
    }
    if (tell) this.#sink.close(code, reason);
  }
}
