import type { Context } from 'hono';
import type { Listed } from '../objects/board-store.ts';
import { boardObject } from '../objects/places.ts';
import { boardsOf, shardCount } from '../objects/shard.ts';
import { redact } from '../presence/index.ts';
import type { PresenceDocument } from '../protocol/index.ts';
import { type AppEnv, covers, detailOf, forbidden, usersOf } from './auth.ts';
import { readQuery } from './parameters.ts';
import { answer, problem } from './problem.ts';
import { domainSchema } from './schema/domain.ts';
import { listSchema, toBase64url } from './schema/query.ts';

type DomainContext = Context<AppEnv, '/v1/domains/:domain/presence'>;

/** `GET /v1/domains/{domain}/presence`: who is what, by page, in the order of the users' names. */
export async function listDomain(c: DomainContext): Promise<Response> {
  const domain = domainSchema.safeParse(c.req.param('domain'));
  if (!domain.success) return answer(c, problem('bad-domain', 'domain: is no host', 'domain'));
  const claims = c.get('claims');
  if (!covers(claims, domain.data)) return forbidden(c, domain.data);
  const query = readQuery(c, listSchema);
  if (query instanceof Response) return query;
  const { status, limit, cursor = '' } = query;
  const boards = boardsOf(domain.data, shardCount(c.env.BOARD_SHARDS));
  const only = usersOf(claims, domain.data);
  // One more than the page, from each board: any of them may hold the whole page, and the next user after it.
  const lists = await Promise.all(boards.map((board) => boardObject(c.env, board).list(cursor, limit + 1, status, only)));
  const merged = merge(lists, limit + 1);
  const page = merged.slice(0, limit);
  const last = page.at(-1)?.user;
  const users = page.map(({ text }) => redact(JSON.parse(text) as PresenceDocument, detailOf(claims)));
  return c.json({ users, ...(merged.length > limit && last !== undefined ? { cursor: toBase64url(last) } : {}) });
}

/** The first `limit` of several ordered lists, in order. */
export function merge(lists: readonly (readonly Listed[])[], limit: number): Listed[] {
  const at = lists.map(() => 0);
  const merged: Listed[] = [];
  while (merged.length < limit) {
    let first = -1;
    let least: Listed | undefined;
    for (const [i, list] of lists.entries()) {
      const head = list[at[i] as number];
      if (head !== undefined && (least === undefined || head.user < least.user)) {
        first = i;
        least = head;
      }
    }
    if (least === undefined) break;
    at[first] = (at[first] as number) + 1;
    // After a change of the number of shards a user may stand on two boards, and the former one hears of nothing any more.
    const last = merged.at(-1);
    if (last?.user !== least.user) merged.push(least);
    else if (last.version < least.version) merged[merged.length - 1] = least;
  }
  return merged;
}
