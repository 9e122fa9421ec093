import type { Context } from 'hono';
import { userObject } from '../objects/places.ts';
import { redactEntry, timestamp } from '../presence/index.ts';
import type { AppEnv } from './auth.ts';
import { detailOf } from './auth.ts';
import { coveredUser, neverSeen } from './covered.ts';
import { readQuery } from './parameters.ts';
import { answer } from './problem.ts';
import { tagged } from './represent.ts';
import { historySchema, toHistoryCursor } from './schema/history.ts';

/** `GET /v1/presence/{user}/history`: the changes, newest first. A cursor stays good while new entries come: it tells where the page before ended. */
export async function getHistory(c: Context<AppEnv, '/v1/presence/:user/history'>): Promise<Response> {
  const user = coveredUser(c);
  if (user instanceof Response) return user;
  const query = readQuery(c, historySchema);
  if (query instanceof Response) return query;
  const { from, to, limit, cursor: before = Number.MAX_SAFE_INTEGER } = query;
  const read = await userObject(c.env, user).history({
    before,
    from: from === undefined ? undefined : timestamp(from),
    to: to === undefined ? undefined : timestamp(to),
    limit: limit + 1,
  });
  if (read === null) return answer(c, neverSeen(user));
  const entries = read.entries.slice(0, limit).map((entry) => redactEntry(entry, detailOf(c.get('claims'))));
  const last = entries.at(-1)?.version;
  const more = read.entries.length > limit && last !== undefined ? { cursor: toHistoryCursor(last) } : {};
  return tagged(c, { entries, keptSince: read.keptSince, ...more }, `h${read.versions?.join('-') ?? ''}`);
}
