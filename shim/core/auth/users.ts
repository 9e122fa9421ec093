import { canonicalAor, isNumber } from '#protocol';
import { ALGORITHMS, type Algorithm, algorithmOf, HASH_LENGTH } from './hashes.ts';

/** What is kept of one user's password by one algorithm: its hash (HA1, RFC 7616 3.4.2) alone. */
export interface UserRow {
  /** Canonical address of record. */
  readonly aor: string;
  readonly realm: string;
  readonly algorithm: Algorithm;
  /** The name that was hashed: what the phone must give as its user name. */
  readonly username: string;
  /** In lower case. */
  readonly ha1: string;
}

/** What is wrong with a line of a user file; the line itself is not repeated, as it may hold a password by mistake. */
export interface UserProblem {
  readonly line: number;
  readonly text: string;
}

const LINE = /^(\S+@(?:\[[^\]\s]*\]|[^:[\]\s]+)):(\[[^\]]*\]|[^:]+):([A-Za-z0-9-]+)(\+domain)?:([0-9a-fA-F]+)$/;

/**
 * Reads a user file: one line `user@domain:realm:SHA-256:<HA1>` or `...:MD5:<HA1>` for each user and algorithm, in any order. The hash is
 * over `user:realm:password`; `SHA-256+domain` says that it is over `user@domain:realm:password`, for phones that give their whole
 * address as their user name. Empty lines and those that begin with # are left out.
 */
export function parseUsers(text: string): { readonly rows: UserRow[]; readonly problems: UserProblem[] } {
  const rows: UserRow[] = [];
  const problems: UserProblem[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (/^\s*(#|$)/.test(line)) return;
    const row = parseUser(line.trim());
    if (typeof row === 'string') problems.push({ line: i + 1, text: row });
    else rows.push(row);
  });
  return { rows, problems };
}

/** One line, or what is wrong with it. */
function parseUser(line: string): UserRow | string {
  const [, address, realm, name, withDomain, hash] = LINE.exec(line) ?? [];
  const aor = address && canonicalAor(address);
  if (!aor || isNumber(aor) || realm === undefined || hash === undefined)
    return 'must be user@domain:realm:SHA-256:<hash> or ...:MD5:<hash>';
  const algorithm = name === undefined ? undefined : algorithmOf(name);
  if (algorithm === undefined) return `the algorithm must be one of ${ALGORITHMS.join(', ')}`;
  if (hash.length !== HASH_LENGTH[algorithm]) return `the hash of ${algorithm} has ${HASH_LENGTH[algorithm]} hexadecimal digits`;
  return { aor, realm, algorithm, username: usernameOf(aor, withDomain !== undefined), ha1: hash.toLowerCase() };
}

/** The user name of a digest: the user of the address of record, or the whole of it. */
export function usernameOf(aor: string, withDomain: boolean): string {
  const whole = aor.slice('sip:'.length);
  return withDomain ? whole : whole.slice(0, whole.lastIndexOf('@'));
}

/** The line that `parseUsers` reads as that row. */
export function userLine({ aor, realm, algorithm, username, ha1 }: UserRow): string {
  const address = aor.slice('sip:'.length);
  return `${address}:${realm}:${algorithm}${username === address ? '+domain' : ''}:${ha1}`;
}

/** The users of digest authentication. Never changed: others take its place when they are read anew. */
export class Users {
  readonly #rows = new Map<string, UserRow>();
  readonly #aors = new Set<string>();
  /**
   * What is offered: the algorithms that every user has a hash of, as the challenge must not depend on who is meant; where there is none,
   * all of them.
   */
  readonly algorithms: readonly Algorithm[];

  constructor(rows: readonly UserRow[]) {
    const having: { readonly [A in Algorithm]: Set<string> } = { 'SHA-256': new Set(), MD5: new Set() };
    for (const row of rows) {
      this.#rows.set(keyOf(row.username, row.realm, row.algorithm), row);
      this.#aors.add(row.aor);
      having[row.algorithm].add(row.aor);
    }
    const common = ALGORITHMS.filter((algorithm) => having[algorithm].size === this.#aors.size);
    this.algorithms = common.length > 0 ? common : ALGORITHMS;
  }

  /** How many users there are. */
  get size(): number {
    return this.#aors.size;
  }

  find(username: string, realm: string, algorithm: Algorithm): UserRow | undefined {
    return this.#rows.get(keyOf(username, realm, algorithm));
  }
}

/** The lengths keep apart what would be the same text in two ways. */
function keyOf(username: string, realm: string, algorithm: Algorithm): string {
  return `${algorithm} ${realm.length} ${realm} ${username}`;
}
