import { LIMITS } from './limits.ts';
import { type Telephone, telephone } from './telephone.ts';

/**
 * The domain to which users named by a number alone (`tel:+12015550123`) count, for boards and tokens: a number has none of its own. It is the
 * domain of RFC 6116, under which the DNS has telephone numbers, so it is no SIP server's.
 */
export const NUMBER_DOMAIN = 'e164.arpa';

/**
 * The canonical form of an address of record, or undefined where it is none (RFC 3261 10.3 step 5):
 *
 * - `sip:user@host`: user part with escapes of unreserved characters undone, host in lower case, no port, no parameters, no headers, no
 *   password. A bare `alice@example.com` and `sips:` are read as `sip:`. IPv6 hosts keep their brackets. With `;user=phone` the user part is a
 *   number, written as below: `sip:+1-201-555-0123@example.com;user=phone` is `sip:+12015550123@example.com`.
 * - `tel:+number` for a global number (RFC 3966), without visual separators, escapes undone, letters in lower case. Of its parameters `ext` and
 *   `isub` belong to the name, others tell of routing and are left out.
 * - A local number is a name only within its `phone-context`: in that of a domain it is a user of the domain, `sip:7042@example.com`; in that of a
 *   global number it keeps it, `tel:7042;phone-context=+1201`. Without context it is nobody's name.
 *
 * The canonical form of a canonical form is itself.
 */
export function canonicalAor(text: string): string | undefined {
  if (text.length > LIMITS.userLength) return undefined;
  if (/^tel:/i.test(text)) return canonicalTel(text);
  const match =
    /^(?:sips?:|(?!sips?:))([^@\s<>"]+)@(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?)(?::\d{1,5})?([;?][^\s<>"]*)?$/i.exec(
      text,
    );
  if (!match) return undefined;
  const host = (match[2] as string).toLowerCase().replace(/\.$/, '');
  const phone = /^[^?]*;user=phone(?:[;?]|$)/i.test(match[3] ?? '');
  const user = (match[1] as string).replace(/:.*$/s, '');
  const canonical = (phone ? phoneUser(user, host) : undefined) ?? canonicalUser(user);
  if (canonical === undefined || canonical === '' || host === '') return undefined;
  return `sip:${canonical}@${host}`;
}

/** The domain of a canonical address of record: its host, or `NUMBER_DOMAIN`. */
export function domainOf(aor: string): string {
  return isNumber(aor) ? NUMBER_DOMAIN : aor.slice(aor.lastIndexOf('@') + 1);
}

/** Whether a canonical address of record is a number alone (`tel:`), without host. */
export function isNumber(aor: string): boolean {
  return aor.startsWith('tel:');
}

/** RFC 3966 3: telephone-uri = "tel:" telephone-subscriber */
function canonicalTel(text: string): string | undefined {
  const read = telephone(text.slice('tel:'.length));
  if (read === undefined) return undefined;
  const name = subscriber(read);
  if (read.global) return `tel:${name}`;
  if (read.context === undefined) return undefined;
  return read.context.startsWith('+') ? `tel:${name};phone-context=${read.context}` : `sip:${name}@${read.context}`;
}

/**
 * RFC 3261 19.1.1: with user=phone the user part is a telephone-subscriber. Undefined where it is none: telephones say so of names too. Digits that are letters are no digits here, since nobody dials them and names are made of them.
 */
function phoneUser(user: string, host: string): string | undefined {
  const read = telephone(user);
  if (read === undefined || /[a-f]/.test(read.number)) return undefined;
  const elsewhere = !read.global && read.context !== undefined && read.context !== host;
  return subscriber(read) + (elsewhere ? `;phone-context=${read.context}` : '');
}

/** RFC 3966 3: an extension or a sub-address stands before all other parameters. */
function subscriber({ number, extension, subaddress }: Telephone): string {
  const ext = extension === undefined ? '' : `;ext=${extension}`;
  return `${number}${ext}${subaddress === undefined ? '' : `;isub=${subaddress}`}`;
}

/** RFC 3261 19.1.4: an escaped unreserved character and the character itself are the same. Other escapes stay, in upper case. */
function canonicalUser(user: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(user) || /[^!-~]/.test(user)) return undefined;
  return user.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const char = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[A-Za-z0-9_.!~*'()-]/.test(char) ? char : escaped.toUpperCase();
  });
}
