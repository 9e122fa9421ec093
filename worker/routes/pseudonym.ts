import type { Env } from '../env.ts';
import { secretsOf } from './token.ts';

/** Bytes of a pseudonym: enough to tell users apart. */
const BYTES = 8;

/**
 * What stands for a user where the name itself is not needed (logs, audit): made of the name and the Worker's secret, so that who
 * has no secret can neither read it nor try names. One for each secret, the current one first.
 */
export async function pseudonym(env: Env, user: string): Promise<string[]> {
  return Promise.all(secretsOf(env).map((secret) => hashOf(secret, user)));
}

async function hashOf(secret: string, user: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign']);
  const hash = new Uint8Array(await crypto.subtle.sign(algorithm, key, encoder.encode(`pseudonym\n${user}`)));
  return `user-${Array.from(hash.subarray(0, BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
