import type { Context } from 'hono';
import type * as z from 'zod';
import type { Env } from '../env.ts';
import { HOOK_LIMITS, type HookRecord } from '../hooks/index.ts';
import type { Hook, HookView } from '../objects/hook.ts';
import { hookObject, newHookId } from '../objects/hook-places.ts';
import { newSecret } from '../objects/hook-send.ts';
import { boardObject } from '../objects/places.ts';
import { boardsOf, shardCount } from '../objects/shard.ts';
import { domainOf, type TokenClaims } from '../protocol/index.ts';
import { type Act, audit } from './audit.ts';
import { type AppEnv, covers, detailOf, forbidden, mayRead, uncovered, usersOf } from './auth.ts';
import { readBody } from './body.ts';
import { concurrently } from './concurrently.ts';
import { addressRefusal, coversHook, hasScope, isWithin, makerOf } from './hook-access.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { readQuery } from './parameters.ts';
import { answer, type Problem, problem } from './problem.ts';
import { webhookListSchema, webhookSchema } from './schema/webhook.ts';
import { webhookJson } from './webhook-json.ts';

export type HookContext = Context<AppEnv, '/v1/webhooks/:id'>;

/** `POST /v1/webhooks`: makes one. Its secret is told here and nowhere else. */
export async function createWebhook(c: Context<AppEnv>): Promise<Response> {
  const claims = c.get('claims');
  if (!hasScope(claims, 'read')) return answer(c, problem('missing-scope', 'the token lacks the scope read'));
  const read = await readBody(c, webhookSchema);
  if (read instanceof Response) return read;
  const record = recordOf(c.env, read, claims, Date.now());
  if ('code' in record) return answer(c, record);
  const refusal = addressRefusal(record.url, c.env.WEBHOOK_ALLOW_PRIVATE, 'url');
  if (refusal !== undefined) return answer(c, refusal);
  await audit(c, 'webhook.create', { domain: record.domain, target: record.id });
  const hook = hookObject(c.env, record.id) as DurableObjectStub<Hook>;
  const opened = await hook.open(record);
  if (opened.is === 'full') {
    return answer(c, problem('too-many-webhooks', `${record.domain} has ${HOOK_LIMITS.perDomain} webhooks`));
  }
  const view = (await hook.view()) as HookView;
  return c.json({ ...webhookJson(view), secret: record.secrets[0]?.secret }, 201);
}

/** `GET /v1/webhooks?domain=`: those of a domain that the token may see. */
export async function listWebhooks(c: Context<AppEnv>): Promise<Response> {
  const query = readQuery(c, webhookListSchema);
  if (query instanceof Response) return query;
  const { domain } = query;
  const claims = c.get('claims');
  if (!covers(claims, domain)) return forbidden(c, domain);
  const [first] = boardsOf(domain, shardCount(c.env.BOARD_SHARDS));
  const ids = await boardObject(c.env, first as string).listHooks();
  const views = await concurrently(ids, ROUTE_LIMITS.concurrency, async (id): Promise<HookView | null> => {
    return (await hookObject(c.env, id)?.view()) ?? null;
  });
  const seen = views.filter((view) => view !== null).filter(({ record }) => coversHook(claims, record));
  seen.sort((a, b) => a.record.createdAt - b.record.createdAt || (a.record.id < b.record.id ? -1 : 1));
  return c.json({ webhooks: seen.map(webhookJson) });
}

/** `GET /v1/webhooks/{id}` */
export async function getWebhook(c: HookContext): Promise<Response> {
  const found = await find(c);
  return 'code' in found ? answer(c, found) : c.json(webhookJson(found.view));
}

/** `DELETE /v1/webhooks/{id}`: nothing more is delivered, and all of it is forgotten. */
export async function deleteWebhook(c: HookContext): Promise<Response> {
  const found = await find(c);
  if ('code' in found) return answer(c, found);
  await noteAct(c, 'webhook.delete', found);
  await found.hook.remove();
  return c.body(null, 204);
}

/** A webhook that the token may see. */
export interface Found {
  readonly hook: DurableObjectStub<Hook>;
  readonly view: HookView;
}

/** The webhook of the path; a token that does not cover it is told the same as where there is none. */
export async function find(c: HookContext): Promise<Found | Problem> {
  const id = c.req.param('id');
  const found = await findHook(c.env, c.get('claims'), id, 'webhook');
  return found ?? problem('no-such-webhook', `${id} is no webhook that this token covers`);
}

/** Notes what is done to a webhook, before it is done. */
export function noteAct(c: HookContext, act: Act, { view: { record } }: Found, note?: string): Promise<void> {
  return audit(c, act, { domain: record.domain, target: record.id, ...(note === undefined ? {} : { note }) });
}

/** No object is asked for a name that can be none of ours. */
export async function findHook(env: Env, claims: TokenClaims, id: string, kind: HookRecord['kind']): Promise<Found | undefined> {
  const hook = hookObject(env, id);
  if (hook === undefined) return undefined;
  const view: HookView | null = await hook.view();
  if (view === null || view.record.kind !== kind || !coversHook(claims, view.record)) return undefined;
  return { hook, view };
}

function recordOf(env: Env, body: z.output<typeof webhookSchema>, claims: TokenClaims, now: number): HookRecord | Problem {
  const named = body.users === undefined ? undefined : [...new Set(body.users)];
  const domain = body.domain ?? domainOf(named?.[0] as string);
  if (named?.some((user) => domainOf(user) !== domain)) {
    return problem('invalid-body', 'users: are not all of one domain', 'users');
  }
  if (!covers(claims, domain)) return uncovered(domain);
  const foreign = named?.find((user) => !mayRead(claims, user));
  if (foreign !== undefined) return uncovered(foreign);
  // A domain asked for with a token that names users is these users.
  const users = named ?? usersOf(claims, domain) ?? null;
  const most = detailOf(claims);
  const detail = body.detail ?? most;
  if (!isWithin(detail, most)) return problem('forbidden', `detail: the token shows no more than ${most}`, 'detail');
  return {
    id: newHookId(env, 'webhook', domain),
    kind: 'webhook',
    url: body.url,
    domain,
    users,
    detail,
    statuses: body.statuses ?? null,
    changes: body.changes,
    ...(body.description === undefined ? {} : { description: body.description }),
    createdAt: now,
    secrets: [{ secret: newSecret(), until: null }],
    state: 'active',
    maker: makerOf(claims),
    until: null,
  };
}
