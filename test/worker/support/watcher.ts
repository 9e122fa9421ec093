import type { PresenceDocument, WatchFrame } from '../../../worker/protocol/index.ts';
import { request } from './client.ts';
import { holdFrame } from './contract.ts';

/** Opens `GET /v1/watch`. */
export function upgrade(query: string, headers: Record<string, string> = {}): Promise<Response> {
  return request(`/v1/watch?${query}`, { headers: { upgrade: 'websocket', ...headers } });
}

/** A watcher's end of a socket: it keeps what came, and lets a test wait for more. */
export class TestWatcher {
  readonly socket: WebSocket;
  readonly frames: WatchFrame[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | undefined;
  #wake: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.accept();
    socket.addEventListener('message', ({ data }) => {
      const text = String(data);
      if (text.startsWith('{')) this.frames.push(holdFrame<WatchFrame>('watch', text));
      else this.texts.push(text);
      this.#changed();
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
      this.#changed();
    });
  }

  static async open(query: string, headers: Record<string, string> = {}): Promise<TestWatcher> {
    const response = await upgrade(query, headers);
    if (response.webSocket === null) throw new Error(`${response.status} ${await response.text()}`);
    const watcher = new TestWatcher(response.webSocket);
    await watcher.until(() =>
      watcher.frames.some((frame) => frame.type === 'resumed' || (frame.type === 'snapshot' && !frame.more)),
    );
    return watcher;
  }

  /** All frames, as an `EventReader` has them. */
  get told(): WatchFrame[] {
    return this.frames;
  }

  /** Waits until it holds; the test's own time limit ends the wait otherwise. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Waits for `count` changes in all, and tells them. */
  async changes(count: number): Promise<PresenceDocument[]> {
    const told = () => this.frames.flatMap((frame) => (frame.type === 'change' ? [frame.presence] : []));
    await this.until(() => told().length >= count);
    return told();
  }

  /** The cursor of the newest frame. */
  get cursor(): string {
    return this.frames.at(-1)?.cursor ?? '';
  }

  /** Closes the socket; resolves when the other side has. */
  async leave(): Promise<void> {
    this.socket.close(1000);
    await this.until(() => this.closed !== undefined);
  }

  /** All users of the snapshot, over its frames. */
  get snapshot(): { user: string; presence: PresenceDocument | null }[] {
    return this.frames.flatMap((frame) => (frame.type === 'snapshot' ? frame.users : []));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
