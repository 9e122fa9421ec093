import type { Context, MiddlewareHandler } from 'hono';
import { type Scope, SECRET_LENGTH, type TokenClaims } from '../protocol/index.ts';
import { noteAdmin } from './admin-note.ts';
import { type AppEnv, protocols } from './auth.ts';
import { answer, type Problem, problem } from './problem.ts';
import { limitRate } from './rate.ts';
import { isRevoked } from './revoked.ts';
import { readToken, secretsOf } from './token.ts';

type AppContext = Context<AppEnv>;

const TOKEN_PROTOCOL = 'offhook.token.';

const RETRY = { 'retry-after': '1' };

/** Without a secret nobody could be told from anybody else: nothing is answered then. */
export const requireSecret: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (secretsOf(c.env).length > 0) return next();
  return answer(c, problem('no-secret', `OFFHOOK_SECRET is not set, or shorter than ${SECRET_LENGTH} characters`));
};

/**
 * Lets a request pass whose token is good, not revoked, has the scope (RFC 6750), and does not ask too often; no object but that which knows
 * of revocations is reached by any other.
 */
export function authorize(scope: Scope): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const token = tokenOf(c);
    if (token === undefined) return challenge(c, problem('no-token', 'a bearer token is needed'));
    const claims = await readToken(token, c.env);
    if (claims === undefined) return challenge(c, problem('invalid-token', 'the token is not valid'), 'invalid_token');
    const refused = await refuseRevoked(c, claims);
    if (refused !== undefined) return refused;
    if (!claims.scope.includes(scope) && !claims.scope.includes('admin')) {
      return challenge(c, problem('missing-scope', `the token lacks the scope ${scope}`), 'insufficient_scope', scope);
    }
    c.set('claims', claims);
    const identity = identityOf(claims, token);
    const limited = await limitRate(c, identity, scope === 'ingest');
    if (limited instanceof Response) return limited;
    if (claims.scope.includes('admin')) noteAdmin(c, identity);
    await next();
    limited();
    return undefined;
  };
}

/** The refusal of a token that is revoked, or of which that cannot be told; undefined for any other. */
export async function refuseRevoked(c: AppContext, claims: TokenClaims): Promise<Response | undefined> {
  const revoked = await isRevoked(c, claims);
  if (revoked === undefined) return answer(c, problem('unavailable', 'it cannot be told whether the token is revoked'), RETRY);
  return revoked ? challenge(c, problem('invalid-token', 'the token is not valid'), 'invalid_token') : undefined;
}

function tokenOf(c: AppContext): string | undefined {
  const header = c.req.header('authorization');
  if (header !== undefined) return /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1];
  const offered = protocols(c).find((name) => name.startsWith(TOKEN_PROTOCOL));
  return offered?.slice(TOKEN_PROTOCOL.length);
}

/** What a token is told apart by: its `jti`, or else its signature. */
function identityOf({ jti }: TokenClaims, token: string): string {
  return jti ?? token.slice(token.lastIndexOf('.') + 1);
}

// RFC 6750 3: "If the request lacks any authentication information, the resource server SHOULD NOT include an error code".
function challenge(c: AppContext, told: Problem, error?: string, scope?: string): Response {
  const parts = ['Bearer realm="offhook"', ...(error ? [`error="${error}"`] : []), ...(scope ? [`scope="${scope}"`] : [])];
  return answer(c, told, { 'www-authenticate': parts.join(', ') });
}
