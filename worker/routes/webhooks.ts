import type { Context } from 'hono';
import type * as z from 'zod';
import type { Env } from '../env.ts';
import { HOOK_LIMITS, type HookRecord } from '../hooks/index.ts';
import type { Hook, HookView } from '../objects/hook.ts';
import { newId, newSecret } from '../objects/hook-send.ts';
import { boardsOf, shardCount } from '../objects/shard.ts';
import { domainOf, type TokenClaims } from '../protocol/index.ts';
import { type AppEnv, covers, detailOf, forbidden } from './auth.ts';
import { jsonObject } from './body.ts';
import { concurrently } from './concurrently.ts';
import { finding } from './field.ts';
import { addressRefusal, coversHook, hasScope, isWithin } from './hook-access.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { answer, type Problem, problem } from './problem.ts';
import { domainSchema } from './schema/domain.ts';
import { webhookSchema } from './schema/webhook.ts';
import { webhookJson } from './webhook-json.ts';

export type HookContext = Context<AppEnv, '/v1/webhooks/:id'>;

/** `POST /v1/webhooks`: makes one. Its secret is told here and nowhere else. */
export async function createWebhook(c: Context<AppEnv>): Promise<Response> {
  const claims = c.get('claims');
  if (!hasScope(claims, 'read')) return answer(c, problem('missing-scope', 'the token lacks the scope read'));
  const body = await jsonObject(c);
  if (body === undefined) return answer(c, problem('not-json', 'the body is not a JSON object'));
  const read = webhookSchema.safeParse(body);
  if (!read.success) return answer(c, invalid(read.error));
  const record = recordOf(read.data, claims, Date.now());
  if ('code' in record) return answer(c, record);
  const refusal = addressRefusal(record.url, c.env.WEBHOOK_ALLOW_PRIVATE, 'url');
  if (refusal !== undefined) return answer(c, refusal);
  const hook = c.env.HOOK.getByName(record.id);
  const opened = await hook.open(record);
  if (opened.is === 'full') {
    return answer(c, problem('too-many-webhooks', `${record.domain} has ${HOOK_LIMITS.perDomain} webhooks`));
  }
  const view = (await hook.view()) as HookView;
  return c.json({ ...webhookJson(view), secret: record.secrets[0]?.secret }, 201);
}

/** `GET /v1/webhooks?domain=`: those of a domain that the token may see. */
export async function listWebhooks(c: Context<AppEnv>): Promise<Response> {
  const domain = domainSchema.safeParse(c.req.query('domain') ?? '');
  if (!domain.success) return answer(c, problem('bad-domain', 'domain: is no host', 'domain'));
  const claims = c.get('claims');
  if (!covers(claims, domain.data)) return forbidden(c, domain.data);
  const [first] = boardsOf(domain.data, shardCount(c.env.BOARD_SHARDS));
  const ids = await c.env.BOARD.getByName(first as string).listHooks();
  const views = await concurrently(ids, ROUTE_LIMITS.concurrency, async (id): Promise<HookView | null> => {
    return c.env.HOOK.getByName(id).view();
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

/** No object is asked for a name that can be none of ours. */
export async function findHook(env: Env, claims: TokenClaims, id: string, kind: HookRecord['kind']): Promise<Found | undefined> {
  if (!/^[a-z]{2}_[\w-]{22}$/.test(id)) return undefined;
  const hook = env.HOOK.getByName(id);
  const view: HookView | null = await hook.view();
  if (view === null || view.record.kind !== kind || !coversHook(claims, view.record)) return undefined;
  return { hook, view };
}

/** The problem of a body that its schema refuses. */
export function invalid(error: z.ZodError): Problem {
  const { field, reason } = finding(error);
  return problem('invalid-body', `${field}: ${reason}`, field);
}

function recordOf(body: z.output<typeof webhookSchema>, claims: TokenClaims, now: number): HookRecord | Problem {
  const users = body.users === undefined ? null : [...new Set(body.users)];
  const domain = body.domain ?? domainOf(users?.[0] as string);
  if (users?.some((user) => domainOf(user) !== domain)) {
    return problem('invalid-body', 'users: are not all of one domain', 'users');
  }
  const most = detailOf(claims);
  const detail = body.detail ?? most;
  if (!covers(claims, domain)) return problem('domain-not-covered', `the token does not cover ${domain}`);
  if (!isWithin(detail, most)) return problem('forbidden', `detail: the token shows no more than ${most}`, 'detail');
  return {
    id: newId('wh'),
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
    until: null,
  };
}
