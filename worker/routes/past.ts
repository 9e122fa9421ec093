import type { Context } from 'hono';
import { userObject } from '../objects/places.ts';
import type { PastStep } from '../presence/index.ts';
import type { AppEnv } from './auth.ts';
import { neverSeen } from './covered.ts';
import { withStaleness } from './leases.ts';
import { answer, type Problem, problem } from './problem.ts';
import { represent } from './represent.ts';

/** `GET /v1/presence/{user}?at={RFC 3339}`: the document as it was then. `at` is ms since 1970, and not to come. */
export async function answerPast(c: Context<AppEnv>, user: string, at: number): Promise<Response> {
  const reading = await userObject(c.env, user).past(at);
  if (reading === null) return answer(c, neverSeen(user));
  const { step, reporters } = reading;
  if (!step.ok) return answer(c, untold(user, step));
  // How its sites stood is not kept, but whoever is out of touch since before that time was so then.
  const { asOf, ...was } = step.document;
  const told = await withStaleness(c.env, was, reporters);
  const stale = told.stale && Date.parse(told.staleSince ?? '') <= at;
  const document = { ...(stale ? told : was), asOf };
  const until = asOf.until === null ? 0 : Date.parse(asOf.until);
  return represent(c, document, `p${was.version}${stale ? 's' : ''}-${at.toString(36)}-${until.toString(36)}`);
}

function untold(user: string, { reason, earliest }: PastStep & { ok: false }): Problem {
  if (reason === 'not-seen-yet') return problem('user-not-seen-yet', `${user} was not seen before ${earliest}`, 'at');
  return problem('past-not-kept', `what was before ${earliest} is not kept`, 'at');
}
