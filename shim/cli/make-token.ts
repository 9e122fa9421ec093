import { createHash } from 'node:crypto';
import { sign } from 'hono/jwt';
import { type DetailLevel, KEY_ID_PREFIX, type Scope, type TokenClaims } from '#protocol';

/** What a token is to say. */
export interface TokenRequest {
  readonly scope: readonly Scope[];
  /** One or several; `*` for all. */
  readonly domain: string | readonly string[];
  /** Only these users, canonical addresses of record; undefined for all of the domains. */
  readonly users?: readonly string[] | undefined;
  readonly detail: DetailLevel;
  readonly site?: string | undefined;
  readonly subject?: string | undefined;
  /** How long it is good for, ms; undefined for as long as its secret. */
  readonly expires?: number | undefined;
}

/** The claims of an access token. `now` is ms since 1970, `id` becomes `jti`. */
export function claimsOf(request: TokenRequest, now: number, id: string): TokenClaims {
  const issued = Math.floor(now / 1000);
  const [only, ...more] = typeof request.domain === 'string' ? [request.domain] : request.domain;
  return {
    ...(request.subject === undefined ? {} : { sub: request.subject }),
    scope: request.scope,
    domain: more.length === 0 ? (only as string) : request.domain,
    ...(request.users === undefined ? {} : { users: request.users }),
    detail: request.detail,
    ...(request.site === undefined ? {} : { site: request.site }),
    iat: issued,
    ...(request.expires === undefined ? {} : { exp: issued + Math.floor(request.expires / 1000) }),
    jti: id,
  };
}

/** An access token: a JWT (RFC 7519) signed with HS256; `kid` is the fingerprint of the secret, so that two can be good at a time. */
export function makeToken(request: TokenRequest, secret: string, now: number, id: string): Promise<string> {
  // RFC 7518 6.4: a symmetric key as a JWK; with it the header can hold its `kid`.
  const key = { kty: 'oct', k: Buffer.from(secret).toString('base64url'), alg: 'HS256', kid: fingerprint(secret) };
  return sign({ ...claimsOf(request, now, id) }, key as never, 'HS256');
}

/** The fingerprint of a secret, as the Worker makes it. */
function fingerprint(secret: string): string {
  return createHash('sha256').update(`${KEY_ID_PREFIX}${secret}`).digest().subarray(0, 8).toString('base64url');
}
