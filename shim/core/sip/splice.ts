import { skipLws } from './grammar.ts';
import { FIELD_END, FIELD_ID, FIELD_LINE, FIELD_VALUE, fieldAt, lineEnd, type Message, STRIDE } from './message.ts';
import { skipNameAddr } from './name-addr.ts';
import { CONTENT_LENGTH, idOf, MAX_BREADTH, MAX_FORWARDS, ROUTE, VIA } from './names.ts';
import { clean, type HeaderField } from './respond.ts';
import { skipVia, stampVia, type ViaStamp } from './via.ts';

/**
 * What a proxy changes in a request that it forwards (RFC 3261 16.6). Everything else leaves as the bytes that came in. All values are
 * byte strings without CR or LF.
 */
export interface RequestEdit {
  /** Step 2: the new Request-URI. */
  readonly uri?: string;
  /** Step 8: the Via value to put on top. */
  readonly via: string;
  /** 18.2.1, RFC 3581: what is added to the Via value that was on top. */
  readonly stampVia?: ViaStamp;
  /** Step 3: the new Max-Forwards, put in where there is none. */
  readonly maxForwards?: number;
  /** RFC 5393 5.3.3: the Max-Breadth to send, in place of those that came. */
  readonly maxBreadth?: number;
  /** Step 4: the Record-Route value to put on top; may be a list joined by commas. */
  readonly recordRoute?: string;
  /** 16.4: how many Route values to take off the top: values, whether they share lines or not. */
  readonly popRoutes?: number;
  /** Step 6: Route values to put on top, the first to be visited first. */
  readonly pushRoutes?: readonly string[];
  /** Further header lines to put on top, without their CRLF. */
  readonly fields?: readonly string[];
}

/**
 * The request as it is forwarded. New values go right behind the start line, each on a line of its own: above all others of their field,
 * and the order between different fields does not matter (7.3.1). Content-Length is added where it is missing (step 9), since the next
 * hop may be reached over a stream.
 */
export function relayRequest(message: Message, edit: RequestEdit): string {
  const { text, fields, headersStart } = message;
  const afterUri = message.method.length + 1 + message.uri.length;
  let out =
    edit.uri === undefined ? text.slice(0, headersStart) : `${message.method} ${edit.uri}${text.slice(afterUri, headersStart)}`;
  out += `Via: ${edit.via}\r\n`;
  if (edit.recordRoute !== undefined) out += `Record-Route: ${edit.recordRoute}\r\n`;
  if (edit.maxBreadth !== undefined) out += `Max-Breadth: ${edit.maxBreadth}\r\n`;
  if (edit.pushRoutes !== undefined) for (const route of edit.pushRoutes) out += `Route: ${route}\r\n`;
  if (edit.fields !== undefined) for (const field of edit.fields) out += `${field}\r\n`;
  let stamp = edit.stampVia;
  let forwards = edit.maxForwards;
  let pops = edit.popRoutes ?? 0;
  let sized = false;
  // Everything before `kept` is in `out`.
  let kept = headersStart;
  for (let at = 0; at < fields.length; at += STRIDE) {
    const id = fields[at + FIELD_ID] as number;
    if (id > ROUTE || id === 0) continue;
    const value = fields[at + FIELD_VALUE] as number;
    const end = fields[at + FIELD_END] as number;
    if (id === VIA && stamp !== undefined) {
      const viaEnd = endOf(skipVia(text, value, end), end);
      out += text.slice(kept, value) + stampVia(text, value, viaEnd, stamp);
      kept = viaEnd;
      stamp = undefined;
    } else if (id === MAX_FORWARDS && forwards !== undefined) {
      out += text.slice(kept, value) + forwards;
      kept = end;
      forwards = undefined;
    } else if (id === ROUTE && pops > 0) {
      let pos = value;
      while (pops > 0 && pos < end) {
        pops--;
        pos = endOf(skipNameAddr(text, pos, end), end);
        if (pos < end) pos = skipLws(text, pos + 1, end);
      }
      out += text.slice(kept, pos < end ? value : (fields[at + FIELD_LINE] as number));
      kept = pos < end ? pos : lineEnd(message, at);
    } else if (id === MAX_BREADTH && edit.maxBreadth !== undefined) {
      out += text.slice(kept, fields[at + FIELD_LINE]);
      kept = lineEnd(message, at);
    } else if (id === CONTENT_LENGTH) sized = true;
  }
  if (forwards === undefined && sized) return out + text.slice(kept);
  out += text.slice(kept, message.headersEnd);
  if (forwards !== undefined) out += `Max-Forwards: ${forwards}\r\n`;
  if (!sized) out += contentLength(message);
  return out + text.slice(message.headersEnd);
}

/** A value that is malformed counts as one with all that follows it on its line. */
function endOf(found: number, end: number): number {
  return found === -1 ? end : found;
}

function contentLength(message: Message): string {
  return `Content-Length: ${message.text.length - message.bodyStart}\r\n`;
}

/**
 * The response as it is forwarded: without its topmost Via value (RFC 3261 16.7 step 3), whether that has a line of its own or not;
 * Content-Length is added where it is missing, and `add` is put at the end of the header (step 7).
 */
export function relayResponse(message: Message, add: readonly HeaderField[] = []): string {
  const { text, fields } = message;
  const at = fieldAt(message, VIA, 0);
  let out: string;
  let kept = 0;
  if (at === -1) out = '';
  else {
    const value = fields[at + FIELD_VALUE] as number;
    const end = fields[at + FIELD_END] as number;
    const viaEnd = endOf(skipVia(text, value, end), end);
    out = text.slice(0, viaEnd === end ? (fields[at + FIELD_LINE] as number) : value);
    kept = viaEnd === end ? lineEnd(message, at) : skipLws(text, viaEnd + 1, end);
  }
  let more = fieldAt(message, CONTENT_LENGTH, 0) === -1 ? contentLength(message) : '';
  for (const [name, value] of add) more += `${name}: ${clean(String(value))}\r\n`;
  if (more === '') return out + text.slice(kept);
  return out + text.slice(kept, message.headersEnd) + more + text.slice(message.headersEnd);
}

/**
 * The message with that header field: in the place of the first of its name, or, where there is none or `how` is `add`, as the last line of the
 * header block. `value` is a byte string without CR or LF.
 */
export function withField(message: Message, name: string, value: string, how: 'set' | 'add' = 'set'): string {
  const { text, fields, headersEnd } = message;
  const at = how === 'add' ? -1 : fieldAt(message, idOf(name.toLowerCase()), 0);
  if (at === -1) return `${text.slice(0, headersEnd)}${name}: ${value}\r\n${text.slice(headersEnd)}`;
  return text.slice(0, fields[at + FIELD_VALUE]) + value + text.slice(fields[at + FIELD_END]);
}

/** The request as received, with `received` and `rport` in its topmost Via (RFC 3261 18.2.1, RFC 3581 4). */
export function stampRequest(message: Message, stamp: ViaStamp): string {
  const { text, fields } = message;
  const at = fieldAt(message, VIA, 0);
  if (at === -1 || (stamp.received === undefined && stamp.rport === undefined)) return text;
  const value = fields[at + FIELD_VALUE] as number;
  const end = fields[at + FIELD_END] as number;
  const viaEnd = endOf(skipVia(text, value, end), end);
  return text.slice(0, value) + stampVia(text, value, viaEnd, stamp) + text.slice(viaEnd);
}
