import { sizeIn, typeOf } from './frames.ts';
import { sendable } from './readers.ts';

/** Who hears what a board, or a list server, sends. */
export interface Listener {
  /** What it is, as a watcher is told of whom the connection failed. */
  readonly of: 'a board' | 'the list server';
  /** Whether anything is to be heard any more: what comes after is passed over. */
  isOpen(): boolean;
  frame(frame: string, type: string): void;
  /** So much more comes at once, characters, through no fault of whoever reads. */
  expect(size: number): void;
  /** The socket is gone: code (one that may be sent on) and reason. */
  lost(code: number, reason: string): void;
}

/** Accepts the socket of a board or list server, and answers what it asks: what it sends is read at once; what waits for a client is counted there. */
export function listen(socket: WebSocket, listener: Listener): void {
  socket.accept();
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string' || !listener.isOpen()) return;
    const type = typeOf(data);
    if (type === 'check') socket.send('ack');
    else if (type === 'expect') listener.expect(sizeIn(data));
    else listener.frame(data, type);
  });
  const lost = (code: number, reason: string) => {
    if (listener.isOpen()) listener.lost(sendable(code) ? code : 1012, reason);
  };
  socket.addEventListener('close', ({ code, reason }) => lost(code, reason));
  socket.addEventListener('error', () => lost(1011, `${listener.of} was lost`));
}
