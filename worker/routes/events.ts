import type { Context } from 'hono';
import { TOO_SLOW } from '../objects/watchers.ts';
import type { AppEnv } from './auth.ts';
import { Backlog } from './backlog.ts';
import { join, type OpenedWatch } from './join.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { openWatch } from './open-watch.ts';

/** `GET /v1/events?user=…&user=…` or `?domain=…`: the frames of a watch as server-sent events. `Last-Event-ID`, or `since`, goes on from there. */
export async function events(c: Context<AppEnv>): Promise<Response> {
  // HTML 9.2.4: whoever reconnects names the last event in a header, and asks the same address again, with the old `since`.
  const opened = await openWatch(c, c.req.header('last-event-id') || c.req.query('since'), false);
  if (opened instanceof Response) return opened;
  return c.body(eventStream(opened), 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
}

const encoder = new TextEncoder();

/** The body. What the client has not taken yet waits in its queue; who lets too much wait is cut, with an event `end` behind what waits. */
function eventStream(watch: OpenedWatch): ReadableStream<Uint8Array> {
  let pulse: number | null = null;
  let leave: () => void = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const waiting = () => ROUTE_LIMITS.eventsBurst - (controller.desiredSize ?? 0);
        const backlog = new Backlog(2 * watch.missed);
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
        const joined = join(watch, {
          send(frame, type, cursor) {
            const text = encoder.encode(`event: ${type}\nid: ${cursor}\ndata: ${frame}\n\n`);
            if (type === 'snapshot') backlog.allow(text.length);
            controller.enqueue(text);
            cutIfTooMuch();
          },
          close: end,
        });
        leave = () => joined.close(1000, '');
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
