import * as z from 'zod';
import { DETAIL_LEVELS, SCOPES, type TokenClaims } from '../../protocol/index.ts';

/** Claims of a token whose signature is good. */
export const claimsSchema = z.object({
  sub: z.string().exactOptional(),
  scope: z.array(z.enum(SCOPES)),
  domain: z.string().min(1).toLowerCase(),
  detail: z.enum(DETAIL_LEVELS).exactOptional(),
  site: z.string().exactOptional(),
  iat: z.number(),
  exp: z.number().exactOptional(),
  jti: z.string().exactOptional(),
}) satisfies z.ZodType<TokenClaims>;
