/**
 * Cursor functions over byte strings: each takes `(text, pos, end)` and returns the position after what it skipped, or -1 where the
 * text is not of that form. No function allocates, and each looks at a character once, so all parsing built on them is linear.
 *
 * CR and LF inside a field value are line folding (RFC 3261 25.1 SWS): the scanner has refused any others.
 */

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const LT = 0x3c;
export const EQUAL = 0x3d;
export const GT = 0x3e;
const BACKSLASH = 0x5c;
const LBRACKET = 0x5b;
const RBRACKET = 0x5d;

/** RFC 3261 25.1 `token`. */
export const TOKEN = 1;
/** SP, HTAB, CR, LF. */
export const LWS = 2;
export const DIGIT = 4;
export const HEX = 8;
/** What may stand in an unquoted parameter value: token, host, IPv6 (with or without brackets), and the odd sign that phones put there. */
export const VALUE = 16;
/** What may stand in an unquoted display name: token, and UTF-8 although the grammar wants it quoted. */
export const DISPLAY = 32;
/** Letters, digits, `-`, `.`, and `_` although the grammar of `hostname` lacks it. */
export const HOST = 64;
/** What may stand in a URI without being escaped: printable ASCII without `<`, `>`, `"`, and bytes of UTF-8, which many send unescaped. */
export const URI = 128;

/** Classes of each byte. */
export const CLASS: Uint8Array = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256);
  const add = (chars: string, bits: number) => {
    for (let i = 0; i < chars.length; i++) table[chars.charCodeAt(i)] = (table[chars.charCodeAt(i)] as number) | bits;
  };
  add('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.', TOKEN | VALUE | DISPLAY | HOST);
  add("!%*_+`'~", TOKEN | VALUE | DISPLAY);
  add('_', HOST);
  add('0123456789', DIGIT | HEX);
  add('abcdefABCDEF', HEX);
  add(' \t\r\n', LWS);
  add(':[]/@#$&()?^{}|', VALUE);
  for (let c = 0x21; c < 0x7f; c++) if (c !== LT && c !== GT && c !== QUOTE) table[c] = (table[c] as number) | URI;
  for (let c = 0x80; c <= 0xff; c++) table[c] = VALUE | DISPLAY | URI;
  return table;
}

/** Whether the character at `pos` is of one of the classes in `bits`. */
export function is(text: string, pos: number, bits: number): boolean {
  return ((CLASS[text.charCodeAt(pos)] as number) & bits) !== 0;
}

/** Skips zero or more characters of the classes in `bits`. */
export function skip(text: string, pos: number, end: number, bits: number): number {
  while (pos < end && ((CLASS[text.charCodeAt(pos)] as number) & bits) !== 0) pos++;
  return pos;
}

/** Skips optional linear white space. */
export function skipLws(text: string, pos: number, end: number): number {
  while (pos < end && ((CLASS[text.charCodeAt(pos)] as number) & LWS) !== 0) pos++;
  return pos;
}

/** `end` without the white space before it. */
export function trimEnd(text: string, pos: number, end: number): number {
  while (end > pos && ((CLASS[text.charCodeAt(end - 1)] as number) & LWS) !== 0) end--;
  return end;
}

/** Skips one `quoted-string` whose opening quote is at `pos`. */
export function skipQuoted(text: string, pos: number, end: number): number {
  for (let i = pos + 1; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) return i + 1;
    if (c === BACKSLASH) {
      // RFC 3261 25.1: quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F)
      i++;
      const escaped = text.charCodeAt(i);
      if (escaped === CR || escaped === LF) return -1;
    } else if (c < SP && c !== HTAB && c !== CR && c !== LF) return -1;
  }
  return -1;
}

/** Skips `[` IPv6 address `]`, whose form `ip.ts` checks where it matters. */
export function skipBracketed(text: string, pos: number, end: number): number {
  for (let i = pos + 1; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === RBRACKET) return i > pos + 1 ? i + 1 : -1;
    if (c !== COLON && c !== 0x2e && !is(text, i, HEX)) return -1;
  }
  return -1;
}

/** Skips a host: a name, an IPv4 address, or an IPv6 address in brackets. */
export function skipHost(text: string, pos: number, end: number): number {
  if (pos < end && text.charCodeAt(pos) === LBRACKET) return skipBracketed(text, pos, end);
  const after = skip(text, pos, end, HOST);
  return after > pos ? after : -1;
}

/**
 * Skips `*( SEMI generic-param )` from `pos`, which stands at white space, a semicolon, or whatever follows. The position returned is
 * that of the first character that is neither (a comma, the end), so the caller judges what may follow.
 */
export function skipParams(text: string, pos: number, end: number): number {
  let i = skipLws(text, pos, end);
  while (i < end && text.charCodeAt(i) === SEMICOLON) {
    i = skipLws(text, i + 1, end);
    const name = i;
    i = skip(text, i, end, TOKEN);
    if (i === name) return -1;
    i = skipLws(text, i, end);
    if (i < end && text.charCodeAt(i) === EQUAL) {
      i = skipLws(text, i + 1, end);
      const value = i;
      i = i < end && text.charCodeAt(i) === QUOTE ? skipQuoted(text, i, end) : skip(text, i, end, VALUE);
      if (i === -1 || i === value) return -1;
      i = skipLws(text, i, end);
    }
  }
  return i;
}

/**
 * A decimal number of at most `max`, over the whole of [pos, end): its value, or -1. Leading zeros are fine (RFC 4475 3.1.1.1), and
 * a number of any length is read without losing track of its size.
 */
export function decimal(text: string, pos: number, end: number, max: number): number {
  if (pos >= end) return -1;
  let value = 0;
  for (let i = pos; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  return value;
}

/** Whether [pos, end) is `lower`, not regarding case. `lower` is in lower case and holds letters, digits and `-` only. */
export function equals(text: string, pos: number, end: number, lower: string): boolean {
  if (end - pos !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const c = text.charCodeAt(pos + i);
    const l = lower.charCodeAt(i);
    if (c !== l && (c < 0x41 || c > 0x5a || c + 0x20 !== l)) return false;
  }
  return true;
}
