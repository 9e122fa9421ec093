import type { Asker } from './asker.ts';
import { EventStream } from './event-stream.ts';
import { parseFrame } from './frame.ts';
import type { WebSocketLike } from './options.ts';
import { problemOf } from './problem.ts';
import type { WatchInput } from './watch-state.ts';
import type { Watched } from './watch-types.ts';

/** Connections answered so are not opened again by themselves: all other 4xx will be answered the same the next time. */
const PASSING = [408, 425, 429];

/** One connection. After `close` it tells nothing more. */
export interface Link {
  ping(): void;
  ack(): void;
  close(): void;
}

type Tell = (input: WatchInput) => void;

/** The query of a watch, from a cursor on. */
export function watchQuery(watched: Watched, since: string | undefined): string {
  const query = new URLSearchParams(
    'domain' in watched ? { domain: watched.domain } : watched.users.map((user) => ['user', user]),
  );
  if (since !== undefined) query.append('since', since);
  return query.toString();
}

/** Opens a watch as a WebSocket. The token goes as a sub-protocol: a browser can set no header of a handshake. */
export function openSocket(Constructor: WebSocketLike, base: string, token: string, query: string, tell: Tell): Link {
  const socket = new Constructor(`${base.replace(/^http/i, 'ws')}/v1/watch?${query}`, ['offhook.v1', `offhook.token.${token}`]);
  let closed = false;
  const end = (why: string) => {
    if (closed) return;
    closed = true;
    tell({ is: 'closed', why });
  };
  socket.onopen = () => {
    if (!closed) tell({ is: 'opened' });
  };
  socket.onmessage = ({ data }) => {
    const frame = typeof data === 'string' ? parseFrame(data) : undefined;
    if (!closed) tell(frame === undefined ? { is: 'heard' } : { is: 'frame', frame });
  };
  socket.onerror = () => {};
  socket.onclose = ({ code, reason }) =>
    end(reason === '' ? `the connection was closed (${code})` : `the Worker ended it: ${reason}`);
  const send = (text: string) => {
    if (socket.readyState === 1) socket.send(text);
  };
  return {
    ping: () => send('ping'),
    ack: () => send('ack'),
    close() {
      closed = true;
      socket.close();
    },
  };
}

/** Opens a watch as server-sent events, read by `fetch`, which can send the token as a header. */
export function openEvents({ base, fetch }: Asker, token: string, query: string, tell: Tell): Link {
  const ending = new AbortController();
  const told: Tell = (input) => {
    if (!ending.signal.aborted) tell(input);
  };
  /** Set while reading waits for what was read to be taken: what waits in the connection holds up the Worker, who knows when it is too much. */
  let resume: (() => void) | undefined;
  const taken = () =>
    new Promise<void>((resolve) => {
      resume = resolve;
      told({ is: 'check' });
    });
  const read = async () => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const response = await fetch(`${base}/v1/events?${query}`, { headers, signal: ending.signal });
    if (!response.ok || response.body === null) {
      const problem = await problemOf(response, Date.now());
      const refused = response.status >= 400 && response.status < 500 && !PASSING.includes(response.status);
      if (refused) told({ is: 'refused', problem });
      else told({ is: 'closed', why: `the Worker answers ${problem.status}: ${problem.message}`, after: problem.retryAfter });
      return;
    }
    told({ is: 'opened' });
    told({ is: 'closed', why: await readAll(response.body.getReader(), told, taken) });
  };
  read().catch((error: Error & { cause?: { message?: string; code?: string } }) => {
    const { cause, message } = error;
    told({ is: 'closed', why: `not connected: ${cause?.message || cause?.code || message}` });
  });
  return {
    // The Worker speaks every 15 s by itself; it is we who do not listen while reading waits.
    ping() {
      if (resume !== undefined) told({ is: 'heard' });
    },
    ack() {
      resume?.();
      resume = undefined;
    },
    close: () => ending.abort(),
  };
}

/** Reads events to the end; tells why it ended. */
async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>, tell: Tell, taken: () => Promise<void>): Promise<string> {
  const decoder = new TextDecoder();
  const stream = new EventStream();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return 'the connection was closed';
    tell({ is: 'heard' });
    for (const { event, data } of stream.take(decoder.decode(value, { stream: true }))) {
      if (event === 'end') return `the Worker ended it: ${(JSON.parse(data) as { reason?: string }).reason || 'no reason'}`;
      const frame = parseFrame(data);
      if (frame !== undefined) tell({ is: 'frame', frame });
    }
    await taken();
  }
}
