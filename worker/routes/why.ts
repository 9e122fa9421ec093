import type { Context } from 'hono';
import { userObject } from '../objects/places.ts';
import { why } from '../presence/index.ts';
import { type AppEnv, detailOf } from './auth.ts';
import { coveredUser, neverSeen } from './covered.ts';
import { outOfTouchOf } from './leases.ts';
import { answer } from './problem.ts';

/** `GET /v1/presence/{user}/why`: on what the state rests, and what will change it next. */
export async function getWhy(c: Context<AppEnv, '/v1/presence/:user/why'>): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  const record = await userObject(c.env, user).evidence();
  const outOfTouch =
    record &&
    (await outOfTouchOf(
      c.env,
      record.sites.map(({ site }) => site),
    ));
  const told = record && outOfTouch && why(record, { detail: detailOf(c.get('claims')), outOfTouch });
  if (!told) return answer(c, neverSeen(user));
  return c.json(told, 200, { 'cache-control': 'private, no-cache', vary: 'Authorization' });
}
