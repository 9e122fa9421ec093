import type { Context } from 'hono';
import { Buckets } from '../access/index.ts';
import { logError } from '../log.ts';
import { audit } from './audit.ts';
import type { AppEnv } from './auth.ts';
import { ROUTE_LIMITS } from './limits.ts';

/** Tokens of scope `admin` whose use was noted. */
const noted = new Buckets();

/** Notes beside the request that a token of scope `admin` is used: once in a while, and what it then does in particular elsewhere. */
export function noteAdmin(c: Context<AppEnv>, token: string): void {
  const { granted } = noted.take(token, { quota: 1, window: ROUTE_LIMITS.adminNote }, Date.now());
  if (!granted) return;
  c.executionCtx.waitUntil(
    audit(c, 'admin.use').catch((error) => logError('the use of an admin token could not be noted', error)),
  );
}
