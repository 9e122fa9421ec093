/** What a token lets its bearer do. `admin` implies all others. */
export type Scope = 'ingest' | 'read' | 'write' | 'admin';

export const SCOPES: readonly Scope[] = ['ingest', 'read', 'write', 'admin'];

/** How much of a presence document the bearer may see: `full` by default. */
export type DetailLevel = 'busy-only' | 'direction' | 'full';

export const DETAIL_LEVELS: readonly DetailLevel[] = ['busy-only', 'direction', 'full'];

/** Claims of an access token: a JWT (RFC 7519) signed with HS256 and the Worker's secret. */
export interface TokenClaims {
  /** Who the token was made for: a name for people. */
  readonly sub?: string;
  readonly scope: readonly Scope[];
  /** The domain whose users it covers, or `*` for all. */
  readonly domain: string;
  /** `full` where absent. */
  readonly detail?: DetailLevel;
  /** With it, only updates of this site may be posted. */
  readonly site?: string;
  /** Made at, seconds since 1970. */
  readonly iat: number;
  /** Not good after, seconds since 1970. */
  readonly exp?: number;
  /** Identity of the token. */
  readonly jti?: string;
}

/** The least length of the secret that signs tokens, characters. */
export const SECRET_LENGTH = 32;
