import { deltaSeconds } from './contact.ts';
import { COMMA, DIGIT, decimal, skip, skipLws, skipParams, TOKEN, VALUE } from './grammar.ts';
import { FIELD_END, FIELD_VALUE, fieldAt, header, headers, type Message } from './message.ts';
import { CSEQ, MAX_BREADTH, MAX_FORWARDS } from './names.ts';
import { type Params, parseParams } from './params.ts';

/** RFC 3261 8.1.1.5: CSeq numbers are less than 2**31. */
export const CSEQ_MAX = 0x7fffffff;

/** CSeq (RFC 3261 20.16). `scan` has made sure that it is there and well formed; zero and no method where it is not. */
export function cseq(message: Message): { readonly number: number; readonly method: string } {
  message.decoded.cseq ??= decodeCseq(message);
  return message.decoded.cseq;
}

function decodeCseq(message: Message): { readonly number: number; readonly method: string } {
  const at = fieldAt(message, CSEQ, 0);
  if (at === -1) return { number: 0, method: '' };
  const { text, fields } = message;
  return parseCseq(text, fields[at + FIELD_VALUE] as number, fields[at + FIELD_END] as number) ?? { number: 0, method: '' };
}

/** 1*DIGIT LWS Method */
export function parseCseq(text: string, pos: number, end: number): { number: number; method: string } | undefined {
  const digitsEnd = skip(text, pos, end, DIGIT);
  const number = decimal(text, pos, digitsEnd, CSEQ_MAX);
  const method = skipLws(text, digitsEnd, end);
  if (number === -1 || method === digitsEnd || method === end || skip(text, method, end, TOKEN) !== end) return undefined;
  return { number, method: text.slice(method, end) };
}

/** Call-ID; '' where there is none. */
export function callId(message: Message): string {
  message.decoded.callId ??= header(message, 'call-id') ?? '';
  return message.decoded.callId;
}

/** Max-Forwards, 0 to 255 (RFC 3261 20.22); undefined where there is none. */
export function maxForwards(message: Message): number | undefined {
  const at = fieldAt(message, MAX_FORWARDS, 0);
  if (at === -1) return undefined;
  const value = decimal(message.text, message.fields[at + FIELD_VALUE] as number, message.fields[at + FIELD_END] as number, 255);
  return value === -1 ? undefined : value;
}

/** Max-Breadth (RFC 5393 5.3); undefined where there is none. */
export function maxBreadth(message: Message): number | undefined {
  const at = fieldAt(message, MAX_BREADTH, 0);
  if (at === -1) return undefined;
  const { text, fields } = message;
  const value = decimal(text, fields[at + FIELD_VALUE] as number, fields[at + FIELD_END] as number, 0xffffffff);
  return value === -1 ? undefined : value;
}

/** Expires in seconds; undefined where there is none, or it is malformed or over 2**32 - 1: RFC 3261 20.19 has it read as absent. */
export function expires(message: Message): number | undefined {
  return deltaSeconds(header(message, 'expires'));
}

/** Min-Expires in seconds (RFC 3261 20.23). */
export function minExpires(message: Message): number | undefined {
  return deltaSeconds(header(message, 'min-expires'));
}

/** A value with parameters. */
export interface ValueWithParams {
  readonly value: string;
  readonly params: Params;
}

/** Event: the event type as received, with `id` and others among the parameters (RFC 6665 8.2.1). */
export function event(message: Message): ValueWithParams | undefined {
  return valueWithParams(header(message, 'event'));
}

/** Content-Type: `type/subtype` in lower case (RFC 3261 20.15). */
export function contentType(message: Message): ValueWithParams | undefined {
  const parsed = valueWithParams(header(message, 'content-type'), true);
  return parsed === undefined || !parsed.value.includes('/') ? undefined : parsed;
}

/** Parses `value *( SEMI param )`, such as Event, Content-Type, Session-Expires, Subscription-State, Reason. */
export function valueWithParams(text: string | undefined, mediaType = false): ValueWithParams | undefined {
  if (text === undefined) return undefined;
  const end = mediaType ? skipMediaType(text) : skip(text, 0, text.length, VALUE);
  const rest = end < 1 ? undefined : parseParams(text, end, text.length);
  if (rest === undefined || rest.end !== text.length) return undefined;
  const value = text.slice(0, end);
  return { value: mediaType ? value.replace(/\s/g, '').toLowerCase() : value, params: rest.params };
}

/** m-type SLASH m-subtype, with white space allowed around the slash. */
function skipMediaType(text: string): number {
  const type = skip(text, 0, text.length, TOKEN);
  const slash = skipLws(text, type, text.length);
  if (type === 0 || text[slash] !== '/') return -1;
  const subtype = skipLws(text, slash + 1, text.length);
  const end = skip(text, subtype, text.length, TOKEN);
  return end === subtype ? -1 : end;
}

/** Require: option tags in lower case. */
export function requires(message: Message): string[] {
  return tokens(message, 'require').map((tag) => tag.toLowerCase());
}

/** Proxy-Require: option tags in lower case. */
export function proxyRequires(message: Message): string[] {
  return tokens(message, 'proxy-require').map((tag) => tag.toLowerCase());
}

/** Supported: option tags in lower case. */
export function supported(message: Message): string[] {
  return tokens(message, 'supported').map((tag) => tag.toLowerCase());
}

/** Allow: methods, as received. */
export function allow(message: Message): string[] {
  return tokens(message, 'allow');
}

/** The elements of a list split at commas, over all lines; parameters stay with their element, empty elements are left out. */
export function tokens(message: Message, name: string): string[] {
  const out: string[] = [];
  for (const value of headers(message, name)) {
    let pos = skipLws(value, 0, value.length);
    while (pos < value.length) {
      const tokenEnd = skip(value, pos, value.length, VALUE);
      const after = skipParams(value, tokenEnd, value.length);
      const comma = after === -1 ? -1 : value.indexOf(',', after);
      const end = comma === -1 ? value.length : comma;
      const element = value.slice(pos, end).trim();
      if (element !== '') out.push(element);
      pos = skipLws(value, end + 1, value.length);
      if (value.charCodeAt(end) !== COMMA) break;
    }
  }
  return out;
}
