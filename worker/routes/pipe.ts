import { Joined, type OpenedWatch } from '../objects/join.ts';
import { Readers } from '../objects/readers.ts';

/** Joins the sockets of several boards into one for the client. */
export function pipe(watch: OpenedWatch): WebSocket {
  const { 0: client, 1: server } = new WebSocketPair();
  let joined: Joined | undefined;
  const readers = new Readers(() => joined?.close(1000, ''));
  readers.accept(server);
  readers.allow(server, 2 * watch.missed);
  joined = new Joined(watch, {
    send(frame, type, cursor) {
      if (type === 'snapshot') readers.allow(server, frame.length);
      readers.tell(server, frame, cursor, Date.now());
    },
    expect: (size) => readers.allow(server, size),
    close: (code, reason) => readers.close(server, code, reason),
  });
  if (!readers.has(server)) joined.close(1000, '');
  return client;
}
