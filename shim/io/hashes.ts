import { createHmac, hash, randomBytes } from 'node:crypto';
import type { Hashes } from '../core/auth/hashes.ts';

/** The hash functions of digest authentication, under a key of its own: nonces of an earlier process are stale, and phones try again. */
export function createHashes(key: Buffer = randomBytes(32)): Hashes {
  const by = (algorithm: string) => (text: string) => hash(algorithm, Buffer.from(text, 'latin1'), 'hex');
  return {
    md5: by('md5'),
    sha256: by('sha256'),
    mac: (text) => createHmac('sha256', key).update(text, 'latin1').digest('hex'),
  };
}
