import { skipLws } from './grammar.ts';
import { FIELD_END, FIELD_VALUE, fieldAt, type Message, STRIDE } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { CONTACT } from './names.ts';

/**
 * The text of the message with other URIs in its Contact values; display names and parameters stay as they are. `other` gives the new
 * URI, or undefined to leave one alone. `Contact: *` and what is malformed stays. The message's own text where nothing changes.
 */
export function replaceContacts(message: Message, other: (uri: string) => string | undefined): string {
  const { text, fields } = message;
  let out = '';
  let kept = 0;
  for (let at = fieldAt(message, CONTACT, 0); at !== -1; at = fieldAt(message, CONTACT, at + STRIDE)) {
    const end = fields[at + FIELD_END] as number;
    let pos = fields[at + FIELD_VALUE] as number;
    while (pos < end) {
      const parsed = parseNameAddr(text, pos, end);
      if (parsed === undefined) break;
      const { uri } = parsed.value;
      const begin = placeOf(text, uri, pos, parsed.end);
      const put = begin === -1 ? undefined : other(uri);
      if (put !== undefined) {
        // A URI without brackets has no parameters of its own, and gets the brackets that the new one may need (RFC 3261 20.10).
        const bare = begin === pos;
        out += text.slice(kept, begin) + (bare ? `<${put}>` : put);
        kept = begin + uri.length;
      }
      if (parsed.end >= end) break;
      pos = skipLws(text, parsed.end + 1, end);
    }
  }
  return kept === 0 ? text : out + text.slice(kept);
}

/** Where the URI of the value at `pos` stands: behind its bracket, past a display name that may quote anything. */
function placeOf(text: string, uri: string, pos: number, end: number): number {
  if (text.startsWith(uri, pos)) return pos;
  let quoted = false;
  for (let i = pos; i < end; i++) {
    const char = text[i];
    if (quoted && char === '\\') i++;
    else if (char === '"') quoted = !quoted;
    else if (char === '<' && !quoted) return text.indexOf(uri, i + 1);
  }
  return -1;
}
