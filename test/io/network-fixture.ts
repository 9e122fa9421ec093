import { createSocket, type Socket as UdpPeer } from 'node:dgram';
import { once } from 'node:events';
import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Flow, ListenPoint } from '../../shim/core/transport.ts';
import { createNetwork, type Network, type NetworkOptions } from '../../shim/io/network.ts';

export const UDP4: ListenPoint = { transport: 'udp', address: '127.0.0.1', port: 0 };
export const UDP6: ListenPoint = { transport: 'udp', address: '::1', port: 0 };
export const TCP4: ListenPoint = { transport: 'tcp', address: '127.0.0.1', port: 0 };
export const TCP6: ListenPoint = { transport: 'tcp', address: '::1', port: 0 };
export const TLS4: ListenPoint = { transport: 'tls', address: '127.0.0.1', port: 0 };
export const TLS6: ListenPoint = { transport: 'tls', address: '::1', port: 0 };
export const WS4: ListenPoint = { transport: 'ws', address: '127.0.0.1', port: 0 };
export const WS6: ListenPoint = { transport: 'ws', address: '::1', port: 0 };
export const WSS4: ListenPoint = { transport: 'wss', address: '127.0.0.1', port: 0 };

/** Whether this machine has an IPv6 loopback; many containers have none, and then there is nothing to test it on. */
export const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** Waits until something holds, turn by turn of the loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Things that come one after another, and can be waited for. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  push(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item);
  }

  get size(): number {
    return this.#items.length;
  }
}

export interface Opened {
  readonly network: Network;
  readonly messages: Inbox<{ text: string; flow: Flow }>;
  readonly pings: Inbox<Flow>;
  readonly errors: Inbox<Error>;
}

/** Everything opened in a test, closed after it. */
export class Fixture {
  readonly #close: (() => unknown)[] = [];

  async open(listen: readonly ListenPoint[], options: Partial<NetworkOptions> = {}): Promise<Opened> {
    const messages = new Inbox<{ text: string; flow: Flow }>();
    const pings = new Inbox<Flow>();
    const errors = new Inbox<Error>();
    const network = await createNetwork({
      listen,
      onMessage: (text, flow) => messages.push({ text, flow }),
      onPing: (flow) => pings.push(flow),
      onError: (error) => errors.push(error),
      ...options,
    });
    this.#close.push(() => network.close());
    return { network, messages, pings, errors };
  }

  async udpPeer(address = '127.0.0.1'): Promise<{ socket: UdpPeer; port: number; received: Inbox<Buffer> }> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const received = new Inbox<Buffer>();
    socket.on('message', (datagram) => received.push(datagram));
    socket.bind(0, address);
    await once(socket, 'listening');
    this.#close.push(() => socket.close());
    return { socket, port: socket.address().port, received };
  }

  /** A connection from outside. `closed` settles when the other side has ended it, with all that came before. */
  async connect(port: number, host = '127.0.0.1'): Promise<{ socket: Socket; received: Inbox<string>; closed: Promise<string> }> {
    const socket = netConnect({ port, host });
    const received = new Inbox<string>();
    let all = '';
    socket.on('data', (chunk) => {
      all += chunk.toString('latin1');
      received.push(chunk.toString('latin1'));
    });
    socket.on('error', () => {});
    const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(all)));
    await once(socket, 'connect');
    this.#close.push(() => socket.destroy());
    return { socket, received, closed };
  }

  /** A server of another program. */
  async serve(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => {
      this.#close.push(() => socket.destroy());
      socket.on('error', () => {});
      onConnection(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#close.push(() => server.close());
    const address = server.address();
    return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
  }

  async close(): Promise<void> {
    for (const close of this.#close.splice(0).reverse()) await close();
  }
}

export const portOf = ({ network }: Opened, index = 0): number => network.addresses[index]?.port ?? 0;

/** The reason of a failed send. */
export function failure(send: (onFailure: (reason: string) => void) => void): Promise<string> {
  return new Promise((resolve) => send(resolve));
}
