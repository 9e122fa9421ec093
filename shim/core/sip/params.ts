import { EQUAL, QUOTE, SEMICOLON, skip, skipLws, skipParams, skipQuoted, TOKEN, VALUE } from './grammar.ts';
import { unfold } from './message.ts';

/** Parameters of a header field or URI. Names in lower case; values unquoted; `true` for a parameter without a value. The first of a name holds. */
export type Params = ReadonlyMap<string, string | true>;

export const NO_PARAMS: Params = new Map();

/** Parses `*( SEMI generic-param )` that `skipParams` has accepted from `pos`; it returns where they end. */
export function parseParams(text: string, pos: number, end: number): { params: Params; end: number } | undefined {
  const after = skipParams(text, pos, end);
  if (after === -1) return undefined;
  let i = skipLws(text, pos, after);
  if (i === after || text.charCodeAt(i) !== SEMICOLON) return { params: NO_PARAMS, end: after };
  const params = new Map<string, string | true>();
  while (i < after) {
    const name = skipLws(text, i + 1, after);
    const nameEnd = skip(text, name, after, TOKEN);
    let value: string | true = true;
    i = skipLws(text, nameEnd, after);
    if (i < after && text.charCodeAt(i) === EQUAL) {
      const from = skipLws(text, i + 1, after);
      if (text.charCodeAt(from) === QUOTE) {
        i = skipQuoted(text, from, after);
        value = unquote(text, from, i);
      } else {
        i = skip(text, from, after, VALUE);
        value = text.slice(from, i);
      }
      i = skipLws(text, i, after);
    }
    const key = text.slice(name, nameEnd).toLowerCase();
    if (!params.has(key)) params.set(key, value);
  }
  return { params, end: after };
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

/** The content as a quoted string. CR and LF, which may not be quoted, become spaces. */
export function quote(content: string): string {
  return `"${content.replace(/[\r\n]/g, ' ').replace(/["\\]/g, '\\$&')}"`;
}
