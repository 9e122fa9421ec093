import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { createFramer, type FrameItem, type Framer, respond, scan, topVia } from '../core/sip/index.ts';
import { type Address, type Flow, viaStamp } from '../core/transport.ts';
import type { Connection } from './connections.ts';
import type { OnFailure, TransportContext } from './network.ts';

/** How long a connection is drained after our last word on it, so that the other side can read that word before the close, ms. */
const LINGER = 1_000;

/** RFC 5626 4.4.1: the answer to a double CRLF. */
const PONG = '\r\n';

/** What a connection is made of. `accepted`: the other side opened it, and it is ready (for TLS: the handshake is done). */
export interface Opening {
  readonly id: number;
  readonly transport: 'tcp' | 'tls';
  readonly socket: Socket;
  readonly remote: Address;
  readonly accepted: boolean;
}

/** One TCP or TLS connection: framing in, bounded output, and an end whatever the other side does. */
export class StreamConnection implements Connection {
  readonly id: number;
  readonly #transport: 'tcp' | 'tls';
  readonly #socket: Socket;
  readonly #remote: Address;
  readonly #context: TransportContext;
  readonly #framer: Framer;
  readonly #closed: Promise<void>;
  #flow: Flow | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** Why the next close happens, for those whose message is still waiting. */
  #reason = '';
  #ending = false;
  /** Unanswered bytes of a message begun: its deadline runs. */
  #incomplete = false;

  constructor({ id, transport, socket, remote, accepted }: Opening, context: TransportContext, onClose: () => void) {
    this.id = id;
    this.#transport = transport;
    this.#socket = socket;
    this.#remote = remote;
    this.#context = context;
    this.#framer = createFramer(context.limits.message);
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        clearTimeout(this.#deadline);
        onClose();
        resolve();
      });
    });
    socket.on('error', (error) => {
      // Opened from here, and it never came to a message: the other side's certificate, or its TLS.
      if (this.#flow === undefined && transport === 'tls' && !socket.connecting) context.counters.handshakeErrors++;
      this.#reason = `${remote.address} port ${remote.port}: ${error.message}`;
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('timeout', () => {
      context.counters.closedIdle++;
      this.#destroy('idle');
    });
    if (accepted) {
      this.#opened();
      this.#expectMessage();
    } else {
      this.#within(context.limits.connectTimeout, () =>
        this.#destroy(`${remote.address} port ${remote.port}: connect timed out`),
      );
      socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => {
        context.counters.connected++;
        clearTimeout(this.#deadline);
        this.#opened();
      });
    }
  }

  /** Whether something can still be sent. */
  get usable(): boolean {
    return !this.#ending && this.#socket.writable;
  }

  /** Queues a message; one that does not go out is reported. */
  send(text: string, onFailure: OnFailure | undefined): void {
    const { limits, counters } = this.#context;
    if (!this.usable) {
      this.#context.fail(onFailure, this.#reason === '' ? 'connection closed' : this.#reason, this.#flow === undefined);
      return;
    }
    if (this.#socket.writableLength + text.length > limits.connectionOutput) {
      counters.closedSlow++;
      this.#context.fail(onFailure, 'the other side reads too slowly');
      // Reading is not paused instead: two elements that both wait for the other to read would wait for ever.
      this.#destroy('the other side reads too slowly');
      return;
    }
    counters.sent++;
    this.#socket.write(text, 'latin1', (error) => {
      // What waited when the connection broke gets a general error; the reason is known from the event.
      if (error) this.#context.fail(onFailure, this.#reason === '' ? error.message : this.#reason, this.#flow === undefined);
    });
  }

  /** Ends after what is written has gone out, or after `timeout` ms. */
  close(timeout: number): Promise<void> {
    if (this.#socket.connecting) this.#destroy('network closed');
    else this.#end('', timeout);
    return this.#closed;
  }

  #opened(): void {
    const { localAddress, localPort } = this.#socket;
    const local = { address: localAddress ?? '', port: localPort ?? 0 };
    this.#flow = { transport: this.#transport, local, remote: this.#remote, connection: this.id };
    this.#socket.setTimeout(this.#context.limits.idle);
  }

  #receive(chunk: Buffer): void {
    const flow = this.#flow;
    if (flow === undefined || this.#ending) return;
    let pings = 0;
    for (const item of this.#framer.push(chunk.toString('latin1'))) {
      // A handler may have closed the connection while it dealt with the item before.
      if (this.#ending || this.#socket.destroyed) return;
      if (item.type === 'ping') pings++;
      this.#item(item, flow);
    }
    if (this.#ending || this.#socket.destroyed) return;
    // Together: a chunk of nothing but line ends would else be thousands of writes.
    if (pings > 0) this.send(PONG.repeat(pings), undefined);
    if (this.#framer.held > 0) this.#expectMessage();
    else if (this.#incomplete) this.#whole();
  }

  #item(item: FrameItem, flow: Flow): void {
    if (item.type === 'error') {
      this.#framingError(item, flow);
      return;
    }
    this.#whole();
    if (item.type === 'message') this.#context.message(item.text, flow);
    else this.#context.ping(flow);
  }

  /** RFC 3261 18.3: "If there are fewer bytes ... this is considered an error": what can be answered is, then the connection ends. */
  #framingError(item: FrameItem & { type: 'error' }, flow: Flow): void {
    this.#context.counters.framingErrors++;
    this.#reason = item.reason;
    const scanned = item.text === undefined ? undefined : scan(item.text, this.#context.limits.message, 'stream');
    const request = scanned?.message;
    if (request === undefined || request.status !== 0 || request.method === 'ACK') {
      this.#end('', LINGER);
      return;
    }
    const via = topVia(request);
    const options = { toTag: randomBytes(8).toString('hex'), ...(via !== undefined && { via: viaStamp(via, flow) }) };
    this.#end(respond(request, item.status, item.reason, options), LINGER);
  }

  #end(text: string, timeout: number): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#within(timeout, () => this.#socket.destroy());
    this.#socket.end(text, 'latin1');
  }

  #destroy(reason: string): void {
    this.#reason = reason;
    this.#ending = true;
    this.#socket.destroy();
  }

  #expectMessage(): void {
    if (this.#incomplete) return;
    this.#incomplete = true;
    this.#within(this.#context.limits.incomplete, () => {
      this.#context.counters.closedIncomplete++;
      this.#destroy('no whole message in time');
    });
  }

  #whole(): void {
    if (!this.#incomplete) return;
    this.#incomplete = false;
    clearTimeout(this.#deadline);
  }

  #within(ms: number, late: () => void): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(late, ms);
  }
}
