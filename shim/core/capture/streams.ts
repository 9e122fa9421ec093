import { createFramer, type Framer, type MessageLimits } from '../sip/index.ts';
import type { Packet } from './packet.ts';

type Segment = Extract<Packet, { protocol: 'tcp' }>;

/** One direction of a TCP connection. */
interface Stream {
  framer: Framer;
  /** Sequence number of the next byte. */
  next: number;
  /** Segments that came before their turn, by sequence number. */
  readonly early: Map<number, string>;
  earlyBytes: number;
}

const WRAP = 4_294_967_296;
/** What looks like a start line: where a stream can be taken up after a loss. */
const START = /^(?:SIP\/2\.0 \d{3} |[A-Z]{3,12} (?:sips?|tel):\S* SIP\/2\.0\r\n)/;

/** Puts the segments of TCP connections in order, and finds the SIP messages in them (RFC 3261 18.3). */
export class Streams {
  /** Places at which bytes of a stream are missing, or cannot be read as SIP. */
  gaps = 0;
  /** Connections that were not looked into, as they carry something else, or are too many. */
  other = 0;
  readonly #limits: MessageLimits;
  readonly #streams = new Map<string, Stream>();
  /** Connections at once, and bytes that wait for those before them in one. */
  readonly #max: number;
  readonly #early: number;

  constructor(limits: MessageLimits, max: number, early: number) {
    this.#limits = limits;
    this.#max = max;
    this.#early = early;
  }

  /** The messages that are whole by this segment. */
  push(segment: Segment): string[] {
    const { source, destination, sequence, syn, end, payload } = segment;
    const key = `${source.address} ${source.port} ${destination.address} ${destination.port}`;
    if (syn) this.#streams.delete(key);
    if (payload === '') {
      if (end) this.#streams.delete(key);
      return [];
    }
    const stream = this.#streams.get(key) ?? this.#open(key, sequence, payload);
    if (stream === undefined) return [];
    const messages = this.#take(stream, sequence, payload);
    if (end) this.#streams.delete(key);
    return messages;
  }

  /** Connections of which the begin was not captured are taken up at a start line. */
  #open(key: string, next: number, payload: string): Stream | undefined {
    if (!START.test(payload) || this.#streams.size >= this.#max) {
      this.other += 1;
      return undefined;
    }
    const stream = { framer: createFramer(this.#limits), next, early: new Map<number, string>(), earlyBytes: 0 };
    this.#streams.set(key, stream);
    return stream;
  }

  #take(stream: Stream, sequence: number, payload: string): string[] {
    const ahead = (sequence - stream.next + WRAP) % WRAP;
    if (ahead !== 0 && ahead < WRAP / 2) {
      if (!stream.early.has(sequence)) stream.earlyBytes += payload.length;
      stream.early.set(sequence, payload);
      return stream.earlyBytes > this.#early ? this.#skip(stream) : [];
    }
    // A retransmission may bring new bytes behind known ones.
    const known = ahead === 0 ? 0 : WRAP - ahead;
    if (known >= payload.length) return [];
    const messages = this.#feed(stream, payload.slice(known));
    for (;;) {
      const next = stream.early.get(stream.next);
      if (next === undefined) return messages;
      stream.early.delete(stream.next);
      stream.earlyBytes -= next.length;
      messages.push(...this.#feed(stream, next));
    }
  }

  /** Bytes are lost for good: on with the first segment that begins a message. */
  #skip(stream: Stream): string[] {
    this.gaps += 1;
    const waiting = [...stream.early].sort(([a], [b]) => ((a - b + WRAP) % WRAP < WRAP / 2 ? 1 : -1));
    stream.early.clear();
    stream.earlyBytes = 0;
    const from = waiting.findIndex(([, payload]) => START.test(payload));
    const [first, ...rest] = waiting.slice(Math.max(0, from));
    if (first === undefined) return [];
    stream.framer = createFramer(this.#limits);
    stream.next = first[0];
    return [first, ...rest].flatMap(([sequence, payload]) => this.#take(stream, sequence, payload));
  }

  #feed(stream: Stream, bytes: string): string[] {
    stream.next = (stream.next + bytes.length) % WRAP;
    const messages: string[] = [];
    for (const item of stream.framer.push(bytes)) {
      if (item.type === 'message') messages.push(item.text);
      if (item.type !== 'error') continue;
      this.gaps += 1;
      stream.framer = createFramer(this.#limits);
    }
    return messages;
  }
}
