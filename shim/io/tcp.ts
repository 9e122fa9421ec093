import { createServer, type Server, Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Address, ListenPoint, Target } from '../core/transport.ts';
import { listenAt } from './listen.ts';
import type { Server as Remote } from './locate.ts';
import type { OnFailure, TransportContext } from './network.ts';
import { StreamConnection } from './tcp-connection.ts';
import type { TlsContext } from './tls.ts';

/** TCP and TLS: listeners, and connections in both directions. */
export interface StreamTransport {
  listen(point: ListenPoint): Promise<Address>;
  /** Writes to a connection with that remote end, made now if there is none. */
  send(text: string, target: Target, to: Remote, onFailure: OnFailure | undefined): void;
  /** Takes no more connections. */
  close(): Promise<unknown>;
}

/**
 * RFC 3261 18: a connection, whoever opened it, is used for everything that goes to its remote end ("it is RECOMMENDED that
 * connections be kept open for some implementation-defined duration after the last message was sent or received").
 */
export function streamTransport(context: TransportContext, tls: TlsContext): StreamTransport {
  const { limits, counters, connections } = context;
  const servers: Server[] = [];
  let closed = false;

  const adopt = (
    socket: Socket,
    transport: 'tcp' | 'tls',
    remote: Address,
    name: string,
    accepted: boolean,
  ): StreamConnection => {
    const end = endOf(transport, name, remote);
    const connection: StreamConnection = new StreamConnection(
      { id: connections.nextId(), transport, socket, remote, accepted },
      context,
      () => connections.remove(connection, end),
    );
    connections.add(connection, end, accepted ? remote.address : undefined);
    return connection;
  };

  const accept = (socket: Socket, transport: 'tcp' | 'tls') => {
    const { remoteAddress, remotePort } = socket;
    if (closed || remoteAddress === undefined || remotePort === undefined || !connections.admits(remoteAddress)) {
      if (!closed) counters.refused++;
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    counters.accepted++;
    // Who opened a TLS connection has proved no name: it is found by its address alone.
    adopt(socket, transport, { address: remoteAddress, port: remotePort }, remoteAddress, true);
  };

  const secure = (): Server => {
    const options = { ...tls.server(), noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };
    const server = createTlsServer({ ...options, handshakeTimeout: limits.handshakeTimeout });
    server.on('secureConnection', (socket) => accept(socket, 'tls'));
    server.on('tlsClientError', (_error, socket) => {
      counters.handshakeErrors++;
      socket.destroy();
    });
    // Handshakes under way count too: they cost more than anything that follows.
    server.maxConnections = limits.connections;
    tls.onReload((options) => server.setSecureContext(options));
    return server;
  };

  const open = (target: Target, to: Remote): Socket => {
    const { host } = target;
    const remote = { host: to.address, port: to.port, family: to.family };
    if (target.transport === 'tls') {
      // Nothing may be written before the other side has shown who it is.
      const socket: TLSSocket = connectTls({ ...remote, ...tls.client(host) });
      socket.cork();
      socket.once('secureConnect', () => socket.uncork());
      return socket;
    }
    return new Socket().connect(remote);
  };

  return {
    async listen(point) {
      const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };
      const server = point.transport === 'tls' ? secure() : createServer(options, (socket) => accept(socket, 'tcp'));
      const address = await listenAt(server, point, context.error);
      servers.push(server);
      return address;
    },

    send(text, target, to, onFailure) {
      const transport = target.transport === 'tls' ? 'tls' : 'tcp';
      const remote = { address: to.address, port: to.port };
      let connection = connections.toward(endOf(transport, target.host, remote));
      if (connection === undefined) {
        if (connections.full) {
          counters.refused++;
          return context.fail(onFailure, 'too many connections');
        }
        const socket = open(target, to);
        connection = adopt(socket, transport, remote, target.host, false);
        socket.setNoDelay(true);
        socket.setKeepAlive(true, 60_000);
      }
      connection.send(text, onFailure);
    },

    close() {
      closed = true;
      return Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}

/** RFC 5923 4: a TLS connection is good for the name that its certificate was checked against, and for no other at the same address. */
function endOf(transport: 'tcp' | 'tls', name: string, { address, port }: Address): string {
  return `${transport} ${address} ${port} ${transport === 'tls' ? name.toLowerCase() : ''}`;
}
