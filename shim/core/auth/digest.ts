import type { Params } from '../sip/index.ts';
import { type Algorithm, HASH_LENGTH } from './hashes.ts';

/** What of a digest response (RFC 7616 3.4) is there in the shape that a check needs. Byte strings. */
export interface DigestFields {
  readonly username: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly cnonce: string;
  /** As it was sent: it goes into the hash. */
  readonly nc: string;
}

/** Longest field looked at; beyond it hashing would be work for a stranger. */
const MAX_FIELD = 1024;

/** The fields of a response by `qop=auth`; undefined where one is missing or not what RFC 7616 3.4 says. */
export function digestFields(params: Params, algorithm: Algorithm): DigestFields | undefined {
  const field = (name: string): string => {
    const value = params.get(name);
    return typeof value === 'string' && value.length <= MAX_FIELD ? value : '';
  };
  const fields = {
    username: field('username'),
    nonce: field('nonce'),
    uri: field('uri'),
    response: field('response').toLowerCase(),
    cnonce: field('cnonce'),
    nc: field('nc'),
  };
  // RFC 8760 2.6 makes qop a must: a response without it has no count, so whoever saw it could send it again.
  if (field('qop').toLowerCase() !== 'auth') return undefined;
  if (Object.values(fields).includes('') || !/^[0-9a-f]{8}$/i.test(fields.nc)) return undefined;
  return fields.response.length === HASH_LENGTH[algorithm] && /^[0-9a-f]+$/.test(fields.response) ? fields : undefined;
}

/** RFC 7616 3.4.2: A1 = unq(username) ":" unq(realm) ":" passwd, hashed: what is kept of a password. */
export function ha1(hash: (text: string) => string, username: string, realm: string, password: string): string {
  return hash(`${username}:${realm}:${password}`);
}

/** RFC 7616 3.4.1, 3.4.3: the response by `qop=auth` that whoever has that HA1 would send. */
export function expectedResponse(
  hash: (text: string) => string,
  kept: string,
  method: string,
  { nonce, nc, cnonce, uri }: Pick<DigestFields, 'nonce' | 'nc' | 'cnonce' | 'uri'>,
): string {
  return hash(`${kept}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
}
