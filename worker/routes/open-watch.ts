import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { openerHeader } from '../objects/opener.ts';
import { boardObject } from '../objects/places.ts';
import { boardOf, boardsOf, shardCount } from '../objects/shard.ts';
import { BEGUN, type Begun, MISSED, type WatchQuery, watchUrl } from '../objects/watch-query.ts';
import { canonicalAor, domainOf, LIMITS, type TokenClaims } from '../protocol/index.ts';
import { type AppEnv, covers, detailOf, forbidden, mayRead, usersOf } from './auth.ts';
import { type Beginning, beginning, headOf } from './cursor.ts';
import { close, type OpenedWatch } from './join.ts';
import { answer, type Problem, problem } from './problem.ts';
import { domainSchema } from './schema/domain.ts';

/**
 * Opens a watch at all boards that have to do with what the request names, from the cursor `since` on where there is one. Where one of them
 * cannot go on from there, all give a snapshot. `own`: the socket of a single board becomes the client's, which costs nothing while it is idle.
 */
export async function openWatch(c: Context<AppEnv>, since: string | undefined, own: boolean): Promise<OpenedWatch | Response> {
  const claims = c.get('claims');
  const told = watched(c);
  if ('status' in told) return answer(c, told);
  const asked = restricted(told, claims);
  const foreign = asked.domains.find((domain) => !covers(claims, domain));
  if (foreign !== undefined) return forbidden(c, foreign);
  const hidden = asked.users?.find((user) => !mayRead(claims, user));
  if (hidden !== undefined) return forbidden(c, hidden);
  const boards = boardsFor(asked, c.env);
  const detail = detailOf(claims);
  const head = await headOf({ boards, detail });
  const begin: Beginning | undefined = since ? beginning(since, head, boards.size) : { reset: undefined };
  if (begin === undefined) return answer(c, problem('bad-parameter', 'since: is no cursor of a watch', 'since'));
  const until = claims.exp === undefined ? null : claims.exp * 1000;
  const query = { detail, until, head: own && boards.size === 1 ? head : undefined };

  const first = await openAll(c.env, boards, query, begin, claims);
  const anew = begin.marks !== undefined && boards.size > 1 && first?.some(({ begun }) => begun === 'snapshot');
  if (anew) for (const { socket } of first ?? []) discard(socket);
  const opened = anew ? await openAll(c.env, boards, query, { reset: 'expired' }, claims) : first;
  if (opened === undefined) return answer(c, problem('too-many-watchers', 'too many watchers'), { 'retry-after': '10' });
  const begun = (['snapshot', 'newest'] as const).find((kind) => opened.some((board) => board.begun === kind)) ?? 'exact';
  return {
    sockets: opened.map(({ socket }) => socket),
    head,
    begun,
    missed: opened.reduce((sum, { missed }) => sum + missed, 0),
    marks: begun === 'snapshot' ? undefined : begin.marks,
  };
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

/** The boards to ask, each with the users to watch there (undefined for all). Their order does not depend on that of the users asked for. */
function boardsFor({ domains, users }: Watched, env: Env): Map<string, string[] | undefined> {
  const shards = shardCount(env.BOARD_SHARDS);
  if (users === undefined) {
    return new Map(domains.flatMap((domain) => boardsOf(domain, shards)).map((board) => [board, undefined]));
  }
  const byBoard = new Map<string, string[]>();
  for (const user of users.toSorted()) {
    const board = boardOf(user, shards);
    const named = byBoard.get(board);
    if (named === undefined) byBoard.set(board, [user]);
    else named.push(user);
  }
  return new Map([...byBoard].sort(([one], [other]) => (one < other ? -1 : 1)));
}

interface OpenedBoard {
  readonly socket: WebSocket;
  readonly begun: Begun;
  readonly missed: number;
}

/** Sockets of all boards, in their order; undefined where one of them has no room. */
async function openAll(
  env: Env,
  boards: ReadonlyMap<string, readonly string[] | undefined>,
  query: Pick<WatchQuery, 'detail' | 'until' | 'head'>,
  { marks, reset }: Beginning,
  claims: TokenClaims,
): Promise<OpenedBoard[] | undefined> {
  const opened = await Promise.all(
    [...boards].map(([board, users], i) => open(env, board, { ...query, users, since: marks?.[i], reset }, claims)),
  );
  const sockets = opened.filter((board) => board !== undefined);
  if (sockets.length === opened.length) return sockets;
  for (const { socket } of sockets) discard(socket);
  return undefined;
}

async function open(env: Env, board: string, query: WatchQuery, claims: TokenClaims): Promise<OpenedBoard | undefined> {
  const { webSocket, headers } = await boardObject(env, board).fetch(watchUrl(query), {
    headers: { upgrade: 'websocket', ...openerHeader(board, claims) },
  });
  if (webSocket === null) return undefined;
  return { socket: webSocket, begun: headers.get(BEGUN) as Begun, missed: Number(headers.get(MISSED)) };
}

function discard(socket: WebSocket): void {
  socket.accept();
  close(socket, 1001, 'not needed');
}
