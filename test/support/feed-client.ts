import { get, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { WatchFrame } from '#protocol';
import { EventStream } from '../../worker/client/event-stream.ts';

/** A client of the feed of changes that can be told to stop reading. */
export interface FeedClient {
  readonly frames: WatchFrame[];
  readonly closed: { code: number; reason: string } | undefined;
  pause(): void;
  resume(): void;
  leave(): void;
}

/** The versions of the changes that came, in their order. */
export const versionsOf = ({ frames }: FeedClient) =>
  frames.flatMap((frame) => (frame.type === 'change' ? [frame.presence.version] : []));
/** Whether the snapshot is complete, or the client goes on from its cursor. */
export const ready = ({ frames }: FeedClient) =>
  frames.some((frame) => frame.type === 'resumed' || (frame.type === 'snapshot' && !frame.more));

/** A watcher by WebSocket, which answers what it is asked. */
export function webSocket(url: string, token: string, query: string, since = ''): FeedClient {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/watch?${query}&since=${since}`, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  const client = {
    frames: [] as WatchFrame[],
    closed: undefined as FeedClient['closed'],
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    leave: () => socket.close(),
  };
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as WatchFrame;
    client.frames.push(frame);
    if (frame.type === 'check' && socket.readyState === WebSocket.OPEN) socket.send('ack');
  });
  socket.on('close', (code, reason) => {
    client.closed = { code, reason: String(reason) };
  });
  socket.on('error', () => {});
  return client;
}

/** A client of server-sent events. */
export function events(url: string, token: string, query: string, since = ''): FeedClient {
  const stream = new EventStream();
  let response: IncomingMessage | undefined;
  const client = {
    frames: [] as WatchFrame[],
    closed: undefined as FeedClient['closed'],
    pause: () => void response?.pause(),
    resume: () => void response?.resume(),
    leave: () => void request.destroy(),
  };
  const headers = { authorization: `Bearer ${token}`, ...(since && { 'last-event-id': since }) };
  const request = get(`${url}/v1/events?${query}`, { headers }, (answer) => {
    response = answer.setEncoding('utf8');
    answer.on('data', (text: string) => {
      for (const { event, data } of stream.take(text)) {
        if (event === 'end') client.closed = JSON.parse(data) as { code: number; reason: string };
        else client.frames.push(JSON.parse(data) as WatchFrame);
      }
    });
    answer.on('error', () => {});
    answer.on('close', () => {
      client.closed ??= { code: 1006, reason: 'the connection was lost' };
    });
  });
  request.on('error', () => {
    client.closed ??= { code: 1006, reason: 'the connection was lost' };
  });
  return client;
}
