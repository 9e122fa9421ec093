import { EQUAL, equals, QUOTE, SEMICOLON, skip, skipLws, skipQuoted, TOKEN, VALUE } from './grammar.ts';
import { unfold } from './message.ts';

/** Parameters of a header field or URI. Names in lower case; values unquoted; `true` for a parameter without a value. The first of a name holds. */
export type Params = ReadonlyMap<string, string | true>;

export const NO_PARAMS: Params = new Map();

/**
 * Parses `*( SEMI generic-param )` from `pos`, as `skipParams` skips it, and tells where it ended: at the first character that belongs
 * to no parameter.
 */
export function parseParams(text: string, pos: number, end: number): { params: Params; end: number } | undefined {
  let i = skipLws(text, pos, end);
  if (i >= end || text.charCodeAt(i) !== SEMICOLON) return { params: NO_PARAMS, end: i };
  const params = new Map<string, string | true>();
  do {
    const name = skipLws(text, i + 1, end);
    const nameEnd = skip(text, name, end, TOKEN);
    if (nameEnd === name) return undefined;
    let value: string | true = true;
    i = skipLws(text, nameEnd, end);
    if (i < end && text.charCodeAt(i) === EQUAL) {
      const from = skipLws(text, i + 1, end);
      const quoted = from < end && text.charCodeAt(from) === QUOTE;
      i = quoted ? skipQuoted(text, from, end) : skip(text, from, end, VALUE);
      if (i === -1 || i === from) return undefined;
      value = quoted ? unquote(text, from, i) : text.slice(from, i);
      i = skipLws(text, i, end);
    }
    const key = nameOf(text, name, nameEnd);
    if (!params.has(key)) params.set(key, value);
  } while (i < end && text.charCodeAt(i) === SEMICOLON);
  return { params, end: i };
}

/** The names that nearly every message has, by their length: neither cut out nor hashed each time. */
const USUAL: readonly (readonly string[])[] = [
  ...[[], ['q'], ['lr', 'ob'], ['tag'], ['user'], ['rport', 'maddr'], ['branch'], ['expires'], ['received'], ['transport']],
];

function nameOf(text: string, pos: number, end: number): string {
  const usual = USUAL[end - pos];
  if (usual !== undefined) for (const name of usual) if (equals(text, pos, end, name)) return name;
  return text.slice(pos, end).toLowerCase();
}

/** The content of the quoted string in [pos, end): without its quotes, folding and backslashes; bytes, not yet decoded. */
export function unquote(text: string, pos: number, end: number): string {
  const content = unfold(text, pos + 1, end - 1);
  let at = content.indexOf('\\');
  if (at === -1) return content;
  let out = '';
  let kept = 0;
  while (at !== -1) {
    out += content.slice(kept, at);
    kept = at + 1;
    at = content.indexOf('\\', kept + 1);
  }
  return out + content.slice(kept);
}

/** The content as a quoted string. CR and LF, which may not be quoted, become spaces; other control characters may stand as pairs alone. */
export function quote(content: string): string {
  return `"${content.replace(/[\r\n]/g, ' ').replace(/["\\]|[^\t\x20-\uffff]/g, '\\$&')}"`;
}
