import { createServer, type Server, Socket } from 'node:net';
import type { Address, ListenPoint, Target } from '../core/transport.ts';
import type { OnFailure, TransportContext } from './network.ts';
import type { Resolved } from './resolve.ts';
import { TcpConnection } from './tcp-connection.ts';

/** All TCP listeners and connections. */
export interface TcpTransport {
  readonly connections: number;
  listen(point: ListenPoint): Promise<Address>;
  /** Writes to an open connection; false where it is no longer there. */
  sendOn(connection: number, text: string, onFailure: OnFailure | undefined): boolean;
  /** Writes to a connection with that remote end, made now if there is none. */
  send(text: string, target: Target, to: Resolved, onFailure: OnFailure | undefined): void;
  close(): Promise<void>;
}

/** How long `close` waits for written bytes to go out, ms. */
const CLOSE_TIMEOUT = 500;

/**
 * RFC 3261 18: a connection, whoever opened it, is used for everything that goes to its remote end ("it is RECOMMENDED that
 * connections be kept open for some implementation-defined duration after the last message was sent or received").
 */
export function listenTcp(context: TransportContext): TcpTransport {
  const { limits, counters } = context;
  const servers: Server[] = [];
  const byId = new Map<number, TcpConnection>();
  const byRemote = new Map<string, TcpConnection>();
  let lastId = 0;
  let closed = false;

  const adopt = (socket: Socket, remote: Address, accepted: boolean): TcpConnection => {
    const connection: TcpConnection = new TcpConnection(++lastId, socket, remote, accepted, context, () => {
      byId.delete(connection.id);
      if (byRemote.get(endOf(remote)) === connection) byRemote.delete(endOf(remote));
    });
    byId.set(connection.id, connection);
    byRemote.set(endOf(remote), connection);
    return connection;
  };

  const accept = (socket: Socket) => {
    const { remoteAddress, remotePort } = socket;
    if (closed || remoteAddress === undefined || remotePort === undefined || byId.size >= limits.connections) {
      if (byId.size >= limits.connections) counters.refused++;
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    counters.accepted++;
    adopt(socket, { address: remoteAddress, port: remotePort }, true);
  };

  return {
    get connections() {
      return byId.size;
    },

    listen: (point) =>
      new Promise((resolve, reject) => {
        const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, accept);
        server.once('error', reject);
        server.listen({ host: point.address, port: point.port, ipv6Only: point.address.includes(':') }, () => {
          server.removeListener('error', reject);
          // Out of file descriptors, for one: the listener stays, and so does the process.
          server.on('error', context.error);
          servers.push(server);
          const bound = server.address();
          if (bound === null || typeof bound === 'string') reject(new Error('no TCP address'));
          else resolve({ address: bound.address, port: bound.port });
        });
      }),

    sendOn(id, text, onFailure) {
      const connection = byId.get(id);
      if (connection === undefined || !connection.usable) return false;
      connection.send(text, onFailure);
      return true;
    },

    send(text, target, to, onFailure) {
      const remote = { address: to.address, port: target.port };
      let connection = byRemote.get(endOf(remote));
      if (connection === undefined || !connection.usable) {
        if (byId.size >= limits.connections) {
          counters.refused++;
          return context.fail(onFailure, 'too many TCP connections');
        }
        const socket = new Socket();
        connection = adopt(socket, remote, false);
        socket.setNoDelay(true);
        socket.setKeepAlive(true, 60_000);
        socket.connect({ host: remote.address, port: remote.port, family: to.family });
      }
      connection.send(text, onFailure);
    },

    async close() {
      closed = true;
      const stopped = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      const ended = [...byId.values()].map((connection) => connection.close(CLOSE_TIMEOUT));
      await Promise.all([...stopped, ...ended]);
    },
  };
}

function endOf(address: Address): string {
  return `${address.address} ${address.port}`;
}
