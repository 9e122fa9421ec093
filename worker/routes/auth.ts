import type { Context, MiddlewareHandler } from 'hono';
import { verify } from 'hono/jwt';
import type { Env } from '../env.ts';
import { type DetailLevel, type Scope, SECRET_LENGTH, type TokenClaims } from '../protocol/index.ts';
import { answer, type Problem, problem } from './problem.ts';
import { claimsSchema } from './schema/token.ts';

/** What the routes know besides the request: the bearer, once `authorize` has let it in. */
export interface AppEnv {
  Bindings: Env;
  Variables: { claims: TokenClaims };
}

type AppContext = Context<AppEnv>;

/** Sub-protocols of `GET /v1/watch`: a browser can send its token in no other way. */
export const WATCH_PROTOCOL = 'offhook.v1';
const TOKEN_PROTOCOL = 'offhook.token.';

/** Without a secret nobody could be told from anybody else: nothing is answered then. */
export const requireSecret: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (secretOf(c) !== undefined) return next();
  return answer(c, problem('no-secret', `OFFHOOK_SECRET is not set, or shorter than ${SECRET_LENGTH} characters`));
};

/** Lets a request pass whose token is good and has the scope (RFC 6750); no object is reached by any other. */
export function authorize(scope: Scope): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const token = tokenOf(c);
    if (token === undefined) return challenge(c, problem('no-token', 'a bearer token is needed'));
    const claims = await readToken(token, secretOf(c) ?? '');
    if (claims === undefined) return challenge(c, problem('invalid-token', 'the token is not valid'), 'invalid_token');
    if (!claims.scope.includes(scope) && !claims.scope.includes('admin')) {
      return challenge(c, problem('missing-scope', `the token lacks the scope ${scope}`), 'insufficient_scope', scope);
    }
    c.set('claims', claims);
    return next();
  };
}

/** Whether a token covers the users of a domain (lower case). */
export function covers(claims: TokenClaims, domain: string): boolean {
  return claims.domain === '*' || claims.domain === domain;
}

/** How much of a document the bearer may see. */
export function detailOf(claims: TokenClaims): DetailLevel {
  return claims.detail ?? 'full';
}

/** Answers that the token does not cover a domain. */
export function forbidden(c: AppContext, domain: string): Response {
  return answer(c, problem('domain-not-covered', `the token does not cover ${domain}`));
}

function secretOf(c: AppContext): string | undefined {
  const secret = c.env.OFFHOOK_SECRET;
  return secret !== undefined && secret.length >= SECRET_LENGTH ? secret : undefined;
}

function tokenOf(c: AppContext): string | undefined {
  const header = c.req.header('authorization');
  if (header !== undefined) return /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1];
  const offered = protocols(c).find((name) => name.startsWith(TOKEN_PROTOCOL));
  return offered?.slice(TOKEN_PROTOCOL.length);
}

/** The sub-protocols that the client of a WebSocket offers. */
export function protocols(c: AppContext): string[] {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') return [];
  return (c.req.header('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
}

async function readToken(token: string, secret: string): Promise<TokenClaims | undefined> {
  let payload: unknown;
  try {
    // `iat` is not checked: it says when, not from when, and the maker's clock may be ahead of ours.
    payload = await verify(token, secret, { alg: 'HS256', iat: false });
  } catch {
    return undefined;
  }
  return claimsSchema.safeParse(payload).data;
}

// RFC 6750 3: "If the request lacks any authentication information, the resource server SHOULD NOT include an error code".
function challenge(c: AppContext, told: Problem, error?: string, scope?: string): Response {
  const parts = ['Bearer realm="offhook"', ...(error ? [`error="${error}"`] : []), ...(scope ? [`scope="${scope}"`] : [])];
  return answer(c, told, { 'www-authenticate': parts.join(', ') });
}
