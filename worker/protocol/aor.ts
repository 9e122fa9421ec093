import { LIMITS } from './limits.ts';

/**
 * The canonical form of an address of record, or undefined where it is none: scheme `sip`, user part with escapes of unreserved
 * characters undone, host in lower case, no port, no parameters, no headers, no password (RFC 3261 10.3 step 5). A bare
 * `alice@example.com` and `sips:` are read as `sip:`. IPv6 hosts keep their brackets.
 */
export function canonicalAor(text: string): string | undefined {
  if (text.length > LIMITS.userLength) return undefined;
  const match =
    /^(?:sips?:)?([^@\s<>"]+)@(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?)(?::\d{1,5})?(?:[;?][^\s<>"]*)?$/i.exec(text);
  if (!match) return undefined;
  const user = canonicalUser((match[1] as string).replace(/:.*$/s, ''));
  const host = (match[2] as string).toLowerCase().replace(/\.$/, '');
  if (user === undefined || user === '' || host === '') return undefined;
  return `sip:${user}@${host}`;
}

/** The host of a canonical address of record. */
export function domainOf(aor: string): string {
  return aor.slice(aor.lastIndexOf('@') + 1);
}

/** RFC 3261 19.1.4: an escaped unreserved character and the character itself are the same. Other escapes stay, in upper case. */
function canonicalUser(user: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(user) || /[^!-~]/.test(user)) return undefined;
  return user.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const char = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[A-Za-z0-9_.!~*'()-]/.test(char) ? char : escaped.toUpperCase();
  });
}
