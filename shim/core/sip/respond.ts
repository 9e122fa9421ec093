import { FIELD_END, FIELD_VALUE, fieldAt, type Message, STRIDE, unfold, valueAt } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { CALL_ID, CSEQ, FROM, TIMESTAMP, TO, VIA } from './names.ts';
import { reasonPhrase } from './reason.ts';
import { skipVia, stampVia, type ViaStamp } from './via.ts';

/** A header field for a message of our own: name and value (byte string). CR and LF in it become spaces. */
export type HeaderField = readonly [name: string, value: string | number];

/** A body with its Content-Type; the content is a byte string. */
export interface Content {
  readonly type: string;
  readonly content: string;
}

export interface ResponseOptions {
  /** Put on To where the request's To has no tag. */
  readonly toTag?: string;
  readonly headers?: readonly HeaderField[];
  readonly body?: Content;
  /** `received` and `rport` for the topmost Via, where the request was not stamped before. */
  readonly via?: ViaStamp;
}

/**
 * A response to a request (RFC 3261 8.2.6). Works for each request that `scan` has given out, well-formed or not.
 * An empty `reason` stands for the phrase of the status code.
 */
export function respond(request: Message, status: number, reason: string, options: ResponseOptions = {}): string {
  let out = `SIP/2.0 ${status} ${clean(reason === '' ? reasonPhrase(status) : reason)}\r\n`;
  // 8.2.6.2: "The From field of the response MUST equal the From header field of the request. ... the Call-ID ... the CSeq ... the Via
  // header field values in the response MUST equal the Via header field values in the request and MUST maintain the same ordering."
  let stamp = options.via;
  for (let at = fieldAt(request, VIA, 0); at !== -1; at = fieldAt(request, VIA, at + STRIDE)) {
    out += `Via: ${stamp === undefined ? valueAt(request, at) : stamped(request, at, stamp)}\r\n`;
    stamp = undefined;
  }
  out += copied(request, FROM, 'From');
  out += `To: ${tagged(request, options.toTag)}\r\n`;
  out += copied(request, CALL_ID, 'Call-ID');
  out += copied(request, CSEQ, 'CSeq');
  // 8.2.6.1: "If there is a Timestamp header field in the request, it MUST be copied to this 100 (Trying) response".
  if (status === 100) out += copied(request, TIMESTAMP, 'Timestamp');
  return out + tail(options.headers, options.body);
}

function copied(request: Message, id: number, name: string): string {
  const at = fieldAt(request, id, 0);
  return at === -1 ? '' : `${name}: ${valueAt(request, at)}\r\n`;
}

function stamped(request: Message, at: number, stamp: ViaStamp): string {
  const value = request.fields[at + FIELD_VALUE] as number;
  const end = request.fields[at + FIELD_END] as number;
  const viaEnd = skipVia(request.text, value, end);
  if (viaEnd === -1) return valueAt(request, at);
  const text = stampVia(request.text, value, viaEnd, stamp) + request.text.slice(viaEnd, end);
  return unfold(text, 0, text.length);
}

/** 8.2.6.2: "if the To header field in the request did not contain a tag, the URI in the To header field ... MUST ... add a tag". */
function tagged(request: Message, tag: string | undefined): string {
  const at = fieldAt(request, TO, 0);
  if (at === -1) return '';
  const value = valueAt(request, at);
  if (tag === undefined) return value;
  const parsed = parseNameAddr(value, 0, value.length);
  // To a To that is malformed nothing can be added that would be understood.
  return parsed?.end !== value.length || parsed.value.params.has('tag') ? value : `${value};tag=${tag}`;
}

/** Further header fields, Content-Length and body: the end of every message of our own. */
export function tail(headers: readonly HeaderField[] | undefined, body: Content | undefined): string {
  let out = '';
  if (headers !== undefined) for (const [name, value] of headers) out += `${name}: ${clean(String(value))}\r\n`;
  if (body === undefined) return `${out}Content-Length: 0\r\n\r\n`;
  return `${out}Content-Type: ${clean(body.type)}\r\nContent-Length: ${body.content.length}\r\n\r\n${body.content}`;
}

/** No value may begin a line of its own. */
export function clean(value: string): string {
  return value.includes('\r') || value.includes('\n') ? value.replace(/[\r\n]+/g, ' ') : value;
}
