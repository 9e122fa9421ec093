import { expectFrame, newsFrame, snapshotFrame } from '../../../worker/objects/frames.ts';
import type { OpenedWatch } from '../../../worker/objects/join.ts';
import { markOf } from '../../../worker/objects/mark.ts';

type Listener = (event: { data?: string; code?: number; reason?: string }) => void;

/** One end of a socket of a virtual network: what the other end sends waits until the test delivers it. */
export class VirtualSocket {
  readonly #listeners = new Map<string, Listener[]>();
  readonly waiting: string[] = [];
  readonly sent: string[] = [];
  closed = false;
  #accepted = false;

  /** As the code under test sees it. */
  get socket(): WebSocket {
    return this as unknown as WebSocket;
  }

  accept(): void {
    this.#accepted = true;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    if (this.closed) throw new TypeError('closed');
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  /** The next frame that waits comes in. */
  deliver(): void {
    const data = this.#accepted ? this.waiting.shift() : undefined;
    if (data !== undefined && !this.closed) this.#tell('message', { data });
  }

  /** The other end is gone. */
  lose(): void {
    if (this.closed) return;
    this.closed = true;
    this.#tell('close', { code: 1006, reason: '' });
  }

  #tell(type: string, event: Parameters<Listener>[0]): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}

/** A board: numbers its changes, and sends each to all who watch it, in that order. */
class VirtualBoard {
  seq = 0;
  readonly sockets: VirtualSocket[] = [];

  open(since: number | undefined): VirtualSocket {
    const socket = new VirtualSocket();
    if (since === undefined) socket.waiting.push(snapshotFrame([], false, markOf({ epoch: 1, seq: this.seq })));
    for (let seq = (since ?? this.seq) + 1; seq <= this.seq; seq++) socket.waiting.push(this.#frame(seq));
    this.sockets.push(socket);
    return socket;
  }

  change(): void {
    this.seq += 1;
    for (const socket of this.sockets) if (!socket.closed) socket.waiting.push(this.#frame(this.seq));
  }

  /** Tells that so much comes at once. */
  expect(size: number): void {
    for (const socket of this.sockets) if (!socket.closed) socket.waiting.push(expectFrame(size));
  }

  #frame(seq: number): string {
    return newsFrame('sip:user@example.com', `{"version":${seq}}`, markOf({ epoch: 1, seq }));
  }
}

/** The boards of one domain. */
export class VirtualBoards {
  readonly boards: readonly VirtualBoard[];
  readonly head = 'A'.repeat(17);

  constructor(count: number) {
    this.boards = Array.from({ length: count }, () => new VirtualBoard());
  }

  /** Sockets of all boards, from a snapshot, or from those marks on. */
  open(marks?: readonly string[]): OpenedWatch {
    const sockets = this.boards.map((board, i) => board.open(marks && numberOf(marks[i] as string)).socket);
    return { sockets, head: this.head, begun: marks === undefined ? 'snapshot' : 'exact', missed: 0, marks };
  }

  /** The sockets that are open. */
  get sockets(): VirtualSocket[] {
    return this.boards.flatMap(({ sockets }) => sockets.filter(({ closed }) => !closed));
  }
}

/** The number that a mark stands for. */
export function numberOf(mark: string): number {
  for (let seq = 0; ; seq++) if (markOf({ epoch: 1, seq }) === mark) return seq;
}
