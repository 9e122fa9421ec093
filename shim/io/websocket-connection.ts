import { isUtf8 } from 'node:buffer';
import type { RawData, WebSocket } from 'ws';
import type { Flow } from '../core/transport.ts';
import type { Connection } from './connections.ts';
import type { OnFailure, TransportContext } from './network.ts';

/** RFC 6455 7.4.1: the other side cannot keep up, or has gone. */
const GOING_AWAY = 1001;

/** RFC 5626 4.4.1 and RFC 7118 6: what a client may send to see whether the flow lives, and the answer. */
const KEEP_ALIVE = /^[\r\n]{1,4}$/;
const PONG = '\r\n';

/** One WebSocket of a browser telephone: each of its messages is one SIP message (RFC 7118 5). */
export class WebSocketConnection implements Connection {
  readonly id: number;
  readonly #socket: WebSocket;
  readonly #context: TransportContext;
  readonly #closed: Promise<void>;
  #alive = true;
  #first: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, flow: Flow, context: TransportContext, onClose: () => void) {
    this.id = flow.connection as number;
    this.#socket = socket;
    this.#context = context;
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        clearTimeout(this.#first);
        onClose();
        resolve();
      });
    });
    this.#first = setTimeout(() => {
      context.counters.closedIncomplete++;
      socket.terminate();
    }, context.limits.incomplete);
    // A frame that breaks the rules, or a message that is too large: `ws` closes with the code that says so.
    socket.on('error', () => {
      context.counters.framingErrors++;
    });
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('message', (data) => this.#receive(data, flow));
  }

  get usable(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  send(text: string, onFailure: OnFailure | undefined): void {
    const { limits, counters } = this.#context;
    if (!this.usable) {
      this.#context.fail(onFailure, 'the WebSocket is closed');
      return;
    }
    if (this.#socket.bufferedAmount + text.length > limits.connectionOutput) {
      counters.closedSlow++;
      this.#context.fail(onFailure, 'the other side reads too slowly');
      this.#socket.terminate();
      return;
    }
    counters.sent++;
    const bytes = Buffer.from(text, 'latin1');
    // RFC 7118 5.1: in text frames where that can be, since browsers then need no decoding; those carry UTF-8 alone (RFC 6455 5.6).
    this.#socket.send(bytes, { binary: !isUtf8(bytes) }, (error) => {
      if (error) this.#context.fail(onFailure, error.message);
    });
  }

  /** Asks whether the other side is still there; it is taken for dead where it has said nothing since it was last asked. */
  ping(): void {
    if (!this.#alive) {
      this.#context.counters.closedIdle++;
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    if (this.usable) this.#socket.ping();
  }

  close(timeout: number): Promise<void> {
    const late = setTimeout(() => this.#socket.terminate(), timeout);
    this.#socket.close(GOING_AWAY);
    return this.#closed.finally(() => clearTimeout(late));
  }

  #receive(data: RawData, flow: Flow): void {
    this.#alive = true;
    const text = (data as Buffer).toString('latin1');
    if (text.length <= 4 && (text === '' || KEEP_ALIVE.test(text))) {
      this.#context.ping(flow);
      this.send(PONG, undefined);
      return;
    }
    clearTimeout(this.#first);
    this.#context.message(text, flow);
  }
}
