import { CLASS, CR, DIGIT, decimal, equals, HTAB, is, LF, LWS, SP, skip, TOKEN, trimEnd } from './grammar.ts';
import { type Message, notDecoded } from './message.ts';
import { identify } from './names.ts';
import { check, type Fault } from './validity.ts';

/** Limits of one message. Reaching one refuses the message, never cuts it. */
export interface MessageLimits {
  /** Start line and header block, bytes. */
  readonly headerBytes: number;
  /** Header lines. */
  readonly headerCount: number;
  /** Body, bytes. */
  readonly bodyBytes: number;
}

export const DEFAULT_MESSAGE_LIMITS: MessageLimits = { headerBytes: 16_384, headerCount: 256, bodyBytes: 65_536 };

/** How a message's end is known: by the datagram, or by Content-Length alone. */
export type Framing = 'datagram' | 'stream';

/**
 * - `ok`: well-formed as far as RFC 3261 8.1.1, 8.2, 16.3, 18.3 and 20 ask for it of every message.
 * - else `reason` is short plain English, fit for a reason phrase, and `status` the answer's code. `message` is there where it
 *   is a request that can be answered (`respond`): its Via, From, To, Call-ID and CSeq could be found, and it is no ACK. Otherwise
 *   it is to be dropped, as malformed responses always are (18.1.2).
 */
export type ScanResult =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: string; readonly status: number; readonly message?: Message };

const FAULT = {
  empty: { status: 400, reason: 'Empty message' },
  startLine: { status: 400, reason: 'Malformed start line' },
  version: { status: 505, reason: 'Version Not Supported' },
  headerLine: { status: 400, reason: 'Malformed header line' },
  lineEnd: { status: 400, reason: 'Bare CR or LF in header block' },
  noEnd: { status: 400, reason: 'Header block without end' },
  tooLarge: { status: 513, reason: 'Message Too Large' },
  tooMany: { status: 513, reason: 'Too many header lines' },
} satisfies Record<string, Fault>;

/** A start line in its parts. */
interface StartLine {
  method: string;
  status: number;
  reason: string;
  uri: string;
}

/**
 * Reads one message from a byte string: one pass over the header block, linear in its length; never throws. CRLFs before the
 * start line are skipped (RFC 3261 7.5), bytes of a datagram beyond Content-Length are dropped (18.3).
 *
 * Lines end with CRLF. A CR or LF that stands alone is refused rather than guessed at: what we took for the end of a line and the
 * next element did not would be header fields that only one of us sees.
 */
export function scan(text: string, limits: MessageLimits, framing: Framing): ScanResult {
  let start = 0;
  while (text.charCodeAt(start) === CR && text.charCodeAt(start + 1) === LF) start += 2;
  if (start === text.length) return { ok: false, ...FAULT.empty };
  // Offsets are those of the message's own text, so what stands before it goes first.
  const own = start === 0 ? text : text.slice(start);
  const startEnd = own.indexOf('\r\n');
  if (startEnd === -1 || startEnd > limits.headerBytes)
    return { ok: false, ...(startEnd === -1 ? FAULT.startLine : FAULT.tooLarge) };
  const isResponse = equals(own, 0, 4, 'sip/');
  const line: StartLine = { method: '', status: 0, reason: '', uri: '' };
  let fault: Fault | undefined = isResponse ? statusLine(own, startEnd, line) : requestLine(own, startEnd, line);
  if (fault !== undefined && isResponse) return { ok: false, ...fault };

  const fields: number[] = [];
  const index = indexHeaders(own, startEnd + 2, limits, fields);
  fault ??= index.fault;
  const draft = {
    text: own,
    method: line.method,
    status: line.status,
    reason: line.reason,
    uri: line.uri,
    bodyStart: index.bodyStart,
    headersStart: startEnd + 2,
    headersEnd: index.headersEnd,
    fields,
    decoded: notDecoded(),
  };
  return check(draft, fault, limits, framing);
}

/** RFC 3261 7.1: Method SP Request-URI SP SIP-Version CRLF, with single spaces and no other white space. */
function requestLine(text: string, end: number, line: StartLine): Fault | undefined {
  const methodEnd = skip(text, 0, end, TOKEN);
  const uriEnd = text.lastIndexOf(' ', end - 1);
  if (methodEnd === 0 || text.charCodeAt(methodEnd) !== SP) return FAULT.startLine;
  line.method = text.slice(0, methodEnd);
  if (uriEnd <= methodEnd + 1) return FAULT.startLine;
  line.uri = text.slice(methodEnd + 1, uriEnd);
  for (let i = methodEnd + 1; i < uriEnd; i++) if (is(text, i, LWS)) return FAULT.startLine;
  if (equals(text, uriEnd + 1, end, 'sip/2.0')) return undefined;
  return isVersion(text, uriEnd + 1, end) ? FAULT.version : FAULT.startLine;
}

function isVersion(text: string, pos: number, end: number): boolean {
  if (end - pos < 5 || !equals(text, pos, pos + 3, 'sip') || text[pos + 3] !== '/') return false;
  const dot = skip(text, pos + 4, end, DIGIT);
  return dot > pos + 4 && text[dot] === '.' && dot + 1 < end && skip(text, dot + 1, end, DIGIT) === end;
}

/** RFC 3261 7.2: SIP-Version SP Status-Code SP Reason-Phrase CRLF; the SP before an empty phrase may be missing. */
function statusLine(text: string, end: number, line: StartLine): Fault | undefined {
  if (!equals(text, 0, 7, 'sip/2.0') || text.charCodeAt(7) !== SP) return FAULT.version;
  const status = decimal(text, 8, 11, 699);
  if (status < 100 || (end > 11 && text.charCodeAt(11) !== SP)) return FAULT.startLine;
  line.status = status;
  for (let i = 12; i < end; i++) if (text.charCodeAt(i) === CR || text.charCodeAt(i) === LF) return FAULT.startLine;
  line.reason = end > 12 ? text.slice(12, end) : '';
  return undefined;
}

interface HeaderIndex {
  headersEnd: number;
  bodyStart: number;
  fault: Fault | undefined;
}

/** Fills the index line by line up to the empty line. After a fault it goes on, so that a request may still be answered. */
export function indexHeaders(text: string, start: number, limits: MessageLimits, fields: number[]): HeaderIndex {
  const length = text.length;
  let fault: Fault | undefined;
  let pos = start;
  let count = 0;
  // The next CR at or after `pos`, searched for only once it is behind, so that the search is linear over the whole.
  let cr = -1;
  while (pos < length) {
    if (text.charCodeAt(pos) === CR && text.charCodeAt(pos + 1) === LF) {
      if (pos + 2 > limits.headerBytes) fault ??= FAULT.tooLarge;
      return { headersEnd: pos, bodyStart: pos + 2, fault };
    }
    if (pos > limits.headerBytes) return { headersEnd: pos, bodyStart: length, fault: fault ?? FAULT.tooLarge };
    if (++count > limits.headerCount) return { headersEnd: pos, bodyStart: length, fault: fault ?? FAULT.tooMany };
    const line = pos;
    // The line's end: the first CRLF that no white space follows.
    let end: number;
    for (;;) {
      const lf = text.indexOf('\n', pos);
      if (lf === -1) return { headersEnd: line, bodyStart: length, fault: fault ?? FAULT.noEnd };
      end = lf;
      if (cr < pos) cr = text.indexOf('\r', pos);
      if (cr === -1) cr = length;
      if (cr === lf - 1) end = cr;
      else fault ??= FAULT.lineEnd;
      pos = lf + 1;
      const next = text.charCodeAt(pos);
      if (next !== SP && next !== HTAB) break;
    }
    const nameEnd = skip(text, line, end, TOKEN);
    let colon = nameEnd;
    while (colon < end && (text.charCodeAt(colon) === SP || text.charCodeAt(colon) === HTAB)) colon++;
    if (nameEnd === line || text.charCodeAt(colon) !== 0x3a || colon >= end) {
      fault ??= FAULT.headerLine;
      continue;
    }
    let value = colon + 1;
    while (value < end && ((CLASS[text.charCodeAt(value)] as number) & LWS) !== 0) value++;
    fields.push(identify(text, line, nameEnd), line, value, trimEnd(text, value, end));
  }
  return { headersEnd: length, bodyStart: length, fault: fault ?? FAULT.noEnd };
}
