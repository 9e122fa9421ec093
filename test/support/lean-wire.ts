import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Address } from './product.ts';

/** A socket of telephones towards the shim. */
export interface Wire {
  readonly transport: 'UDP' | 'TCP';
  /** Where it is reached, and what it sends from. */
  readonly local: Address;
  send(text: string): void;
  close(): void;
}

export async function udpWire(shim: Address, receive: (text: string) => void, host = '127.0.0.1'): Promise<Wire> {
  const socket = createSocket('udp4');
  socket.on('message', (datagram) => receive(datagram.toString('latin1')));
  socket.bind(0, host);
  await once(socket, 'listening');
  try {
    // Fifty phones behind one socket get many messages at once.
    socket.setRecvBufferSize(4 * 1024 * 1024);
  } catch {
    // The system's own size must do.
  }
  // The shim may be dead at the moment: that is what the phones' retransmissions are for.
  socket.on('error', () => {});
  const { address, port } = socket.address();
  return {
    transport: 'UDP',
    local: { address, port },
    send: (text) => socket.send(Buffer.from(text, 'latin1'), shim.port, shim.address),
    close: () => socket.close(),
  };
}

export async function tcpWire(shim: Address, receive: (text: string) => void, host = '127.0.0.1'): Promise<Wire> {
  const socket = connect({ host: shim.address, port: shim.port, localAddress: host });
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.on('error', () => {});
  let held = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    held += chunk;
    for (;;) {
      const end = held.indexOf('\r\n\r\n') + 4;
      const length = Number(/^Content-Length: *(\d+)/im.exec(held.slice(0, end))?.[1] ?? 0);
      if (end < 4 || held.length < end + length) return;
      receive(held.slice(0, end + length));
      held = held.slice(end + length);
    }
  });
  return {
    transport: 'TCP',
    local: { address: socket.localAddress as string, port: socket.localPort as number },
    send: (text) => void socket.write(text, 'latin1'),
    close: () => socket.destroy(),
  };
}
