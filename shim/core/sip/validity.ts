import { parseCseq } from './fields.ts';
import { decimal, is, LWS } from './grammar.ts';
import { FIELD_END, FIELD_ID, FIELD_VALUE, fieldAt, type Message, STRIDE } from './message.ts';
import { from as fromOf, to as toOf } from './name-addr.ts';
import { CALL_ID, CONTENT_LENGTH, CSEQ, FROM, MAX_FORWARDS, SIP_IF_MATCH, TO, VIA } from './names.ts';
import type { Framing, MessageLimits, ScanResult } from './scan.ts';
import { parseUri } from './uri.ts';
import { parseVia, sentByHolds } from './via.ts';

/** What is wrong with a message: status code and reason of the answer. */
export interface Fault {
  readonly status: number;
  readonly reason: string;
}

/** A message before it was checked: the body may still be cut to its length, and a response has no method yet. */
export type Draft = { -readonly [K in keyof Message]: Message[K] };

const bad = (reason: string): Fault => ({ status: 400, reason });

const FAULT = {
  repeated: bad('Header field repeated that must be single'),
  uri: bad('Malformed Request-URI'),
  uriHeaders: bad('Header components in Request-URI'),
  missingVia: bad('Missing Via'),
  missingFrom: bad('Missing From'),
  missingTo: bad('Missing To'),
  missingCallId: bad('Missing Call-ID'),
  missingCseq: bad('Missing CSeq'),
  via: bad('Malformed Via'),
  from: bad('Malformed From'),
  to: bad('Malformed To'),
  callId: bad('Malformed Call-ID'),
  cseq: bad('Malformed CSeq'),
  cseqMethod: bad('CSeq method does not match request method'),
  maxForwards: bad('Malformed Max-Forwards'),
  contentLength: bad('Malformed Content-Length'),
  missingLength: bad('Missing Content-Length'),
  short: bad('Body shorter than Content-Length'),
  body: { status: 413, reason: 'Request Entity Too Large' },
} satisfies Record<string, Fault>;

/** The bytes that a stream's message may announce and that still count as a number; anything longer is garbled. */
const LENGTH_MAX = 0xffffffff;

/**
 * What RFC 3261 demands of every message, beyond its lines: 8.1.1 and 20 (mandatory header fields, once each, well-formed), 18.3
 * (length). `fault` is what the scanner has found already; the first fault is the one reported. From a request of RFC 2543
 * Max-Forwards, the branch and the From tag may be missing (16.3 step 3; 17.2.3; 19.3).
 */
export function check(draft: Draft, found: Fault | undefined, limits: MessageLimits, framing: Framing): ScanResult {
  const request = draft.status === 0;
  const fault = found ?? singles(draft) ?? mandatory(draft, request) ?? length(draft, limits, framing);
  if (fault === undefined) return { ok: true, message: draft };
  if (request && answerable(draft)) return { ok: false, status: fault.status, reason: fault.reason, message: draft };
  return { ok: false, status: fault.status, reason: fault.reason };
}

/** RFC 3261 7.3.1: only fields whose value is a list may appear more than once. Those from FROM to SIP_IF_MATCH are no lists. */
function singles(draft: Draft): Fault | undefined {
  const fields = draft.fields;
  let seen = 0;
  for (let at = 0; at < fields.length; at += STRIDE) {
    const id = fields[at + FIELD_ID] as number;
    if (id < FROM || id > SIP_IF_MATCH) continue;
    const bit = 1 << id;
    if ((seen & bit) !== 0) return FAULT.repeated;
    seen |= bit;
  }
  return undefined;
}

/** RFC 3261 8.1.1: "A valid SIP request ... MUST, at a minimum, contain ... To, From, CSeq, Call-ID, Max-Forwards, and Via". */
function mandatory(draft: Draft, request: boolean): Fault | undefined {
  const { text, fields } = draft;
  const via = fieldAt(draft, VIA, 0);
  if (via === -1) return FAULT.missingVia;
  const topmost = parseVia(text, fields[via + FIELD_VALUE] as number, fields[via + FIELD_END] as number);
  if (topmost === undefined) return FAULT.via;
  draft.decoded.via = topmost.via;
  // Everybody will ask for what is decoded here.
  if (fromOf(draft) === undefined) return fieldAt(draft, FROM, 0) === -1 ? FAULT.missingFrom : FAULT.from;
  if (toOf(draft) === undefined) return fieldAt(draft, TO, 0) === -1 ? FAULT.missingTo : FAULT.to;
  const callId = fieldAt(draft, CALL_ID, 0);
  if (callId === -1) return FAULT.missingCallId;
  if (!isCallId(draft, callId)) return FAULT.callId;
  const cseq = fieldAt(draft, CSEQ, 0);
  if (cseq === -1) return FAULT.missingCseq;
  const parsed = parseCseq(text, fields[cseq + FIELD_VALUE] as number, fields[cseq + FIELD_END] as number);
  if (parsed === undefined) return FAULT.cseq;
  draft.decoded.cseq = parsed;
  if (!request) {
    draft.method = parsed.method;
    return undefined;
  }
  // 8.1.1.5: "The method MUST match that of the request."
  if (parsed.method !== draft.method) return FAULT.cseqMethod;
  const uri = parseUri(draft.uri);
  if (uri === undefined) return FAULT.uri;
  // 19.1.1, table 1: headers are not allowed in a Request-URI (RFC 4475 3.1.2.11).
  if (uri.headers !== '') return FAULT.uriHeaders;
  const forwards = fieldAt(draft, MAX_FORWARDS, 0);
  if (
    forwards !== -1 &&
    decimal(text, fields[forwards + FIELD_VALUE] as number, fields[forwards + FIELD_END] as number, 255) === -1
  )
    return FAULT.maxForwards;
  return undefined;
}

/** callid = word [ "@" word ]: no white space within. */
function isCallId(draft: Draft, at: number): boolean {
  const end = draft.fields[at + FIELD_END] as number;
  const start = draft.fields[at + FIELD_VALUE] as number;
  for (let i = start; i < end; i++) if (is(draft.text, i, LWS)) return false;
  return end > start;
}

/** RFC 3261 18.3, 20.14: the body against Content-Length; cuts off what a datagram holds beyond it. */
function length(draft: Draft, limits: MessageLimits, framing: Framing): Fault | undefined {
  const { text, fields, bodyStart } = draft;
  const held = text.length - bodyStart;
  const at = fieldAt(draft, CONTENT_LENGTH, 0);
  let announced = held;
  if (at !== -1) {
    announced = decimal(text, fields[at + FIELD_VALUE] as number, fields[at + FIELD_END] as number, LENGTH_MAX);
    if (announced === -1) return FAULT.contentLength;
  } else if (framing === 'stream') {
    // "The Content-Length header field MUST be used with stream oriented transports."
    return FAULT.missingLength;
  }
  if (announced > limits.bodyBytes) return FAULT.body;
  // "If the transport packet ends before the end of the message body, this is considered an error."
  if (announced > held) return FAULT.short;
  // "If there are additional bytes in the transport packet beyond the end of the body, they MUST be discarded."
  if (announced < held) draft.text = text.slice(0, bodyStart + announced);
  return undefined;
}

/** Whether a response to this request can be made and would find its way. RFC 3261 17.1.1.3: an ACK is never answered. */
function answerable(draft: Draft): boolean {
  if (draft.method === '' || draft.method === 'ACK') return false;
  const { text, fields } = draft;
  for (const id of [FROM, TO, CALL_ID, CSEQ]) {
    const at = fieldAt(draft, id, 0);
    if (at === -1 || fields[at + FIELD_VALUE] === fields[at + FIELD_END]) return false;
  }
  const via = fieldAt(draft, VIA, 0);
  return via !== -1 && sentByHolds(text, fields[via + FIELD_VALUE] as number, fields[via + FIELD_END] as number);
}
