import { sign } from 'hono/jwt';
import type { DetailLevel, Scope, TokenClaims } from '#protocol';

/** What a token is to say. */
export interface TokenRequest {
  readonly scope: readonly Scope[];
  readonly domain: string;
  readonly detail: DetailLevel;
  readonly site?: string | undefined;
  readonly subject?: string | undefined;
  /** How long it is good for, ms; undefined for as long as its secret. */
  readonly expires?: number | undefined;
}

/** The claims of an access token. `now` is ms since 1970, `id` becomes `jti`. */
export function claimsOf(request: TokenRequest, now: number, id: string): TokenClaims {
  const issued = Math.floor(now / 1000);
  return {
    ...(request.subject === undefined ? {} : { sub: request.subject }),
    scope: request.scope,
    domain: request.domain,
    detail: request.detail,
    ...(request.site === undefined ? {} : { site: request.site }),
    iat: issued,
    ...(request.expires === undefined ? {} : { exp: issued + Math.floor(request.expires / 1000) }),
    jti: id,
  };
}

/** An access token: a JWT (RFC 7519) signed with HS256. */
export function makeToken(request: TokenRequest, secret: string, now: number, id: string): Promise<string> {
  return sign({ ...claimsOf(request, now, id) }, secret, 'HS256');
}
