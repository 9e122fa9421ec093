import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { hookObject } from '../objects/hook-places.ts';
import { OBJECT_LIMITS } from '../objects/limits.ts';
import { boardObject, userObject } from '../objects/places.ts';
import { boardsOf, shardCount } from '../objects/shard.ts';
import { within } from '../objects/within.ts';
import { audit } from './audit.ts';
import { type AppEnv, covers, forbidden, usersOf } from './auth.ts';
import { readBody } from './body.ts';
import { concurrently } from './concurrently.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { answer, problem } from './problem.ts';
import { domainSchema } from './schema/domain.ts';
import { relistCursor, relistSchema } from './schema/relist.ts';

type RelistContext = Context<AppEnv, '/v1/domains/:domain/relist'>;

/**
 * `POST /v1/domains/{domain}/relist`: after the number of boards was changed, has the boards of now tell the domain's webhooks, and list the users of
 * boards that went, some at a time. It may be repeated, and does nothing where there is nothing to do.
 */
export async function postRelist(c: RelistContext): Promise<Response> {
  const domain = domainSchema.safeParse(c.req.param('domain'));
  if (!domain.success) return answer(c, problem('bad-domain', 'domain: is no host', 'domain'));
  const claims = c.get('claims');
  if (!covers(claims, domain.data) || usersOf(claims, domain.data) !== undefined) return forbidden(c, domain.data);
  const asked = await readBody(c, relistSchema);
  if (asked instanceof Response) return asked;
  const { former, cursor } = asked;
  const shards = shardCount(c.env.BOARD_SHARDS);
  const gone = boardsOf(domain.data, former);
  if (cursor === undefined) {
    await audit(c, 'domain.relist', { domain: domain.data, note: `${former} boards` });
    await attachHooks(c.env, gone[0] as string);
  }
  for (let shard = Math.max(shards, cursor?.shard ?? 0); shard < gone.length; shard++) {
    const board = gone[shard] as string;
    const after = shard === cursor?.shard ? cursor.user : '';
    const users = (await boardObject(c.env, board).list(after, ROUTE_LIMITS.relistUsers)).map(({ user }) => user);
    const last = users.at(-1);
    if (last === undefined) continue;
    const moved = await concurrently(users, ROUTE_LIMITS.concurrency, (user) => move(c.env, board, user));
    if (moved.includes(false)) {
      return answer(c, problem('user-unreachable', 'some users could not be listed anew: ask again'), { 'retry-after': '1' });
    }
    return c.json({ listed: users.length, cursor: relistCursor({ shard, user: last }) });
  }
  return c.json({ listed: 0 });
}

/** Has the boards of now tell the webhooks of a domain, all of which its first board lists; those that fail see to it themselves within an hour. */
async function attachHooks(env: Env, first: string): Promise<void> {
  const ids = await boardObject(env, first).listHooks();
  await concurrently(ids, ROUTE_LIMITS.concurrency, async (id) => {
    try {
      await within(OBJECT_LIMITS.boardTimeout, hookObject(env, id)?.attach() ?? Promise.resolve());
    } catch (error) {
      logError('a webhook could not be told of its boards', error);
    }
  });
}

/**
 * Whether a user is listed by the board of now, or will be by alarm, and no more by the one that went. The user's object knows which board it told
 * last; of one that knows nothing of its user nothing is to be listed.
 */
async function move(env: Env, board: string, user: string): Promise<boolean> {
  try {
    await within(OBJECT_LIMITS.boardTimeout, userObject(env, user).show());
    await within(OBJECT_LIMITS.boardTimeout, boardObject(env, board).drop(user));
    return true;
  } catch (error) {
    logError('a user could not be listed anew', error);
    return false;
  }
}
