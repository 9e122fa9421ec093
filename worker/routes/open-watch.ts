import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { beginning, headOf } from '../objects/cursor.ts';
import type { WatchedBoards } from '../objects/open-boards.ts';
import { boardOf, boardsOf, shardCount } from '../objects/shard.ts';
import { domainOf } from '../protocol/index.ts';
import { type AppEnv, covers, detailOf, forbidden, mayRead, usersOf } from './auth.ts';
import { readQuery } from './parameters.ts';
import { answer, problem } from './problem.ts';
import { watchedSchema } from './schema/query.ts';

/** A watch that is asked for, and that the token covers. */
export interface AskedWatch extends WatchedBoards {
  /** The domain, where all of it is watched. */
  readonly domain: string | undefined;
}

/** What a request asks to watch, from the cursor `since` on where there is one; the answer where it may not, or cannot be. */
export async function askedWatch(c: Context<AppEnv>, since: string | undefined): Promise<AskedWatch | Response> {
  const claims = c.get('claims');
  const told = watched(c);
  if (told instanceof Response) return told;
  const users = told.users ?? usersOf(claims, told.domains[0] as string);
  const foreign = told.domains.find((domain) => !covers(claims, domain));
  if (foreign !== undefined) return forbidden(c, foreign);
  const hidden = users?.find((user) => !mayRead(claims, user));
  if (hidden !== undefined) return forbidden(c, hidden);
  const boards = boardsFor({ domains: told.domains, users }, c.env);
  const detail = detailOf(claims);
  const head = await headOf({ boards, detail });
  const begin = since ? beginning(since, head, boards.size) : { reset: undefined };
  if (begin === undefined) return answer(c, problem('bad-parameter', 'since: is no cursor of a watch', 'since'));
  const until = claims.exp === undefined ? null : claims.exp * 1000;
  return { domain: users === undefined ? told.domains[0] : undefined, boards, detail, until, head, begin, claims };
}

/** Answers that there is no room for another watcher. */
export function tooManyWatchers(c: Context<AppEnv>): Response {
  return answer(c, problem('too-many-watchers', 'too many watchers'), { 'retry-after': '10' });
}

interface Watched {
  /** All domains of which something is watched. */
  readonly domains: readonly string[];
  /** The users watched; undefined for the whole domain. */
  readonly users: readonly string[] | undefined;
}

function watched(c: Context<AppEnv>): Watched | Response {
  const query = readQuery(c, watchedSchema);
  if (query instanceof Response) return query;
  if (query.domain !== undefined) return { domains: [query.domain], users: undefined };
  const unique = [...new Set(query.user)];
  return { domains: [...new Set(unique.map(domainOf))], users: unique };
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
