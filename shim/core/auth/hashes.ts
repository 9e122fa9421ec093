/** The hash functions of digest authentication, given by io: byte string in, hexadecimal in lower case out. */
export interface Hashes {
  readonly md5: (text: string) => string;
  readonly sha256: (text: string) => string;
  /** A message authentication code under a key that this process alone has. */
  readonly mac: (text: string) => string;
}

/** RFC 8760 2.1, what is served of it, the better first. */
export const ALGORITHMS = ['SHA-256', 'MD5'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Length of a hash in hexadecimal. */
export const HASH_LENGTH: { readonly [A in Algorithm]: number } = { 'SHA-256': 64, MD5: 32 };

/** An algorithm by its name, MD5 where none is given (RFC 7616 3.3). Undefined where it is not served. */
export function algorithmOf(name: string | true | undefined): Algorithm | undefined {
  if (name === undefined) return 'MD5';
  return ALGORITHMS.find((algorithm) => algorithm === String(name).toUpperCase());
}

export function hashOf(hashes: Hashes, algorithm: Algorithm): (text: string) => string {
  return algorithm === 'MD5' ? hashes.md5 : hashes.sha256;
}

/** Are two texts the same; the time that it takes tells nothing but their length. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length));
  return difference === 0;
}
