import type { Self } from '../proxy/self.ts';
import { type Authentication, credentials, type Message, parseUri } from '../sip/index.ts';
import { challengeValues } from './challenge.ts';
import { digestFields, expectedResponse } from './digest.ts';
import { type Algorithm, algorithmOf, HASH_LENGTH, type Hashes, hashOf, sameText } from './hashes.ts';
import { type NonceSettings, Nonces } from './nonces.ts';
import type { Users } from './users.ts';

/** Who a request was shown to come from. */
export type Verdict =
  | { readonly kind: 'good'; readonly aor: string }
  /** No credentials for that realm. */
  | { readonly kind: 'none' }
  /** Right, but for a nonce that is no longer, or never was, ours. */
  | { readonly kind: 'stale' }
  /** `proven`: for a nonce of ours that is good, so the sender did get our challenge: the address is not made up. */
  | { readonly kind: 'wrong'; readonly proven: boolean };

/** Where the credentials stand: for a registrar (RFC 3261 22.2) or a proxy (22.3). */
export type CredentialsField = 'authorization' | 'proxy-authorization';

/** Digest authentication (RFC 3261 22, RFC 7616, RFC 8760): makes challenges and checks what comes back. */
export class Authenticator {
  /** Exchanged as a whole when the users are read anew. */
  users: Users;
  readonly nonces: Nonces;
  readonly #settings: NonceSettings;
  readonly #hashes: Hashes;
  readonly #self: Self;
  readonly #opaque: string;
  /** What an unknown user's response is checked against: the same work as for a known one. */
  readonly #nobody: { readonly [A in Algorithm]: string };

  constructor(
    settings: NonceSettings,
    parts: { readonly users: Users; readonly hashes: Hashes; readonly unique: () => string; readonly self: Self },
  ) {
    const { users, hashes, unique, self } = parts;
    this.#self = self;
    this.users = users;
    this.nonces = new Nonces(settings, hashes.mac, unique);
    this.#settings = settings;
    this.#hashes = hashes;
    this.#opaque = hashes.mac('opaque').slice(0, 16);
    const nobody = hashes.mac('nobody').repeat(2);
    this.#nobody = { 'SHA-256': nobody.slice(0, HASH_LENGTH['SHA-256']), MD5: nobody.slice(0, HASH_LENGTH.MD5) };
  }

  /** The values of the challenge for a realm: the same for everybody. */
  challenge(realm: string, stale: boolean, now: number): string[] {
    return challengeValues({
      realm,
      nonce: this.nonces.make(now),
      opaque: this.#opaque,
      algorithms: this.users.algorithms,
      stale,
    });
  }

  /** Checks the credentials of a request. RFC 3261 22.1: they are those of our realm; others are for others. */
  check(m: Message, field: CredentialsField, realm: string, now: number): Verdict {
    const given = credentials(m, field).filter(({ scheme, params }) => scheme === 'digest' && params.get('realm') === realm);
    if (given.length === 0) return { kind: 'none' };
    const { algorithms } = this.users;
    for (const one of given) {
      const algorithm = algorithmOf(one.params.get('algorithm'));
      if (algorithm !== undefined && algorithms.includes(algorithm)) return this.#verdict(m, one, algorithm, realm, now);
    }
    return { kind: 'wrong', proven: false };
  }

  #verdict(m: Message, { params }: Authentication, algorithm: Algorithm, realm: string, now: number): Verdict {
    const fields = digestFields(params, algorithm);
    if (fields === undefined) return { kind: 'wrong', proven: false };
    const user = this.users.find(fields.username, realm, algorithm);
    const hash = hashOf(this.#hashes, algorithm);
    const expected = expectedResponse(hash, user?.ha1 ?? this.#nobody[algorithm], m.method, fields);
    const right = sameText(fields.response, expected) && this.#isFor(fields.uri, m.uri);
    if (user === undefined || !right) {
      const made = this.nonces.madeAt(fields.nonce);
      return { kind: 'wrong', proven: made !== undefined && now - made < this.#settings.nonceLifetime };
    }
    // RFC 7616 3.3, stale: "the previous request from the client was rejected because the nonce value was stale".
    return this.nonces.use(fields.nonce, fields.nc, now) === 'good' ? { kind: 'good', aor: user.aor } : { kind: 'stale' };
  }

  /**
   * RFC 7616 3.4.6: the `uri` field must name the same resource as the Request-URI. Port and parameters, which some phones leave out of one
   * of the two, make no other resource of it. Other phones write the address of this server there, whatever they ask for: that is no
   * more than what they ask for, and no two requests can have one nonce count.
   */
  #isFor(digest: string, request: string): boolean {
    if (digest === request) return true;
    const [a, b] = [parseUri(digest), parseUri(request)];
    if (a === undefined || b === undefined || a.host === '') return false;
    if (a.user === '' && this.#self.isSelf(a)) return true;
    return a.scheme === b.scheme && a.user === b.user && a.host === b.host;
  }
}
