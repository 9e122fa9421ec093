import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { Counters, labelText, metric } from '../access/index.ts';
import { accessObject } from '../objects/access.ts';
import { boardObject, listServerObject } from '../objects/places.ts';
import { boardsOf, listServerCount, listServersOf, shardCount } from '../objects/shard.ts';
import type { Verdict } from '../protocol/index.ts';
import { type AppEnv, covers, forbidden, usersOf } from './auth.ts';
import { readQuery } from './parameters.ts';
import { metricsSchema } from './schema/query.ts';

/** Counted since this isolate began. On a workerd of one's own there is one isolate; on Cloudflare each scrape reaches any of many. */
const counters = new Counters({
  offhook_isolate_requests_total: 'Requests that this isolate answered, by route and status.',
  offhook_isolate_request_seconds_total: 'Time that they took, by route.',
  offhook_isolate_updates_total: 'Updates of sites, by verdict.',
} as const);

/** Tells one isolate from another, where a scrape finds lower counts than before. */
const isolate = { id: '', since: 0 };

/** Counts the requests. */
export const countRequests: MiddlewareHandler<AppEnv> = async (c, next) => {
  const begun = Date.now();
  // Neither time nor chance are to be had before the first request.
  if (isolate.since === 0) Object.assign(isolate, { id: crypto.randomUUID(), since: begun });
  await next();
  const route = routePath(c, -1);
  counters.add('offhook_isolate_requests_total', { method: c.req.method, route, status: String(c.res.status) });
  counters.add('offhook_isolate_request_seconds_total', { route }, (Date.now() - begun) / 1000);
};

/** Counts what became of updates. */
export function countVerdicts(verdicts: readonly Verdict[]): void {
  for (const { verdict } of verdicts) counters.add('offhook_isolate_updates_total', { verdict });
}

/**
 * `GET /metrics?domain=...&domain=...`: the counters of this isolate, what the access object keeps, and for each domain named its users by
 * status and its open watches, as its boards know them.
 */
export async function getMetrics(c: Context<AppEnv>): Promise<Response> {
  const query = readQuery(c, metricsSchema);
  if (query instanceof Response) return query;
  const claims = c.get('claims');
  const { domain: domains = [] } = query;
  // Counts of a domain are of all its users: a token of some of them does not cover them.
  const foreign = domains.find((domain) => !covers(claims, domain) || usersOf(claims, domain) !== undefined);
  if (foreign !== undefined) return forbidden(c, foreign);
  const [kept, boards] = await Promise.all([
    accessObject(c.env).counts(),
    Promise.all(domains.map((domain) => countDomain(c.env, domain))),
  ]);
  const text = [
    metric('offhook_isolate_info', 'gauge', 'The isolate that answers; counters named isolate are its own.', [
      [labelText({ id: isolate.id }), 1],
    ]),
    metric('offhook_isolate_start_time_seconds', 'gauge', 'When it began to count.', [['', isolate.since / 1000]]),
    counters.text(),
    metric('offhook_revocations', 'gauge', 'Tokens and subjects that are revoked.', [['', kept.revocations]]),
    metric('offhook_audit_entries', 'gauge', 'Entries of the audit.', [['', kept.audit]]),
    metric(
      'offhook_users',
      'gauge',
      'Users that a domain lists, by the status that was told last.',
      boards.flatMap(usersSamples),
    ),
    metric('offhook_watches', 'gauge', 'Open watches at the boards and list servers of a domain.', boards.map(watchesSample)),
  ];
  return c.body(text.join(''), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' });
}

interface DomainCounts {
  readonly domain: string;
  readonly statuses: ReadonlyMap<string, number>;
  readonly watches: number;
}

async function countDomain(env: AppEnv['Bindings'], domain: string): Promise<DomainCounts> {
  const boards = boardsOf(domain, shardCount(env.BOARD_SHARDS));
  const servers = listServersOf(domain, listServerCount(env.LIST_SERVERS));
  const [counts, lists] = await Promise.all([
    Promise.all(boards.map((board) => boardObject(env, board).counts())),
    Promise.all(servers.map((server) => listServerObject(env, server).counts())),
  ]);
  const statuses = new Map<string, number>();
  for (const { status, count } of counts.flatMap(({ users }) => users)) statuses.set(status, (statuses.get(status) ?? 0) + count);
  return { domain, statuses, watches: [...counts, ...lists].reduce((sum, { watches }) => sum + watches, 0) };
}

function usersSamples({ domain, statuses }: DomainCounts): [string, number][] {
  return [...statuses].map(([status, count]) => [labelText({ domain, status }), count]);
}

function watchesSample({ domain, watches }: DomainCounts): [string, number] {
  return [labelText({ domain }), watches];
}
