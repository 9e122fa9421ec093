import { quote } from '../sip/index.ts';
import type { Algorithm } from './hashes.ts';

/** What a challenge says. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string;
  readonly algorithms: readonly Algorithm[];
  /** The response was right, and only its nonce was not good any more: the phone need not ask for the password again. */
  readonly stale: boolean;
}

/**
 * The values of a challenge: one header field for each algorithm, the most preferred on top (RFC 8760 2.4), each with a qop (2.6).
 * `auth-int` is not offered: a proxy on the way that changes a body would break it.
 */
export function challengeValues({ realm, nonce, opaque, algorithms, stale }: Challenge): string[] {
  return algorithms.map(
    (algorithm) =>
      `Digest realm=${quote(realm)}, nonce="${nonce}", opaque="${opaque}"${stale ? ', stale=true' : ''}, algorithm=${algorithm}, qop="auth"`,
  );
}
