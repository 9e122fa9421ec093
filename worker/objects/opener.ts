import type { Bearer } from '../access/index.ts';
import type { TokenClaims } from '../protocol/index.ts';

/** Whose watch a socket of a board is, as its attachment keeps it. */
export interface Opener extends Bearer {
  /** The name of the board: it does not know its own. */
  readonly board: string;
}

/** The header by which a board is told whose watch it opens. It is reached from the Worker alone. */
const HEADER = 'offhook-opener';

/** That header. */
export function openerHeader(board: string, { jti, sub, iat }: TokenClaims): Record<string, string> {
  return { [HEADER]: encodeURIComponent(JSON.stringify({ board, jti, sub, iat } satisfies Opener)) };
}

/** Whose watch a request opens; undefined where it does not say. */
export function openerOf(request: Request): Opener | undefined {
  const text = request.headers.get(HEADER);
  return text === null ? undefined : (JSON.parse(decodeURIComponent(text)) as Opener);
}

/** The tag by which the sockets of one token are counted; none where the token has no `jti`. */
export function tagsOf(opener: Opener | undefined): string[] {
  return opener?.jti === undefined ? [] : [`token ${opener.jti}`];
}
