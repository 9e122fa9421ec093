import * as z from 'zod';
import { TOKEN_LIMITS } from '../../protocol/index.ts';
import { ROUTE_LIMITS } from '../limits.ts';
import { instant } from './audit.ts';
import { idCursor, page } from './query.ts';

const name = z.string().min(1).max(TOKEN_LIMITS.name);

/** The body of `POST /v1/tokens/revocations`: `jti` (with `until`, when the token ends by itself), or `subject` (with `before`, else now). */
export const revokeSchema = z.strictObject({
  jti: name.optional(),
  until: instant.optional(),
  subject: name.optional(),
  before: instant.optional(),
});

/** The query of `GET /v1/tokens/revocations`; the cursor is a revocation's id. */
export const revocationListSchema = z.object({
  limit: page(ROUTE_LIMITS.auditDefault, ROUTE_LIMITS.auditMax),
  cursor: idCursor,
});
