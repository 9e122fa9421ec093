import { COMMA, EQUAL, QUOTE, skip, skipLws, skipQuoted, TOKEN, VALUE } from './grammar.ts';
import { headers, type Message } from './message.ts';
import { NO_PARAMS, type Params, unquote } from './params.ts';

/** Credentials or a challenge (RFC 3261 20.7, 20.44). */
export interface Authentication {
  /** In lower case: `digest`. */
  readonly scheme: string;
  /** Names in lower case, values unquoted. */
  readonly params: Params;
}

/** All Authorization or Proxy-Authorization values; a malformed one is left out, so it proves nothing. */
export function credentials(message: Message, name: 'authorization' | 'proxy-authorization'): Authentication[] {
  return all(message, name);
}

/** All WWW-Authenticate or Proxy-Authenticate values; a malformed one is left out. */
export function challenges(message: Message, name: 'www-authenticate' | 'proxy-authenticate'): Authentication[] {
  return all(message, name);
}

/** RFC 3261 7.3.1: these fields are never joined by commas, so each line is one. */
function all(message: Message, name: string): Authentication[] {
  return headers(message, name).flatMap((value) => parseAuthentication(value) ?? []);
}

/** auth-scheme LWS auth-param *(COMMA auth-param) */
export function parseAuthentication(text: string): Authentication | undefined {
  const end = text.length;
  const schemeEnd = skip(text, 0, end, TOKEN);
  let i = skipLws(text, schemeEnd, end);
  if (schemeEnd === 0 || (i === schemeEnd && i < end)) return undefined;
  const scheme = text.slice(0, schemeEnd).toLowerCase();
  if (i === end) return { scheme, params: NO_PARAMS };
  const params = new Map<string, string | true>();
  for (;;) {
    const name = i;
    const nameEnd = skip(text, i, end, TOKEN);
    i = skipLws(text, nameEnd, end);
    if (nameEnd === name || i >= end || text.charCodeAt(i) !== EQUAL) return undefined;
    const value = skipLws(text, i + 1, end);
    const quoted = value < end && text.charCodeAt(value) === QUOTE;
    i = quoted ? skipQuoted(text, value, end) : skip(text, value, end, VALUE);
    if (i === -1) return undefined;
    const key = text.slice(name, nameEnd).toLowerCase();
    // A name given twice makes the whole ambiguous: two checkers could each believe another one.
    if (params.has(key)) return undefined;
    params.set(key, quoted ? unquote(text, value, i) : text.slice(value, i));
    i = skipLws(text, i, end);
    if (i === end) return { scheme, params };
    if (text.charCodeAt(i) !== COMMA) return undefined;
    i = skipLws(text, i + 1, end);
  }
}
