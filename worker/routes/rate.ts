import type { Context } from 'hono';
import { ACCESS_LIMITS, Buckets, type Grant, type Quota } from '../access/index.ts';
import type { Env } from '../env.ts';
import { wholeNumber } from '../objects/variable.ts';
import type { AppEnv } from './auth.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { answer, problem } from './problem.ts';

/** Policies: what shims report has a bucket of its own, so that a reader with the same token cannot stop it. */
type Policy = 'ingest' | 'requests';

/** Those of this isolate: a token that is used through several isolates has a bucket in each. */
const buckets = new Buckets();

/**
 * Takes a request of a token out of its bucket: the answer where there is none left in it, else what to do to the answer: the headers of
 * draft-ietf-httpapi-ratelimit-headers. `key` is the token's identity.
 */
export async function limitRate(c: Context<AppEnv>, key: string, ingest: boolean): Promise<Response | (() => void)> {
  const policy: Policy = ingest ? 'ingest' : 'requests';
  const quota = quotaOf(c.env, policy);
  const grant = buckets.take(`${policy} ${key}`, quota, Date.now());
  const headers = headersOf(policy, quota, grant);
  if (!grant.granted) return refused(c, headers, grant.seconds);
  // Cloudflare's own limiter counts for a whole data centre; a Worker of one's own has none, and needs none.
  if (c.env.RATE_LIMITER !== undefined && !(await c.env.RATE_LIMITER.limit({ key: `${policy} ${key}` })).success) {
    return refused(c, headers, ROUTE_LIMITS.limiterPause);
  }
  return () => {
    // The headers of an upgrade are the handshake's, and cannot be changed any more.
    if (c.res.status !== 101) for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
  };
}

function refused(c: Context<AppEnv>, headers: Record<string, string>, seconds: number): Response {
  const detail = `the token sends too many requests; ask again in ${seconds} s`;
  return answer(c, problem('too-many-requests', detail), { ...headers, 'retry-after': String(seconds) });
}

function headersOf(policy: Policy, { quota, window }: Quota, { left, seconds }: Grant): Record<string, string> {
  return {
    'ratelimit-policy': `"${policy}";q=${quota};w=${window / 1000}`,
    ratelimit: `"${policy}";r=${left};t=${seconds}`,
  };
}

/** Requests a minute, from the variables RATE_LIMIT and RATE_LIMIT_INGEST; what is no number within bounds is the default. */
function quotaOf(env: Env, policy: Policy): Quota {
  const variable = policy === 'ingest' ? env.RATE_LIMIT_INGEST : env.RATE_LIMIT;
  return { quota: wholeNumber(variable, ACCESS_LIMITS.rateMax, ACCESS_LIMITS.rate), window: ACCESS_LIMITS.rateWindow };
}
