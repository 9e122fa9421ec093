import { endsSnapshot, withMore } from '../objects/frames.ts';

/**
 * Joins the sockets of several boards into one for the client. All close when one closes, so that the client connects again and
 * gets a fresh snapshot: a watch of which a part is silently missing would present old state as fact.
 */
export function pipe(boards: readonly WebSocket[]): WebSocket {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  // Else binary messages come as blobs, which cannot be passed on as they are.
  server.binaryType = 'arraybuffer';
  let open = true;
  let snapshots = boards.length;
  const closeAll = (code: number, reason: string) => {
    if (!open) return;
    open = false;
    for (const socket of [server, ...boards]) close(socket, code, reason);
  };
  for (const board of boards) {
    board.accept();
    board.addEventListener('message', ({ data }) => {
      if (!open || typeof data !== 'string') return;
      // The last frame of the last snapshot is the last of all.
      const last = endsSnapshot(data);
      if (last) snapshots--;
      try {
        server.send(last && snapshots > 0 ? withMore(data) : data);
      } catch {
        closeAll(1011, 'could not be sent to');
      }
    });
    board.addEventListener('close', ({ code, reason }) => closeAll(sendable(code) ? code : 1012, reason));
    board.addEventListener('error', () => closeAll(1011, 'a board was lost'));
  }
  server.addEventListener('message', ({ data }) => {
    if (data === 'ping') server.send('pong');
    // What else a client says is a board's business: it knows what to answer.
    else if (open) boards[0]?.send(data);
  });
  server.addEventListener('close', () => closeAll(1000, ''));
  server.addEventListener('error', () => closeAll(1011, 'connection failed'));
  return client;
}

/** RFC 6455 7.4.1: some codes stand for closes that were never sent. */
function sendable(code: number): boolean {
  return code === 1000 || (code >= 1001 && code <= 4999 && code !== 1004 && code !== 1005 && code !== 1006 && code !== 1015);
}

function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed already: that is all that was wanted.
  }
}
