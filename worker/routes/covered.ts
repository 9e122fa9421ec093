import type { Context } from 'hono';
import { canonicalAor } from '../protocol/index.ts';
import { type AppEnv, forbidden, mayRead } from './auth.ts';
import { answer, type Problem, problem } from './problem.ts';

/** The user of the path, or the answer to a request for one that is none or that the token does not cover. */
export function coveredUser(c: Context<AppEnv>): string | Response {
  const user = canonicalAor(c.req.param('user') ?? '');
  if (user === undefined) return answer(c, problem('bad-user', 'user: is no address of record', 'user'));
  return mayRead(c.get('claims'), user) ? user : forbidden(c, user);
}

export function neverSeen(user: string): Problem {
  return problem('user-never-seen', `${user} was never seen`);
}
