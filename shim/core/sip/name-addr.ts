import {
  CLASS,
  COLON,
  COMMA,
  DISPLAY,
  GT,
  LT,
  QUOTE,
  SEMICOLON,
  skip,
  skipLws,
  skipParams,
  skipQuoted,
  TOKEN,
  trimEnd,
  URI,
} from './grammar.ts';
import { FIELD_END, FIELD_VALUE, fieldAt, type Message, STRIDE, unfold } from './message.ts';
import { FROM, PATH, RECORD_ROUTE, ROUTE, TO } from './names.ts';
import { type Params, parseParams, quote, unquote } from './params.ts';
import { bytes, utf8 } from './utf8.ts';

/** `name-addr` or `addr-spec` with its parameters (RFC 3261 20.10). */
export interface NameAddr {
  /** Display name, decoded; '' where there is none. */
  readonly display: string;
  /** The URI as received, without brackets. */
  readonly uri: string;
  /** Header parameters. */
  readonly params: Params;
  readonly tag?: string;
}

/** Offsets of the parts; params begin at `params`, where white space may stand. */
interface Parts {
  readonly display: number;
  readonly displayEnd: number;
  readonly uri: number;
  readonly uriEnd: number;
  readonly params: number;
}

/** A URI in plain sight must not hold these (20.10): with them it has to be enclosed in brackets. */
const QUESTION = 0x3f;

function parts(text: string, pos: number, end: number): Parts | undefined {
  if (pos >= end) return undefined;
  let i = pos;
  if (text.charCodeAt(i) === QUOTE) {
    i = skipQuoted(text, i, end);
    if (i === -1) return undefined;
    const angle = skipLws(text, i, end);
    return angle < end && text.charCodeAt(angle) === LT ? bracketed(text, pos, i, angle, end) : undefined;
  }
  // display-name = *(token LWS), or the scheme of an addr-spec.
  for (;;) {
    i = skip(text, i, end, DISPLAY);
    const next = skipLws(text, i, end);
    if (next < end && text.charCodeAt(next) === LT) return bracketed(text, pos, trimEnd(text, pos, next), next, end);
    if (next === i) break;
    i = next;
  }
  if (i >= end || text.charCodeAt(i) !== COLON || skip(text, pos, i, TOKEN) !== i || i === pos) return undefined;
  const uriEnd = plainUri(text, i, end);
  return uriEnd <= i + 1 ? undefined : { display: pos, displayEnd: pos, uri: pos, uriEnd, params: uriEnd };
}

function plainUri(text: string, pos: number, end: number): number {
  let i = pos;
  for (; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === SEMICOLON || c === COMMA) break;
    if (c === QUESTION) return -1;
    if (((CLASS[c] as number) & URI) === 0) break;
  }
  return i;
}

/** LAQUOT addr-spec RAQUOT; spaces just inside the brackets, which the grammar forbids, do no harm (RFC 4475 3.1.2.14). */
function bracketed(text: string, display: number, displayEnd: number, angle: number, end: number): Parts | undefined {
  const uri = skipLws(text, angle + 1, end);
  const uriEnd = skip(text, uri, end, URI);
  const close = skipLws(text, uriEnd, end);
  if (uriEnd === uri || close >= end || text.charCodeAt(close) !== GT) return undefined;
  const scheme = skip(text, uri, uriEnd, TOKEN);
  if (scheme === uri || scheme >= uriEnd - 1 || text.charCodeAt(scheme) !== COLON) return undefined;
  return { display, displayEnd, uri, uriEnd, params: close + 1 };
}

/** The position after the value at `pos` (at its comma, or `end`), or -1 where it is malformed. */
export function skipNameAddr(text: string, pos: number, end: number): number {
  const found = parts(text, pos, end);
  const after = found === undefined ? -1 : skipParams(text, found.params, end);
  return after === -1 || (after < end && text.charCodeAt(after) !== COMMA) ? -1 : after;
}

/** Parses one value and tells where it ended. */
export function parseNameAddr(text: string, pos: number, end: number): { value: NameAddr; end: number } | undefined {
  const found = parts(text, pos, end);
  const rest = found === undefined ? undefined : parseParams(text, found.params, end);
  if (found === undefined || rest === undefined || (rest.end < end && text.charCodeAt(rest.end) !== COMMA)) return undefined;
  const tag = rest.params.get('tag');
  const display =
    found.displayEnd === found.display
      ? ''
      : text.charCodeAt(found.display) === QUOTE
        ? unquote(text, found.display, found.displayEnd)
        : unfold(text, found.display, found.displayEnd);
  const uri = text.slice(found.uri, found.uriEnd);
  const params = rest.params;
  return {
    value: typeof tag === 'string' ? { display: utf8(display), uri, params, tag } : { display: utf8(display), uri, params },
    end: rest.end,
  };
}

/** The value as a byte string: `"display" <uri>;params`. */
export function formatNameAddr(value: { display?: string; uri: string; params?: Params }): string {
  let out = value.display ? `${quote(bytes(value.display))} <${value.uri}>` : `<${value.uri}>`;
  for (const [name, param] of value.params ?? []) {
    if (param === true) out += `;${name}`;
    else out += isToken(param) ? `;${name}=${param}` : `;${name}=${quote(param)}`;
  }
  return out;
}

function isToken(text: string): boolean {
  return text !== '' && skip(text, 0, text.length, TOKEN) === text.length;
}

function single(message: Message, id: number): NameAddr | undefined {
  const at = fieldAt(message, id, 0);
  if (at === -1) return undefined;
  const end = message.fields[at + FIELD_END] as number;
  const parsed = parseNameAddr(message.text, message.fields[at + FIELD_VALUE] as number, end);
  return parsed?.end === end ? parsed.value : undefined;
}

/** From; undefined where there is none, or it is malformed. */
export function from(message: Message): NameAddr | undefined {
  const { decoded } = message;
  if (decoded.from === undefined) decoded.from = single(message, FROM) ?? null;
  return decoded.from ?? undefined;
}

/** To; undefined where there is none, or it is malformed. */
export function to(message: Message): NameAddr | undefined {
  const { decoded } = message;
  if (decoded.to === undefined) decoded.to = single(message, TO) ?? null;
  return decoded.to ?? undefined;
}

/** All values of a field that is a list of addresses, over its lines, in order; undefined where one is malformed. */
export function addresses(message: Message, id: number): NameAddr[] | undefined {
  const out: NameAddr[] = [];
  for (let at = fieldAt(message, id, 0); at !== -1; at = fieldAt(message, id, at + STRIDE)) {
    const end = message.fields[at + FIELD_END] as number;
    let pos = message.fields[at + FIELD_VALUE] as number;
    for (;;) {
      const parsed = parseNameAddr(message.text, pos, end);
      if (parsed === undefined) return undefined;
      out.push(parsed.value);
      if (parsed.end === end) break;
      pos = skipLws(message.text, parsed.end + 1, end);
    }
  }
  return out;
}

/** Route values from the top; empty where there is none, undefined where one is malformed. */
export function routes(message: Message): NameAddr[] | undefined {
  return addresses(message, ROUTE);
}

/** Record-Route values from the top; empty where there is none, undefined where one is malformed. */
export function recordRoutes(message: Message): NameAddr[] | undefined {
  return addresses(message, RECORD_ROUTE);
}

/** Path values (RFC 3327) from the top; empty where there is none, undefined where one is malformed. */
export function paths(message: Message): NameAddr[] | undefined {
  return addresses(message, PATH);
}
