import type { WatchFrame } from '../../../worker/protocol/index.ts';
import { request } from './client.ts';
import { holdFrame } from './contract.ts';

/** An event of a stream (HTML 9.2.6). */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: WatchFrame | { readonly type: 'end'; readonly code: number; readonly reason: string };
}

/** A client of `GET /v1/events` that reads when it is told to. */
export class EventReader {
  readonly events: ServerEvent[] = [];
  readonly response: Response;
  ended = false;
  /** The whole text of the stream. */
  text = '';
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(response: Response) {
    this.response = response;
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  static async open(query: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const response = await request(`/v1/events?${query}`, { headers });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return new EventReader(response);
  }

  get cursor(): string {
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? '';
  }

  /** The data of all events. */
  get told(): ServerEvent['data'][] {
    return this.events.map(({ data }) => data);
  }

  get changes(): string[] {
    return this.events.flatMap(({ data }) => (data.type === 'change' ? [`${data.presence.user} ${data.presence.version}`] : []));
  }

  /** Reads until it holds, or the stream ends. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.ended) {
      const { done, value } = await this.#reader.read();
      this.ended = done;
      if (value !== undefined) this.#take(this.#decoder.decode(value, { stream: true }));
    }
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }

  #take(text: string): void {
    this.text += text;
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() as string;
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      const data = fields.get('data');
      if (data === undefined) continue;
      this.events.push({ event: fields.get('event') ?? 'message', id: fields.get('id'), data: holdFrame('events', data) });
    }
  }
}
