import { cursorIn } from '../objects/frames.ts';
import type { Sink } from '../objects/join.ts';
import { listen } from '../objects/listen.ts';
import { close } from '../objects/readers.ts';

/** Passes on the frames of a list server, which are ready for a watcher. Returns what ends it from the watcher's side. */
export function follow(socket: WebSocket, sink: Sink): () => void {
  let open = true;
  const leave = () => {
    open = false;
    close(socket, 1000, '');
  };
  const end = (code: number, reason: string) => {
    if (!open) return;
    leave();
    sink.close(code, reason);
  };
  listen(socket, {
    of: 'the list server',
    isOpen: () => open,
    frame(frame, type) {
      try {
        sink.send(frame, type, cursorIn(frame));
      } catch {
        end(1011, 'could not be sent to');
      }
    },
    expect: (size) => sink.expect(size),
    lost: end,
  });
  return leave;
}
