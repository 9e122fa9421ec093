import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { userObject } from '../objects/places.ts';
import { PRESENCE_LIMITS, redact } from '../presence/index.ts';
import { canonicalAor, type PresenceDocument } from '../protocol/index.ts';
import { audit } from './audit.ts';
import { type AppEnv, detailOf, mayRead, uncovered } from './auth.ts';
import { readBody } from './body.ts';
import { concurrently } from './concurrently.ts';
import { coveredUser, neverSeen } from './covered.ts';
import { withStaleness } from './leases.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { readQuery } from './parameters.ts';
import { answerPast } from './past.ts';
import { answer, type Problem, problem } from './problem.ts';
import { represent } from './represent.ts';
import { presenceSchema } from './schema/history.ts';
import { usersSchema } from './schema/query.ts';
import { type TimeLimit, timeLimit } from './time-limit.ts';

type UserContext = Context<AppEnv, '/v1/presence/:user'>;

const NO_USER = 'is no address of record';

/** `GET /v1/presence/{user}`: one document, as it is now or as it was at `at`. */
export async function getPresence(c: UserContext): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  const query = readQuery(c, presenceSchema);
  if (query instanceof Response) return query;
  const { at } = query;
  if (at !== undefined) {
    const now = Date.now();
    // The reader's clock may be a little ahead of ours.
    if (at > now + PRESENCE_LIMITS.clockTolerance) return answer(c, problem('bad-parameter', 'at: is to come', 'at'));
    return answerPast(c, user, Math.min(at, now));
  }
  const reading = await userObject(c.env, user).read();
  if (reading === null) return answer(c, neverSeen(user));
  return represent(c, await withStaleness(c.env, reading.document, reading.reporters));
}

/** `POST /v1/presence/query`: many at once, in the order asked, each a document or a problem. */
export async function queryPresence(c: Context<AppEnv>): Promise<Response> {
  const query = await readBody(c, usersSchema);
  if (query instanceof Response) return query;
  const claims = c.get('claims');
  const limit = timeLimit(ROUTE_LIMITS.batchTimeout);
  const users = await concurrently(query.users, ROUTE_LIMITS.concurrency, async (name): Promise<PresenceDocument | Problem> => {
    const user = canonicalAor(name);
    if (user === undefined) return problem('bad-user', NO_USER, 'user');
    if (!mayRead(claims, user)) return uncovered(user);
    const document = await ask(c.env, user, limit);
    if (document === undefined) return problem('user-unreachable', `${user} could not be reached`);
    return document === null ? neverSeen(user) : redact(document, detailOf(claims));
  });
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
    logError('a user could not be asked', error);
    return undefined;
  }
}

/** `DELETE /v1/presence/{user}`: forgets all that is known of the user, here and on the boards; 204, also where nothing was. */
export async function deletePresence(c: UserContext): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  await audit(c, 'user.delete', { user });
  if (await userObject(c.env, user).forget(user)) return c.body(null, 204);
  return answer(c, problem('user-unreachable', 'the lists could not be reached yet; they are told again'), {
    'retry-after': '5',
  });
}
