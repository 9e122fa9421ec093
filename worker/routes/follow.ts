import { cursorIn, typeOf } from '../objects/frames.ts';
import type { Sink } from '../objects/join.ts';
import { close, sendable } from '../objects/readers.ts';

/** Passes on the frames of a list server, which are ready for a watcher. Returns what ends it from the watcher's side. */
export function follow(socket: WebSocket, sink: Sink): () => void {
  let open = true;
  const end = (code: number, reason: string) => {
    if (!open) return;
    open = false;
    close(socket, 1000, '');
    sink.close(sendable(code) ? code : 1012, reason);
  };
  socket.accept();
  socket.addEventListener('message', ({ data }) => {
    if (!open || typeof data !== 'string') return;
    const type = typeOf(data);
    // What the list server sends is read at once; what waits for the client is counted where it waits.
    if (type === 'check') return socket.send('ack');
    try {
      sink.send(data, type, cursorIn(data));
    } catch {
      end(1011, 'could not be sent to');
    }
  });
  socket.addEventListener('close', ({ code, reason }) => end(code, reason));
  socket.addEventListener('error', () => end(1011, 'the list server was lost'));
  return () => {
    open = false;
    close(socket, 1000, '');
  };
}
