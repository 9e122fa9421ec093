import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { userObject } from '../objects/places.ts';
import { redact, redactEntry } from '../presence/index.ts';
import { canonicalAor, type PresenceDocument } from '../protocol/index.ts';
import { type AppEnv, detailOf, forbidden, mayRead, uncovered } from './auth.ts';
import { jsonObject } from './body.ts';
import { concurrently } from './concurrently.ts';
import { finding } from './field.ts';
import { withStaleness } from './leases.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { answer, type Problem, problem } from './problem.ts';
import { historySchema, usersSchema } from './schema/query.ts';
import { type TimeLimit, timeLimit } from './time-limit.ts';

type UserContext = Context<AppEnv, '/v1/presence/:user'>;
type HistoryContext = Context<AppEnv, '/v1/presence/:user/history'>;

const NO_USER = 'is no address of record';

/** `GET /v1/presence/{user}`: one document; `ETag` is its version. */
export async function getPresence(c: UserContext): Promise<Response> {
  const user = canonicalAor(c.req.param('user'));
  if (user === undefined) return answer(c, problem('bad-user', `user: ${NO_USER}`, 'user'));
  const claims = c.get('claims');
  if (!mayRead(claims, user)) return forbidden(c, user);
  const reading = await userObject(c.env, user).read();
  if (reading === null) return answer(c, neverSeen(user));
  const document = await withStaleness(c.env, reading.document, reading.reporters);
  const etag = tagOf(document);
  const headers = { etag, 'cache-control': 'private, no-cache', vary: 'Authorization' };
  if (matches(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers);
  return c.json(redact(document, detailOf(claims)), 200, headers);
}

/** Staleness leaves the version as it is: a document that is stale has a tag of its own. */
function tagOf({ version, stale, staleSince = '' }: PresenceDocument): string {
  return stale ? `"${version}-${Date.parse(staleSince).toString(36)}"` : `"${version}"`;
}

/** `POST /v1/presence/query`: many at once, in the order asked, each a document or a problem. */
export async function queryPresence(c: Context<AppEnv>): Promise<Response> {
  const body = await jsonObject(c);
  if (body === undefined) return answer(c, problem('not-json', 'the body is not a JSON object'));
  const query = usersSchema.safeParse(body);
  if (!query.success) {
    const { field, reason } = finding(query.error);
    return answer(c, problem('invalid-body', `${field}: ${reason}`, field));
  }
  const claims = c.get('claims');
  const limit = timeLimit(ROUTE_LIMITS.batchTimeout);
  const users = await concurrently(
    query.data.users,
    ROUTE_LIMITS.concurrency,
    async (name): Promise<PresenceDocument | Problem> => {
      const user = canonicalAor(name);
      if (user === undefined) return problem('bad-user', NO_USER, 'user');
      if (!mayRead(claims, user)) return uncovered(user);
      const document = await ask(c.env, user, limit);
      if (document === undefined) return problem('user-unreachable', `${user} could not be reached`);
      return document === null ? neverSeen(user) : redact(document, detailOf(claims));
    },
  );
  limit.clear();
  return c.json({ users });
}

/** A user's document; null for one never seen, undefined where the object does not say in time. One that fails spoils no other. */
async function ask(env: Env, user: string, limit: TimeLimit): Promise<PresenceDocument | null | undefined> {
  try {
    if (limit.isOver) return undefined;
    const reading = await limit.within(userObject(env, user).read());
    return reading && (await limit.within(withStaleness(env, reading.document, reading.reporters)));
  } catch (error) {
    console.error(`a user could not be asked: ${error}`);
    return undefined;
  }
}

/** `GET /v1/presence/{user}/history`: the changes, newest first. */
export async function getHistory(c: HistoryContext): Promise<Response> {
  const user = canonicalAor(c.req.param('user'));
  if (user === undefined) return answer(c, problem('bad-user', `user: ${NO_USER}`, 'user'));
  const claims = c.get('claims');
  if (!mayRead(claims, user)) return forbidden(c, user);
  const query = historySchema.safeParse(c.req.query());
  if (!query.success) {
    const { field, reason } = finding(query.error);
    return answer(c, problem('bad-parameter', `${field}: ${reason}`, field));
  }
  const { limit, cursor } = query.data;
  const entries = await userObject(c.env, user).history(cursor ?? Number.MAX_SAFE_INTEGER, limit + 1);
  if (entries === null) return answer(c, neverSeen(user));
  const page = entries.slice(0, limit).map((entry) => redactEntry(entry, detailOf(claims)));
  const last = page.at(-1)?.version;
  return c.json({ entries: page, ...(entries.length > limit && last !== undefined ? { cursor: String(last) } : {}) });
}

function neverSeen(user: string): Problem {
  return problem('user-never-seen', `${user} was never seen`);
}

// RFC 9110 13.1.2: the condition is false "if the field value is * " or one of the listed tags matches, by the weak comparison.
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}
