/** What a token lets its bearer do. `admin` implies all others. */
export type Scope = 'ingest' | 'read' | 'write' | 'metrics' | 'admin';

export const SCOPES: readonly Scope[] = ['ingest', 'read', 'write', 'metrics', 'admin'];

/** How much of a presence document the bearer may see: `full` by default. */
export type DetailLevel = 'busy-only' | 'direction' | 'full';

export const DETAIL_LEVELS: readonly DetailLevel[] = ['busy-only', 'direction', 'full'];

/** Claims of an access token: a JWT (RFC 7519) signed with HS256 and one of the Worker's secrets, which the header's `kid` names. */
export interface TokenClaims {
  /** Who the token was made for: a name for people, by which all tokens of one bearer can be revoked. */
  readonly sub?: string;
  readonly scope: readonly Scope[];
  /** The domain, or the domains, whose users it covers; `*` for all. */
  readonly domain: string | readonly string[];
  /** With it, it covers only these users of its domains (canonical addresses of record). */
  readonly users?: readonly string[];
  /** `full` where absent. */
  readonly detail?: DetailLevel;
  /** With it, only updates of this site may be posted. */
  readonly site?: string;
  /** Made at, seconds since 1970. */
  readonly iat: number;
  /** Not good after, seconds since 1970. */
  readonly exp?: number;
  /** Identity of the token: what it is revoked by. */
  readonly jti?: string;
}

/** The limits of a token. */
export const TOKEN_LIMITS = {
  /** Characters of the whole; what is longer is not looked at. */
  length: 8_192,
  /** Domains and users that one token may name. */
  domains: 50,
  users: 100,
  /** Characters of `sub`, `jti` and `site`. */
  name: 128,
  /** How far ahead of our clock `iat` may be, s: makers' clocks are not ours. */
  ahead: 3_600,
} as const;

/** The least length of a secret that signs tokens, characters. */
export const SECRET_LENGTH = 32;

/** `kid` is made of this and the secret: the first 8 bytes of their SHA-256, in base64url. It tells the secret no more than a signature does. */
export const KEY_ID_PREFIX = 'offhook key id\n';
