import type { Context } from 'hono';
import { accessObject } from '../objects/access.ts';
import type { AuditRow } from '../objects/access-store.ts';
import { domainOf } from '../protocol/index.ts';
import { type AppEnv, coversAll, domainsOf } from './auth.ts';
import { readQuery } from './parameters.ts';
import { answer, problem } from './problem.ts';
import { pseudonym } from './pseudonym.ts';
import { type ACTS, auditSchema } from './schema/audit.ts';

export type Act = (typeof ACTS)[number];

/** What an act is about. */
export interface AuditDetail {
  /** Canonical address of record; kept as a pseudonym, with its domain. */
  readonly user?: string;
  readonly domain?: string;
  /** The id of a webhook, a revoked token's `jti`, a site: nothing that is a person's. */
  readonly target?: string;
  readonly note?: string;
}

/** An entry of `GET /v1/audit`. */
export interface AuditEntry {
  /** Rises with time. */
  readonly id: number;
  /** RFC 3339 */
  readonly at: string;
  readonly act: Act;
  /** The token that did it: its `jti` and `sub`, null where it has none. */
  readonly token: string | null;
  readonly subject: string | null;
  /** The domain that it concerns; null where it is of none. */
  readonly domain: string | null;
  /** The pseudonym of the user concerned: `GET /v1/audit?user=` finds it. */
  readonly user?: string;
  readonly target?: string;
  readonly note?: string;
}

/**
 * Notes an administrative act of the request's bearer, and returns when that is stored: before the act, so that nothing is done of which
 * nothing is known. Rejects where it cannot be stored; the request is then answered 503, and the act not done.
 */
export async function audit(c: Context<AppEnv>, act: Act, { user, domain, target, note }: AuditDetail = {}): Promise<void> {
  const { jti, sub } = c.get('claims');
  const body: Omit<AuditEntry, 'id' | 'at' | 'domain'> = {
    act,
    token: jti ?? null,
    subject: sub ?? null,
    ...(user === undefined ? {} : { user: (await pseudonym(c.env, user))[0] as string }),
    ...(target === undefined ? {} : { target }),
    ...(note === undefined ? {} : { note }),
  };
  await accessObject(c.env).record(user === undefined ? (domain ?? null) : domainOf(user), JSON.stringify(body));
}

/** `GET /v1/audit`: who did what, newest first. A token that does not cover everybody sees the acts of its domains. */
export async function getAudit(c: Context<AppEnv>): Promise<Response> {
  const query = readQuery(c, auditSchema);
  if (query instanceof Response) return query;
  const claims = c.get('claims');
  if (claims.users !== undefined)
    return answer(c, problem('domain-not-covered', 'the token covers single users, the audit does not tell them apart'));
  const { from = 0, user, limit, cursor = Number.MAX_SAFE_INTEGER } = query;
  const filter = {
    domains: coversAll(claims) ? undefined : domainsOf(claims),
    users: user === undefined ? undefined : await pseudonym(c.env, user),
  };
  const rows = await accessObject(c.env).audit(cursor, from, limit + 1, filter);
  const entries = rows.slice(0, limit).map(entryOf);
  const last = entries.at(-1)?.id;
  return c.json({ entries, ...(rows.length > limit && last !== undefined ? { cursor: String(last) } : {}) });
}

function entryOf({ id, at, domain, body }: AuditRow): AuditEntry {
  return { id, at: new Date(at).toISOString(), domain, ...(JSON.parse(body) as Omit<AuditEntry, 'id' | 'at' | 'domain'>) };
}
