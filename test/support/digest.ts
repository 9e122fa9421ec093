import { expectedResponse, ha1 } from '../../shim/core/auth/digest.ts';
import { type Algorithm, hashOf } from '../../shim/core/auth/hashes.ts';
import { type UserRow, Users, usernameOf } from '../../shim/core/auth/users.ts';
import { challenges, type Message } from '../../shim/core/sip/index.ts';
import { createHashes } from '../../shim/io/hashes.ts';

/** Hash functions under a key that every test has. */
export const HASHES = createHashes(Buffer.alloc(32, 7));

/** What is kept of a user, by every algorithm. */
export function userRows(address: string, password: string, realm = address.slice(address.indexOf('@') + 1)): UserRow[] {
  const aor = `sip:${address}`;
  return (['SHA-256', 'MD5'] as const).map((algorithm) => {
    const username = usernameOf(aor, false);
    return { aor, realm, algorithm, username, ha1: ha1(hashOf(HASHES, algorithm), username, realm, password) };
  });
}

export const users = (passwords: { readonly [address: string]: string }): Users =>
  new Users(Object.entries(passwords).flatMap(([address, password]) => userRows(address, password)));

export interface Account {
  readonly username: string;
  readonly password: string;
}

/** The header line by which a phone answers the challenge in that 401 or 407, with the first algorithm unless another is asked for. */
export function credentialsLine(
  challenge: Message,
  request: { readonly method: string; readonly uri: string },
  { username, password }: Account,
  more: { readonly algorithm?: Algorithm; readonly nc?: string } = {},
): string {
  const registrar = challenge.status === 401;
  const offered = challenges(challenge, registrar ? 'www-authenticate' : 'proxy-authenticate');
  const chosen = offered.find(({ params }) => more.algorithm === undefined || params.get('algorithm') === more.algorithm);
  const param = (name: string) => String(chosen?.params.get(name));
  const algorithm = param('algorithm') as Algorithm;
  const hash = hashOf(HASHES, algorithm);
  const [realm, nonce, nc, cnonce] = [param('realm'), param('nonce'), more.nc ?? '00000001', 'c0ffee'];
  const response = expectedResponse(hash, ha1(hash, username, realm, password), request.method, {
    ...{ nonce, nc, cnonce, uri: request.uri },
  });
  const fields = `username="${username}", realm="${realm}", nonce="${nonce}", uri="${request.uri}", response="${response}"`;
  return `${registrar ? 'Authorization' : 'Proxy-Authorization'}: Digest ${fields}, algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce="${cnonce}", opaque="${param('opaque')}"`;
}
