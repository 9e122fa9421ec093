import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { openBoards } from '../objects/open-boards.ts';
import { type AppEnv, protocols, WATCH_PROTOCOL } from './auth.ts';
import { isListed, openList } from './open-list.ts';
import { type AskedWatch, askedWatch, tooManyWatchers } from './open-watch.ts';
import { pipe } from './pipe.ts';
import { answer, problem } from './problem.ts';

/** `GET /v1/watch?user=…&user=…` or `?domain=…`, `&since=…`: a WebSocket with a snapshot (or what was missed), then every change. */
export async function watch(c: Context<AppEnv>): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    return answer(c, problem('websocket-needed', 'this is a WebSocket'), { upgrade: 'websocket' });
  }
  const asked = await askedWatch(c, c.req.query('since'));
  if (asked instanceof Response) return asked;
  const webSocket = isListed(asked) ? (await openList(c.env, asked))?.socket : await joined(c.env, asked);
  if (webSocket === undefined) return tooManyWatchers(c);
  const chosen = protocols(c).includes(WATCH_PROTOCOL) ? { 'sec-websocket-protocol': WATCH_PROTOCOL } : undefined;
  return new Response(null, { status: 101, webSocket, ...(chosen === undefined ? {} : { headers: chosen }) });
}

/** The socket of the board, or one for the sockets of several. */
async function joined(env: Env, asked: AskedWatch): Promise<WebSocket | undefined> {
  const opened = await openBoards(env, asked, true);
  const [only, ...others] = opened?.sockets ?? [];
  if (opened === undefined || only === undefined) return undefined;
  return others.length === 0 ? only : pipe(opened);
}
