import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { Joined, type Sink } from '../objects/join.ts';
import { openBoards } from '../objects/open-boards.ts';
import { TOO_SLOW } from '../objects/readers.ts';
import type { AppEnv } from './auth.ts';
import { Backlog } from './backlog.ts';
import { follow } from './follow.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { isListed, openList } from './open-list.ts';
import { type AskedWatch, askedWatch, tooManyWatchers } from './open-watch.ts';

/** `GET /v1/events?user=…&user=…` or `?domain=…`: the frames of a watch as server-sent events. `Last-Event-ID`, or `since`, goes on from there. */
export async function events(c: Context<AppEnv>): Promise<Response> {
  // HTML 9.2.4: whoever reconnects names the last event in a header, and asks the same address again, with the old `since`.
  const asked = await askedWatch(c, c.req.header('last-event-id') || c.req.query('since'));
  if (asked instanceof Response) return asked;
  // RFC 9110 9.3.2: nobody would read what comes, nor end it.
  if (c.req.raw.method === 'HEAD') return c.body(null, 200, HEADERS);
  const opened = await openSource(c.env, asked);
  if (opened === undefined) return tooManyWatchers(c);
  return c.body(eventStream(opened), 200, HEADERS);
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/** Where the frames come from. */
interface Source {
  /** How much was missed and comes first, characters. */
  readonly missed: number;
  /** Begins; returns what ends it from the client's side. */
  readonly start: (sink: Sink) => () => void;
}

async function openSource(env: Env, asked: AskedWatch): Promise<Source | undefined> {
  if (isListed(asked)) {
    const list = await openList(env, asked);
    return list && { missed: list.missed, start: (sink) => follow(list.socket, sink) };
  }
  const boards = await openBoards(env, asked);
  if (boards === undefined) return undefined;
  return {
    missed: boards.missed,
    start: (sink) => {
      const joined = new Joined(boards, sink);
      return () => joined.close(1000, '');
    },
  };
}

const encoder = new TextEncoder();

/** The body. What the client has not taken yet waits in its queue; who lets too much wait is cut, with an event `end` behind what waits. */
function eventStream({ missed, start }: Source): ReadableStream<Uint8Array> {
  let pulse: number | null = null;
  let leave: () => void = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const waiting = () => ROUTE_LIMITS.eventsBurst - (controller.desiredSize ?? 0);
        const backlog = new Backlog(2 * missed);
        const write = (text: string) => controller.enqueue(encoder.encode(text));
        const end = (code: number, reason: string) => {
          clearInterval(pulse);
          write(`event: end\ndata: ${JSON.stringify({ type: 'end', code, reason })}\n\n`);
          controller.close();
          // Who takes nothing at all would keep it in memory.
          setTimeout(() => controller.error(new Error('the client does not read')), ROUTE_LIMITS.eventsEnd);
        };
        const cutIfTooMuch = () => {
          if (!backlog.isTooMuch(waiting(), Date.now())) return;
          leave();
          end(TOO_SLOW, 'too slow: too much is not read');
        };
        write(`retry: ${ROUTE_LIMITS.retry}\n\n`);
        leave = start({
          send(frame, type, cursor) {
            const text = encoder.encode(`event: ${type}\nid: ${cursor}\ndata: ${frame}\n\n`);
            if (type === 'snapshot') backlog.allow(text.length);
            controller.enqueue(text);
            cutIfTooMuch();
          },
          expect: (size) => backlog.allow(size),
          close: end,
        });
        pulse = setInterval(() => {
          if (waiting() <= 0) write(': keep-alive\n\n');
          else cutIfTooMuch();
        }, ROUTE_LIMITS.keepAlive);
      },
      cancel() {
        clearInterval(pulse);
        leave();
      },
    },
    { highWaterMark: ROUTE_LIMITS.eventsBurst, size: (chunk) => chunk?.byteLength ?? 0 },
  );
}
