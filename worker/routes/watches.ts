import type { Context } from 'hono';
import type * as z from 'zod';
import type { Env } from '../env.ts';
import { HOOK_LIMITS, type HookRecord } from '../hooks/index.ts';
import type { Hook } from '../objects/hook.ts';
import { hookObject, newHookId } from '../objects/hook-places.ts';
import { newSecret } from '../objects/hook-send.ts';
import { boardObject } from '../objects/places.ts';
import { boardOf, shardCount } from '../objects/shard.ts';
import { redact, timestamp } from '../presence/index.ts';
import {
  type CallbackDocument,
  canonicalAor,
  domainOf,
  type PresenceDocument,
  type Status,
  type TokenClaims,
} from '../protocol/index.ts';
import { audit } from './audit.ts';
import { type AppEnv, detailOf, forbidden, mayRead } from './auth.ts';
import { refuseRevoked } from './authorize.ts';
import { readBody } from './body.ts';
import { addressRefusal, hasScope, makerOf } from './hook-access.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { answer, problem } from './problem.ts';
import { watchSchema } from './schema/webhook.ts';
import { findHook } from './webhooks.ts';

type UserContext = Context<AppEnv, '/v1/watches/:user'>;

/**
 * `POST /v1/watches/{user}`: tells once that a user's status is one of some. By `wait` the request itself is answered then (200), or the time
 * passes (204); by `callback` a URL is told (201). Where it is so already, both are answered at once (200), and no callback is made.
 */
export async function postWatch(c: UserContext): Promise<Response> {
  const user = canonicalAor(c.req.param('user'));
  if (user === undefined) return answer(c, problem('bad-user', 'user: is no address of record', 'user'));
  const claims = c.get('claims');
  if (!mayRead(claims, user)) return forbidden(c, user);
  const read = await readBody(c, watchSchema);
  if (read instanceof Response) return read;
  const { wait, callback } = read;
  if (wait !== undefined) return longPoll(c, user, read.until, wait * 1000);
  if (!hasScope(claims, 'write')) return answer(c, problem('missing-scope', 'a callback needs the scope write'));
  const refusal = addressRefusal(callback as string, c.env.WEBHOOK_ALLOW_PRIVATE, 'callback');
  if (refusal !== undefined) return answer(c, refusal);
  return makeCallback(c, watchRecord(newHookId(c.env, 'watch', domainOf(user)), user, read, claims, Date.now()));
}

/** `GET /v1/watches/{user}`, the id of a watch in the user's place: a callback that has not been made yet. */
export async function getWatch(c: UserContext): Promise<Response> {
  const found = await findHook(c.env, c.get('claims'), c.req.param('user'), 'watch');
  return found === undefined ? noWatch(c) : c.json(watchJson(found.view.record));
}

/** `DELETE /v1/watches/{user}`, likewise: the callback is not made any more. */
export async function deleteWatch(c: UserContext): Promise<Response> {
  const found = await findHook(c.env, c.get('claims'), c.req.param('user'), 'watch');
  if (found === undefined) return noWatch(c);
  await audit(c, 'webhook.delete', { domain: found.view.record.domain, target: found.view.record.id });
  await found.hook.remove();
  return c.body(null, 204);
}

function noWatch(c: UserContext): Response {
  return answer(c, problem('no-such-watch', `${c.req.param('user')} is no watch that this token covers, or it is over`));
}

async function longPoll(c: UserContext, user: string, statuses: readonly Status[], ms: number): Promise<Response> {
  const text = await waitFor(c.env, user, statuses, Date.now() + ms, c.get('claims').jti);
  if (text === undefined) return answer(c, problem('too-many-watchers', 'too many requests wait'), { 'retry-after': '10' });
  // It may have been revoked while the request waited.
  const refused = await refuseRevoked(c, c.get('claims'));
  if (refused !== undefined) return refused;
  if (text === null) return c.body(null, 204);
  return c.json(redact(JSON.parse(text) as PresenceDocument, detailOf(c.get('claims'))));
}

/** Asks the user's board until a time. A board that restarts meanwhile is asked again: it looks at what is so first. */
async function waitFor(
  env: Env,
  user: string,
  statuses: readonly Status[],
  end: number,
  jti: string | undefined,
): Promise<string | null | undefined> {
  const board = boardObject(env, boardOf(user, shardCount(env.BOARD_SHARDS)));
  for (let left = end - Date.now(); ; left = end - Date.now()) {
    try {
      return await board.waitFor(user, statuses, Math.max(0, left), jti);
    } catch (error) {
      if (left <= ROUTE_LIMITS.watchRepeat) throw error;
      await scheduler.wait(ROUTE_LIMITS.watchRepeat);
    }
  }
}

async function makeCallback(c: UserContext, record: HookRecord): Promise<Response> {
  await audit(c, 'webhook.create', { domain: record.domain, target: record.id });
  const opened = await (hookObject(c.env, record.id) as DurableObjectStub<Hook>).open(record);
  if (opened.is === 'full') return answer(c, problem('too-many-webhooks', 'as many webhooks and callbacks as there is room for'));
  if (opened.is === 'fulfilled') return c.body(opened.text, 200, { 'content-type': 'application/json' });
  return c.json({ ...watchJson(record), secret: record.secrets[0]?.secret }, 201);
}

function watchRecord(
  id: string,
  user: string,
  { until, callback, expiresIn }: z.output<typeof watchSchema>,
  claims: TokenClaims,
  now: number,
): HookRecord {
  return {
    id,
    kind: 'watch',
    url: callback as string,
    domain: domainOf(user),
    users: [user],
    detail: detailOf(claims),
    statuses: until,
    changes: 'all',
    createdAt: now,
    secrets: [{ secret: newSecret(), until: null }],
    state: 'active',
    maker: makerOf(claims),
    until: now + (expiresIn ?? HOOK_LIMITS.expiresDefault) * 1000,
  };
}

function watchJson({ id, users, statuses, url, detail, createdAt, until }: Omit<HookRecord, 'secrets'>): CallbackDocument {
  return {
    id,
    user: users?.[0] as string,
    until: statuses ?? [],
    callback: url,
    detail,
    createdAt: timestamp(createdAt),
    expiresAt: timestamp(until as number),
  };
}
