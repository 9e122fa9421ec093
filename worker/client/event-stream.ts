/** An event of a stream (HTML 9.2.6); `id` is the last one told, by it or before it. */
export interface StreamEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** Longest event taken, characters. */
const LONGEST = 16 * 1024 * 1024;

/** Reads events out of the text of a stream, piece by piece, wherever the pieces are cut. */
export class EventStream {
  #rest = '';
  #id = '';

  /** The events that are complete with this piece. Throws where one is too long. */
  take(piece: string): StreamEvent[] {
    const blocks = (this.#rest + piece).split('\n\n');
    this.#rest = blocks.pop() as string;
    if (this.#rest.length > LONGEST) throw new Error('an event is too long');
    return blocks.flatMap((block) => this.#event(block) ?? []);
  }

  #event(block: string): StreamEvent | undefined {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      const [name, value] = colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
      if (name === 'event') event = value;
      else if (name === 'id') this.#id = value;
      else if (name === 'data') data.push(value);
    }
    // HTML 9.2.6: "If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and return."
    return data.length === 0 ? undefined : { event, id: this.#id, data: data.join('\n') };
  }
}
