import { endsSnapshot, markIn, resumedFrame, typeOf, withCursor } from '../objects/frames.ts';
import { NOWHERE } from '../objects/mark.ts';
import type { Begun } from '../objects/watch-query.ts';

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
  /** The watch has ended: code and reason as of a WebSocket's close. Called once, and not where the sink itself ended it. */
  close(code: number, reason: string): void;
}

/** A watch over several boards. */
export interface Joined {
  /** The cursor after the last frame. */
  cursor(): string;
  /** Ends it from the client's side. */
  close(code: number, reason: string): void;
}

/**
 * Joins the sockets of several boards into one stream of frames, each with a cursor that has the marks of all boards. All close when one
 * closes, so that the client comes again, from its cursor: a watch of which a part is silently missing would present old state as fact.
 */
export function join({ sockets, head, begun, marks: from }: OpenedWatch, sink: Sink): Joined {
  const marks = [...(from ?? sockets.map(() => NOWHERE))];
  const cursor = () => head + marks.join('');
  let open = true;
  let snapshots = begun === 'snapshot' ? sockets.length : 0;
  const closeAll = (code: number, reason: string, tell: boolean) => {
    if (!open) return;
    open = false;
    for (const socket of sockets) close(socket, sendable(code) ? code : 1012, reason);
    if (tell) sink.close(sendable(code) ? code : 1012, reason);
  };
  const send = (frame: string, type: string) => {
    try {
      sink.send(frame, type, cursor());
    } catch {
      closeAll(1011, 'could not be sent to', true);
    }
  };
  if (begun !== 'snapshot') send(resumedFrame(begun === 'exact', cursor()), 'resumed');
  for (const [i, board] of sockets.entries()) {
    board.accept();
    board.addEventListener('message', ({ data }) => {
      if (!open || typeof data !== 'string') return;
      const type = typeOf(data);
      // What a board sends is read at once; what waits for the client is counted where it waits.
      if (type === 'check') return board.send('ack');
      marks[i] = markIn(data);
      // The last frame of the last snapshot is the last of all.
      const last = endsSnapshot(data);
      if (last) snapshots--;
      send(withCursor(data, cursor(), last && snapshots > 0), type);
    });
    board.addEventListener('close', ({ code, reason }) => closeAll(code, reason, true));
    board.addEventListener('error', () => closeAll(1011, 'a board was lost', true));
  }
  return { cursor, close: (code, reason) => closeAll(code, reason, false) };
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
