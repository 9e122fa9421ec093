import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { type WatchQuery, watchUrl } from '../objects/board.ts';
import { boardObject } from '../objects/places.ts';
import { boardOf, boardsOf, shardCount } from '../objects/shard.ts';
import { canonicalAor, domainOf, LIMITS, type TokenClaims } from '../protocol/index.ts';
import { type AppEnv, covers, detailOf, forbidden, mayRead, protocols, usersOf, WATCH_PROTOCOL } from './auth.ts';
import { pipe } from './pipe.ts';
import { answer, type Problem, problem } from './problem.ts';
import { domainSchema } from './schema/domain.ts';

/** `GET /v1/watch?user=…&user=…` or `?domain=…`: a WebSocket with a snapshot, then every change. */
export async function watch(c: Context<AppEnv>): Promise<Response> {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
    return answer(c, problem('websocket-needed', 'this is a WebSocket'), { upgrade: 'websocket' });
  }
  const claims = c.get('claims');
  const told = watched(c);
  if ('status' in told) return answer(c, told);
  const asked = restricted(told, claims);
  const foreign = asked.domains.find((domain) => !covers(claims, domain));
  if (foreign !== undefined) return forbidden(c, foreign);
  const hidden = asked.users?.find((user) => !mayRead(claims, user));
  if (hidden !== undefined) return forbidden(c, hidden);
  const sockets = await Promise.all([...boards(asked, c.env)].map(([board, users]) => open(c.env, board, users, claims)));
  const opened = sockets.filter((socket) => socket !== undefined);
  if (opened.length < sockets.length) {
    for (const socket of opened) discard(socket);
    return answer(c, problem('too-many-watchers', 'too many watchers'), { 'retry-after': '10' });
  }
  const webSocket = opened.length === 1 ? (opened[0] as WebSocket) : pipe(opened);
  const chosen = protocols(c).includes(WATCH_PROTOCOL) ? { 'sec-websocket-protocol': WATCH_PROTOCOL } : undefined;
  return new Response(null, { status: 101, webSocket, ...(chosen === undefined ? {} : { headers: chosen }) });
}

interface Watched {
  /** All domains of which something is watched. */
  readonly domains: readonly string[];
  /** The users watched; undefined for the whole domain. */
  readonly users: readonly string[] | undefined;
}

function watched(c: Context<AppEnv>): Watched | Problem {
  const named = c.req.queries('user') ?? [];
  const domains = c.req.queries('domain') ?? [];
  if (domains.length + Math.min(named.length, 1) !== 1) return problem('bad-parameter', 'watch either a domain or users', 'user');
  if (domains.length === 1) {
    const domain = domainSchema.safeParse(domains[0]);
    return domain.success ? { domains: [domain.data], users: undefined } : problem('bad-domain', 'domain: is no host', 'domain');
  }
  if (named.length > LIMITS.watchUsers) return problem('bad-parameter', `more than ${LIMITS.watchUsers} users`, 'user');
  const users = named.map(canonicalAor);
  if (users.includes(undefined)) return problem('bad-user', 'user: is no address of record', 'user');
  const unique = [...new Set(users as string[])];
  return { domains: [...new Set(unique.map(domainOf))], users: unique };
}

/** A domain watched with a token that names users is these users watched. */
function restricted({ domains, users }: Watched, claims: TokenClaims): Watched {
  return { domains, users: users ?? usersOf(claims, domains[0] as string) };
}

/** The boards to ask, each with the users to watch there (undefined for all). */
function boards({ domains, users }: Watched, env: Env): Map<string, string[] | undefined> {
  const shards = shardCount(env.BOARD_SHARDS);
  if (users === undefined)
    return new Map(domains.flatMap((domain) => boardsOf(domain, shards)).map((board) => [board, undefined]));
  const byBoard = new Map<string, string[]>();
  for (const user of users) {
    const board = boardOf(user, shards);
    byBoard.set(board, [...(byBoard.get(board) ?? []), user]);
  }
  return byBoard;
}

/** A socket of a board; undefined where it has no room. */
async function open(env: Env, board: string, users: string[] | undefined, claims: TokenClaims): Promise<WebSocket | undefined> {
  const until = claims.exp === undefined ? null : claims.exp * 1000;
  const query: WatchQuery = { users, detail: detailOf(claims), until };
  const response = await boardObject(env, board).fetch(watchUrl(query), { headers: { upgrade: 'websocket' } });
  return response.webSocket ?? undefined;
}

function discard(socket: WebSocket): void {
  socket.accept();
  socket.close(1001, 'not needed');
}
