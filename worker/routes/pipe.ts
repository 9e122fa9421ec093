import { checkFrame } from '../objects/frames.ts';
import { OBJECT_LIMITS } from '../objects/limits.ts';
import { Unread } from '../objects/unread.ts';
import { TOO_SLOW } from '../objects/watchers.ts';
import { close, join, type OpenedWatch } from './join.ts';

/** Joins the sockets of several boards into one for the client. What a board does for a client of its own (see `Watchers`) is done here. */
export function pipe(watch: OpenedWatch): WebSocket {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  // Else binary messages come as blobs, the size of which is not known at once.
  server.binaryType = 'arraybuffer';
  const unread = new Unread();
  unread.allow(2 * watch.missed);
  let acks = 0;
  const send = (frame: string) => {
    server.send(frame);
    unread.sent(frame.length);
  };
  const joined = join(watch, {
    send(frame, type, cursor) {
      if (type === 'snapshot') unread.allow(frame.length);
      send(frame);
      const now = Date.now();
      if (unread.isTooMuch(now)) end(TOO_SLOW, 'too slow: too much is not read');
      else if (unread.ask(now)) send(checkFrame(cursor));
    },
    close: (code, reason) => close(server, code, reason),
  });
  function end(code: number, reason: string): void {
    joined.close(code, reason);
    close(server, code, reason);
  }
  server.addEventListener('message', ({ data }) => {
    const size = typeof data === 'string' ? data.length : (data as ArrayBuffer).byteLength;
    if (data === 'ping') server.send('pong');
    else if (size > OBJECT_LIMITS.watcherMessage) end(1009, 'message too big');
    else if (data !== 'ack') end(1008, 'only ping and ack are understood');
    else if (!unread.acknowledged() && ++acks > OBJECT_LIMITS.watcherAcks) end(1008, 'nothing was asked');
  });
  server.addEventListener('close', () => end(1000, ''));
  server.addEventListener('error', () => end(1011, 'connection failed'));
  return client;
}
