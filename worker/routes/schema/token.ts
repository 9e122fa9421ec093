import * as z from 'zod';
import { DETAIL_LEVELS, SCOPES, TOKEN_LIMITS, type TokenClaims } from '../../protocol/index.ts';
import { userSchema } from './user.ts';

const name = z.string().min(1).max(TOKEN_LIMITS.name);

const domain = z.string().min(1).toLowerCase();

/** Claims of a token whose signature is good. What is not ours is left out. */
export const claimsSchema = z.object({
  sub: name.exactOptional(),
  scope: z.array(z.enum(SCOPES)),
  domain: z.union([domain, z.array(domain).min(1).max(TOKEN_LIMITS.domains)]),
  users: z.array(userSchema).min(1).max(TOKEN_LIMITS.users).exactOptional(),
  detail: z.enum(DETAIL_LEVELS).exactOptional(),
  site: name.exactOptional(),
  iat: z.number(),
  exp: z.number().exactOptional(),
  jti: name.exactOptional(),
}) satisfies z.ZodType<TokenClaims>;
