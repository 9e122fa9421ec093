import type { HookMaker, HookRecord } from '../hooks/index.ts';
import { addressProblem, allowsPrivate } from '../objects/hook-send.ts';
import { DETAIL_LEVELS, type DetailLevel, type Scope, type TokenClaims } from '../protocol/index.ts';
import { covers, detailOf, mayRead, usersOf } from './auth.ts';
import { type Problem, problem } from './problem.ts';

/** What a webhook shows, and so what a token must cover to make it, or to see that it is there. */
export type Shown = Pick<HookRecord, 'domain' | 'users' | 'detail'>;

/** Whether a token may see all that a webhook shows. For any other token it does not exist. */
export function coversHook(claims: TokenClaims, { domain, users, detail }: Shown): boolean {
  if (!covers(claims, domain) || !isWithin(detail, detailOf(claims))) return false;
  return users === null ? usersOf(claims, domain) === undefined : users.every((user) => mayRead(claims, user));
}

/** By what it is told whether the token that makes a webhook is revoked. */
export function makerOf({ jti, sub, iat }: TokenClaims): HookMaker {
  return { jti, sub, iat };
}

/** Whether a level of detail shows no more than another. */
export function isWithin(detail: DetailLevel, most: DetailLevel): boolean {
  return DETAIL_LEVELS.indexOf(detail) <= DETAIL_LEVELS.indexOf(most);
}

/** Whether a token has a scope besides the one that let it in. */
export function hasScope(claims: TokenClaims, scope: Scope): boolean {
  return claims.scope.includes(scope) || claims.scope.includes('admin');
}

const REFUSED = {
  'no-url': 'is no http or https URL without a user',
  'not-https': 'is not https',
  'private-address': 'is an address of the own machine or of a private network',
} as const;

/** Why nothing may be delivered to a URL; undefined where it may. */
export function addressRefusal(url: string, variable: string | undefined, field: string): Problem | undefined {
  const found = addressProblem(url, allowsPrivate(variable));
  return found && problem('address-not-allowed', `${field}: ${REFUSED[found]}`, field);
}
