import { HEP_HEADER } from './packet.ts';

/** What a stream of HEP packets brought: whole packets, and at last, where it is none, that its next packet cannot be found. */
export type HepFrame = { readonly type: 'packet'; readonly text: string } | { readonly type: 'error' };

/** Finds the packets in a stream by the length that each begins with. What is held is at most one packet and one chunk. */
export class HepFramer {
  #held = '';
  #closed = false;

  /** Bytes of an unfinished packet. */
  get held(): number {
    return this.#held.length;
  }

  /** Takes the next bytes. After an `error`, which is the last item, everything is ignored. */
  push(chunk: string): HepFrame[] {
    if (this.#closed) return [];
    const frames: HepFrame[] = [];
    const text = this.#held + chunk;
    let pos = 0;
    while (text.length - pos >= HEP_HEADER) {
      const length = (text.charCodeAt(pos + 4) << 8) | text.charCodeAt(pos + 5);
      if (!text.startsWith('HEP3', pos) || length < HEP_HEADER) {
        frames.push({ type: 'error' });
        this.#closed = true;
        this.#held = '';
        return frames;
      }
      if (text.length - pos < length) break;
      frames.push({ type: 'packet', text: text.slice(pos, pos + length) });
      pos += length;
    }
    this.#held = text.slice(pos);
    return frames;
  }
}
