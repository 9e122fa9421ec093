import { decode, verify } from 'hono/jwt';
import type { Env } from '../env.ts';
import { KEY_ID_PREFIX, SECRET_LENGTH, TOKEN_LIMITS, type TokenClaims } from '../protocol/index.ts';
import { ROUTE_LIMITS } from './limits.ts';
import { claimsSchema } from './schema/token.ts';

/** A secret as it is used: its fingerprint, and the key that checks signatures. */
interface Key {
  readonly kid: string;
  readonly key: CryptoKey;
  /** Tokens found good: whoever comes again and again is not computed anew. */
  readonly known: Map<string, TokenClaims>;
}

/** One entry a secret that this isolate has seen in its environment: two, as a rule. */
const keys = new Map<string, Key>();

/** The secrets that tokens may be signed with: OFFHOOK_SECRET and, while it is being replaced, the one before. Empty where there is none. */
export function secretsOf(env: Env): string[] {
  const current = env.OFFHOOK_SECRET;
  if (!isSecret(current)) return [];
  const previous = env.OFFHOOK_SECRET_PREVIOUS;
  return isSecret(previous) ? [current, previous] : [current];
}

/**
 * The claims of a token that is whole, signed by a secret of ours, and not expired; else undefined, whatever the reason: what is wrong with
 * a token is nobody's business but its maker's. Signatures are compared by `crypto.subtle.verify`, in constant time.
 */
export async function readToken(token: string, env: Env): Promise<TokenClaims | undefined> {
  if (token.length > TOKEN_LIMITS.length) return undefined;
  const secrets = secretsOf(env);
  for (const secret of secrets) {
    const claims = alreadyKnown(token, keys.get(secret));
    if (claims !== undefined) return claims;
  }
  const kid = kidOf(token);
  for (const secret of secrets) {
    const key = await keyOf(secret);
    // A token without `kid` may be of either secret: tokens had none once.
    if (kid !== undefined && kid !== key.kid) continue;
    const claims = await verified(token, key);
    if (claims !== undefined) return claims;
  }
  return undefined;
}

/** The fingerprint of a secret, which stands in the header of its tokens. */
export async function fingerprint(secret: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(KEY_ID_PREFIX + secret));
  const text = btoa(String.fromCharCode(...new Uint8Array(hash).subarray(0, 8)));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** What is known of a token that does not change: it was whole and signed. Its time may have passed since. */
function alreadyKnown(token: string, key: Key | undefined): TokenClaims | undefined {
  const claims = key?.known.get(token);
  return claims?.exp === undefined || claims.exp > Date.now() / 1000 ? claims : undefined;
}

async function verified(token: string, { key, known }: Key): Promise<TokenClaims | undefined> {
  let payload: unknown;
  try {
    // The algorithm is pinned: what the token says of it is only compared. `iat` is looked at below, with some patience.
    payload = await verify(token, key, { alg: 'HS256', iat: false });
  } catch {
    return undefined;
  }
  const claims = claimsSchema.safeParse(payload).data;
  const ahead = claims !== undefined && claims.iat > Date.now() / 1000 + TOKEN_LIMITS.ahead;
  if (claims === undefined || ahead) return undefined;
  if (known.size >= ROUTE_LIMITS.tokensKnown) known.clear();
  known.set(token, claims);
  return claims;
}

function kidOf(token: string): string | undefined {
  try {
    return (decode(token).header as { kid?: string }).kid;
  } catch {
    return undefined;
  }
}

/** Requests that come before it is made make it themselves: what one waits for may end with it. */
async function keyOf(secret: string): Promise<Key> {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const made = await makeKey(secret);
  keys.set(secret, made);
  return made;
}

async function makeKey(secret: string): Promise<Key> {
  const bytes = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  return { kid: await fingerprint(secret), key, known: new Map() };
}

function isSecret(secret: string | null | undefined): secret is string {
  return typeof secret === 'string' && secret.length >= SECRET_LENGTH;
}
