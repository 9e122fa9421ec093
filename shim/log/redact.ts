import { createHmac, randomBytes } from 'node:crypto';

/** Fields of a log line that hold a user whatever they look like. */
const USER_FIELDS: ReadonlySet<string> = new Set(['user', 'aor', 'username']);

/** Header fields of RFC 3261 22 and 20 that carry credentials, nonces and answers to them. */
const CREDENTIALS =
  /^((?:proxy-)?(?:authorization|authenticate)|www-authenticate|(?:proxy-)?authentication-info)([ \t]*:[ \t]*\w*)[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*/gim;
/** A JWT: three parts of base64url, the first of which is a JSON object. */
const TOKEN = /\beyJ[\w-]{6,}\.[\w-]+\.[\w-]+/g;
/** The user part of a URI (RFC 3261 19.1.1), with a password where there is one. */
const SIP_USER = /\b(sips?:)([^\s@<>"]{1,256})@/gi;
/** RFC 3966 */
const TEL = /\b(tel:)([+\d][\w.()-]*)/gi;
/** A display name before a URI in angle brackets. */
const QUOTED_NAME = /"(?:[^"\\\r\n]|\\.)*"([ \t]*<)/g;
const BARE_NAME =
  /^((?:from|f|to|t|contact|m|reply-to|referred-by|b|refer-to|r|p-asserted-identity|p-preferred-identity|remote-party-id)[ \t]*:[ \t]*)[^<"\r\n:;,]+(<)/gim;
/** RFC 4566 5.2, 5.3: who opened the session, and its name. */
const SDP_WHO = /^(o=)\S+|^(s=)[^\r\n]+/gm;

/** Letters of a pseudonym. */
const LETTERS = 8;

/** What a log leaves out. Credentials and access tokens are always left out; who is meant is told by a pseudonym where `users` is on. */
export interface Redaction {
  text(value: string): string;
  /** The value of a field of that name. */
  field(name: string, value: string): string;
}

/** Never tell credentials and tokens. */
const withoutSecrets = (value: string): string =>
  value.replace(CREDENTIALS, '$1$2 (left out)').replace(TOKEN, '(token left out)');

/**
 * A redaction. A user's pseudonym is the same in every line of one process, so that lines can be put together, and says nothing to who does
 * not know the process's key, which is chance and is not kept.
 */
export function createRedaction(users: boolean, key: Buffer = randomBytes(32)): Redaction {
  if (!users) return { text: withoutSecrets, field: (_, value) => withoutSecrets(value) };
  const pseudonym = (user: string) => `~${createHmac('sha256', key).update(user).digest('hex').slice(0, LETTERS)}`;
  const text = (value: string) =>
    withoutSecrets(value)
      .replace(QUOTED_NAME, '$1')
      .replace(BARE_NAME, '$1$2')
      .replace(SDP_WHO, '$1$2-')
      .replace(SIP_USER, (_, scheme, user) => `${scheme}${pseudonym(user)}@`)
      .replace(TEL, (_, scheme, number) => `${scheme}${pseudonym(number)}`);
  return {
    text,
    field: (name, value) => (USER_FIELDS.has(name) && !/^(?:sips?|tel):/i.test(value) ? pseudonym(value) : text(value)),
  };
}
