import { CR, decimal, is, LF, TOKEN } from './grammar.ts';
import { FIELD_END, FIELD_ID, FIELD_VALUE, STRIDE } from './message.ts';
import { CONTENT_LENGTH } from './names.ts';
import { indexHeaders, type MessageLimits } from './scan.ts';
import type { Fault } from './validity.ts';

/**
 * What a stream brought.
 * - `message`: one whole message, to be scanned with framing `stream`.
 * - `ping`: a double CRLF between messages, to be answered with a CRLF (RFC 5626 4.4.1).
 * - `error`: the end of this message, and so the begin of the next, cannot be known: the connection is to be closed. Where `text` is
 *   there, `scan(text, limits, 'stream')` gives the request to answer with `status` and `reason` first, if it can be answered.
 */
export type FrameItem =
  | { readonly type: 'message'; readonly text: string }
  | { readonly type: 'ping' }
  | { readonly type: 'error'; readonly status: number; readonly reason: string; readonly text?: string };

/** Finds the messages in a stream (RFC 3261 7.5, 18.3). */
export interface Framer {
  /** Takes the next bytes. After an `error`, which is the last item, everything is ignored. */
  push(chunk: string): FrameItem[];
  /** Bytes of an unfinished message that are held: at most headerBytes + bodyBytes and one chunk. */
  readonly held: number;
}

const BETWEEN = 0;
const HEADERS = 1;
const BODY = 2;
const CLOSED = 3;

/** The end of a header block. */
const BLANK = '\r\n\r\n';

/**
 * Looks at each byte a bounded number of times, however the bytes are cut into chunks: what is held is never searched again, and joined
 * once, when the message is whole.
 */
export function createFramer(limits: MessageLimits): Framer {
  return new StreamFramer(limits);
}

class StreamFramer implements Framer {
  readonly #limits: MessageLimits;
  #state: 0 | 1 | 2 | 3 = BETWEEN;
  /** BETWEEN: how much of CRLF CRLF has been seen. */
  #line = 0;
  /** What came of the current message in earlier chunks. */
  #parts = '';
  /** HEADERS: the last bytes of `#parts`, up to three. */
  #tail = '';
  /** BODY: bytes still to come. */
  #missing = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  get held(): number {
    return this.#parts.length;
  }

  push(chunk: string): FrameItem[] {
    const items: FrameItem[] = [];
    let pos = 0;
    while (pos < chunk.length && this.#state !== CLOSED) {
      if (this.#state === BETWEEN) pos = this.#between(chunk, pos, items);
      else if (this.#state === HEADERS) pos = this.#headers(chunk, pos, items);
      else pos = this.#body(chunk, pos, items);
    }
    return items;
  }

  /** RFC 3261 7.5: "Implementations processing SIP messages over stream-oriented transports MUST ignore any CRLF appearing before the start-line". */
  #between(chunk: string, from: number, items: FrameItem[]): number {
    for (let pos = from; pos < chunk.length; pos++) {
      const c = chunk.charCodeAt(pos);
      if (c === (this.#line % 2 === 0 ? CR : LF)) {
        this.#line++;
        if (this.#line < 4) continue;
        items.push({ type: 'ping' });
        this.#line = 0;
      } else if (this.#line % 2 === 0 && is(chunk, pos, TOKEN)) {
        this.#line = 0;
        this.#state = HEADERS;
        return pos;
      } else {
        this.#close(items, 400, 'Not SIP');
        return chunk.length;
      }
    }
    return chunk.length;
  }

  #headers(chunk: string, pos: number, items: FrameItem[]): number {
    const end = this.#blankLine(chunk, pos);
    if (end === -1) {
      const rest = chunk.slice(pos);
      this.#parts += rest;
      this.#tail = (this.#tail + rest.slice(-3)).slice(-3);
      if (this.#parts.length > this.#limits.headerBytes) this.#close(items, 513, 'Message Too Large', this.#parts);
      return chunk.length;
    }
    this.#parts += chunk.slice(pos, end);
    this.#tail = '';
    this.#measure(items);
    return end;
  }

  /** Where the empty line ends in the chunk, which may have begun in an earlier one; -1 where it is not there yet. */
  #blankLine(chunk: string, pos: number): number {
    if (this.#tail !== '') {
      const across = (this.#tail + chunk.slice(pos, pos + 3)).indexOf(BLANK);
      if (across !== -1) return pos + across + BLANK.length - this.#tail.length;
    }
    const at = chunk.indexOf(BLANK, pos);
    return at === -1 ? -1 : at + BLANK.length;
  }

  #measure(items: FrameItem[]): void {
    const length = announcedLength(this.#parts, this.#limits);
    if (typeof length !== 'number') this.#close(items, length.status, length.reason, this.#parts);
    else if (length === 0) this.#deliver(items);
    else {
      this.#missing = length;
      this.#state = BODY;
    }
  }

  #body(chunk: string, pos: number, items: FrameItem[]): number {
    const end = Math.min(chunk.length, pos + this.#missing);
    this.#parts += chunk.slice(pos, end);
    this.#missing -= end - pos;
    if (this.#missing === 0) this.#deliver(items);
    return end;
  }

  #deliver(items: FrameItem[]): void {
    items.push({ type: 'message', text: this.#parts });
    this.#parts = '';
    this.#state = BETWEEN;
  }

  #close(items: FrameItem[], status: number, reason: string, text?: string): void {
    items.push({ type: 'error', status, reason, ...(text !== undefined && { text }) });
    this.#parts = '';
    this.#state = CLOSED;
  }
}

/** RFC 3261 20.14: "If a stream-based protocol (such as TCP) is used as transport, the header field MUST be used." */
function announcedLength(block: string, limits: MessageLimits): number | Fault {
  if (block.length > limits.headerBytes) return { status: 513, reason: 'Message Too Large' };
  const fields: number[] = [];
  const { fault } = indexHeaders(block, block.indexOf('\r\n') + 2, limits, fields);
  // What is wrong within a line is the scanner's to say: it does not hide where the message ends. Too many lines do.
  if (fault !== undefined && fault.status !== 400) return fault;
  let length = -1;
  for (let at = 0; at < fields.length; at += STRIDE) {
    if (fields[at + FIELD_ID] !== CONTENT_LENGTH) continue;
    const value = decimal(block, fields[at + FIELD_VALUE] as number, fields[at + FIELD_END] as number, 0xffffffff);
    if (value === -1 || length !== -1) return { status: 400, reason: 'Malformed Content-Length' };
    length = value;
  }
  if (length === -1) return { status: 400, reason: 'Missing Content-Length' };
  return length > limits.bodyBytes ? { status: 413, reason: 'Request Entity Too Large' } : length;
}
