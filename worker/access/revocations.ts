/** A token, or all tokens of a subject that were made before a time, is good no more. */
export interface Revocation {
  /** Rises with each; given by the access object. */
  readonly seq: number;
  /** `token`: `name` is its `jti`; `subject`: `name` is the `sub`. */
  readonly kind: 'token' | 'subject';
  readonly name: string;
  /** Of a subject: tokens made before this time, ms since 1970; null for a token. */
  readonly before: number | null;
  /** When it needs not be known any more, since the token has expired by then, ms since 1970; null for never. */
  readonly until: number | null;
  /** When it was revoked, ms since 1970. */
  readonly at: number;
}

/** What a revocation is about, of a token's claims. */
export interface Bearer {
  readonly jti?: string | undefined;
  readonly sub?: string | undefined;
  /** s since 1970 */
  readonly iat: number;
}

/** What is revoked, as far as it is known. */
export class Revocations {
  #seq = 0;
  readonly #tokens = new Map<string, number | null>();
  readonly #subjects = new Map<string, number>();

  /** The greatest number that is known: what was revoked after it is still to be read. */
  get seq(): number {
    return this.#seq;
  }

  /** Takes what was revoked since, and forgets what needs not be known any more. */
  add(news: readonly Revocation[], now: number): void {
    for (const { seq, kind, name, before, until } of news) {
      this.#seq = Math.max(this.#seq, seq);
      if (kind === 'token') this.#tokens.set(name, until);
      else this.#subjects.set(name, Math.max(before ?? 0, this.#subjects.get(name) ?? 0));
    }
    for (const [name, until] of this.#tokens) if (until !== null && until <= now) this.#tokens.delete(name);
  }

  /** Whether a token is revoked. `iat` is in whole seconds: one made in the very second of the time is before it. */
  has({ jti, sub, iat }: Bearer): boolean {
    if (jti !== undefined && this.#tokens.has(jti)) return true;
    const before = sub === undefined ? undefined : this.#subjects.get(sub);
    return before !== undefined && iat * 1000 < before;
  }
}
