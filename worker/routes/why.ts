import type { Context } from 'hono';
import { userObject } from '../objects/places.ts';
import { why } from '../presence/index.ts';
import { type AppEnv, detailOf } from './auth.ts';
import { coveredUser, neverSeen } from './covered.ts';
import { standingsOf } from './leases.ts';
import { answer } from './problem.ts';

/** `GET /v1/presence/{user}/why`: on what the state rests, and what will change it next. */
export async function getWhy(c: Context<AppEnv, '/v1/presence/:user/why'>): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  const record = await userObject(c.env, user).evidence();
  const sites = record?.sites.map(({ site }) => site) ?? [];
  const told = record && why(record, { detail: detailOf(c.get('claims')), standing: await standingsOf(c.env, sites) });
  if (!told) return answer(c, neverSeen(user));
  return c.json(told, 200, { 'cache-control': 'private, no-cache', vary: 'Authorization' });
}
