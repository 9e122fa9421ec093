import type { Context } from 'hono';
import { type AppEnv, protocols, WATCH_PROTOCOL } from './auth.ts';
import { openWatch } from './open-watch.ts';
import { pipe } from './pipe.ts';
import { answer, problem } from './problem.ts';

/** `GET /v1/watch?user=…&user=…` or `?domain=…`, `&since=…`: a WebSocket with a snapshot (or what was missed), then every change. */
export async function watch(c: Context<AppEnv>): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    return answer(c, problem('websocket-needed', 'this is a WebSocket'), { upgrade: 'websocket' });
  }
  const opened = await openWatch(c, c.req.query('since'), true);
  if (opened instanceof Response) return opened;
  const [only, ...others] = opened.sockets;
  const webSocket = only !== undefined && others.length === 0 ? only : pipe(opened);
  const chosen = protocols(c).includes(WATCH_PROTOCOL) ? { 'sec-websocket-protocol': WATCH_PROTOCOL } : undefined;
  return new Response(null, { status: 101, webSocket, ...(chosen === undefined ? {} : { headers: chosen }) });
}
