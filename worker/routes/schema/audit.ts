import * as z from 'zod';
import { ROUTE_LIMITS } from '../limits.ts';
import { idCursor, page } from './query.ts';
import { userSchema } from './user.ts';

/** Acts that are audited, as `thing.deed`. */
export const ACTS = [
  'override.set',
  'override.clear',
  'user.delete',
  'domain.relist',
  'webhook.create',
  'webhook.change',
  'webhook.delete',
  'webhook.rotate',
  'webhook.replay',
  'token.revoke',
  'admin.use',
] as const;

/** A time (RFC 3339) as ms since 1970. */
export const instant = z.iso
  .datetime({ offset: true, error: 'is no time (RFC 3339)' })
  .transform((text) => Date.parse(text))
  .pipe(z.number({ error: 'is no time (RFC 3339)' }).min(0));

/** The query of `GET /v1/audit`; the cursor is an entry's id. */
export const auditSchema = z.object({
  from: instant.optional(),
  user: userSchema.optional(),
  limit: page(ROUTE_LIMITS.auditDefault, ROUTE_LIMITS.auditMax),
  cursor: idCursor,
});
