import { CLASS, CR, equals, LF, LWS } from './grammar.ts';
import type { NameAddr } from './name-addr.ts';
import { type HeaderName, idOf, UNKNOWN } from './names.ts';
import type { Via } from './via.ts';

/**
 * A SIP message (RFC 3261 7) as it was received, with an index of its header fields. Values are decoded on demand by the functions
 * of this folder. Made by `scan`, never changed; what is relayed is spliced from `text` (splice.ts).
 */
export interface Message {
  /** The byte string as received: start line, header block, empty line, body of Content-Length bytes. */
  readonly text: string;
  /** Request: the method. Response: the method of CSeq. */
  readonly method: string;
  /** Response: the status code. Request: 0. */
  readonly status: number;
  /** Response: the reason phrase, bytes as received. Request: ''. */
  readonly reason: string;
  /** Request: the Request-URI as received. Response: ''. */
  readonly uri: string;
  /** Offset of the body in `text`. */
  readonly bodyStart: number;
  /** Offset of the first header line in `text`. */
  readonly headersStart: number;
  /** Offset of the empty line in `text`. */
  readonly headersEnd: number;
  /** The index, private to this folder: STRIDE numbers a header line (see FIELD_*). */
  readonly fields: readonly number[];
  /** Private to this folder too. */
  readonly decoded: Decoded;
}

/**
 * The values that nearly everybody asks a message for, once they were decoded: each as the function of its name gives it, null where that is
 * undefined.
 */
export interface Decoded {
  via: Via | null | undefined;
  vias: Via[] | null | undefined;
  from: NameAddr | null | undefined;
  to: NameAddr | null | undefined;
  cseq: { readonly number: number; readonly method: string } | undefined;
  callId: string | undefined;
}

/** Of a message that nobody has asked yet. */
export const notDecoded = (): Decoded => ({
  via: undefined,
  vias: undefined,
  from: undefined,
  to: undefined,
  cseq: undefined,
  callId: undefined,
});

/** Numbers in the index for each header line: identity (names.ts), offset of the line, of its trimmed value, and of the value's end. */
export const STRIDE = 4;
export const FIELD_ID = 0;
export const FIELD_LINE = 1;
export const FIELD_VALUE = 2;
export const FIELD_END = 3;

export function isRequest(message: Message): boolean {
  return message.status === 0;
}

/** The first value of a header field, unfolded and trimmed; compact forms are found too. */
export function header(message: Message, name: HeaderName): string | undefined {
  const at = fieldNamed(message, name, 0);
  return at === -1 ? undefined : valueAt(message, at);
}

/** All values of a header field in their order, one for each line (not split at commas), unfolded and trimmed. */
export function headers(message: Message, name: HeaderName): string[] {
  const values: string[] = [];
  for (let at = fieldNamed(message, name, 0); at !== -1; at = fieldNamed(message, name, at + STRIDE)) {
    values.push(valueAt(message, at));
  }
  return values;
}

/** The body, as a byte string. */
export function body(message: Message): string {
  return message.text.slice(message.bodyStart);
}

/** Index of the first line of field number `id` at or after `from` in the index; -1 where there is none. */
export function fieldAt(message: Message, id: number, from: number): number {
  const fields = message.fields;
  for (let at = from; at < fields.length; at += STRIDE) if (fields[at] === id) return at;
  return -1;
}

function fieldNamed(message: Message, name: HeaderName, from: number): number {
  const id = idOf(name);
  if (id !== UNKNOWN) return fieldAt(message, id, from);
  const lower = name.toLowerCase();
  const { fields, text } = message;
  for (let at = from; at < fields.length; at += STRIDE) {
    if (fields[at] !== UNKNOWN) continue;
    const line = fields[at + FIELD_LINE] as number;
    // The scanner has made sure that the line begins with a token and that a colon or white space follows it.
    const after = line + lower.length;
    const next = text.charCodeAt(after);
    if ((next === 0x3a || next === 0x20 || next === 0x09) && equals(text, line, after, lower)) return at;
  }
  return -1;
}

/** The unfolded value of the line at `at` in the index. */
export function valueAt(message: Message, at: number): string {
  return unfold(message.text, message.fields[at + FIELD_VALUE] as number, message.fields[at + FIELD_END] as number);
}

/** Where the line at `at` in the index ends: the offset of what follows its CRLF. */
export function lineEnd(message: Message, at: number): number {
  return message.fields[at + STRIDE + FIELD_LINE] ?? message.headersEnd;
}

/** RFC 3261 7.3.1: each folding (CRLF and the white space around it) is equivalent to a single SP character. */
export function unfold(text: string, pos: number, end: number): string {
  const raw = text.slice(pos, end);
  if (!raw.includes('\r') && !raw.includes('\n')) return raw;
  let out = '';
  let kept = 0;
  for (let i = 0; i < raw.length; i++) {
    const c = raw.charCodeAt(i);
    if (c !== CR && c !== LF) continue;
    let left = i;
    while (left > kept && ((CLASS[raw.charCodeAt(left - 1)] as number) & LWS) !== 0) left--;
    let right = i + 1;
    while (right < raw.length && ((CLASS[raw.charCodeAt(right)] as number) & LWS) !== 0) right++;
    out += `${raw.slice(kept, left)} `;
    kept = right;
    i = right - 1;
  }
  return out + raw.slice(kept);
}
