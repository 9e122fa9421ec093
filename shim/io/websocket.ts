import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Address, ListenPoint } from '../core/transport.ts';
import { listenAt } from './listen.ts';
import type { TransportContext } from './network.ts';
import type { TlsContext } from './tls.ts';
import { WebSocketConnection } from './websocket-connection.ts';

/** RFC 7118 4: the WebSocket subprotocol whose messages are SIP. */
const SUBPROTOCOL = 'sip';

/** Longest request for a WebSocket, with what cookies the page sends along, bytes. */
const REQUEST_BYTES = 16_384;

/** WebSocket listeners, plain and over TLS. A proxy opens none itself: "WebSocket clients" are browsers (RFC 7118 5). */
export interface WebSocketTransport {
  listen(point: ListenPoint): Promise<Address>;
  /** Takes no more connections. */
  close(): Promise<unknown>;
}

/** RFC 7118: SIP of browser telephones. `origins`: pages that may connect, in lower case; any where undefined. */
export function webSocketTransport(
  context: TransportContext,
  tls: TlsContext,
  origins: readonly string[] | undefined,
): WebSocketTransport {
  const { limits, counters, connections } = context;
  const servers: Server[] = [];
  const open = new Set<WebSocketConnection>();
  const handshakes = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.message.headerBytes + limits.message.bodyBytes,
    // A message of a few hundred bytes gains nothing by it, and each connection would hold buffers.
    perMessageDeflate: false,
    // What is no UTF-8 is for the SIP layer to judge, as over any other transport.
    skipUTF8Validation: true,
    handleProtocols: () => SUBPROTOCOL,
  });
  const pings = setInterval(() => {
    for (const connection of open) connection.ping();
  }, limits.webSocketPing).unref();

  const adopt = (request: IncomingMessage, socket: Socket, transport: 'ws' | 'wss', head: Buffer): void => {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const flow = {
      transport,
      local: { address: localAddress ?? '', port: localPort ?? 0 },
      remote: { address: remoteAddress, port: remotePort },
      connection: connections.nextId(),
    };
    handshakes.handleUpgrade(request, socket, head, (webSocket) => {
      counters.accepted++;
      const connection: WebSocketConnection = new WebSocketConnection(webSocket, flow, context, () => {
        open.delete(connection);
        connections.remove(connection, undefined);
      });
      open.add(connection);
      connections.add(connection, undefined, remoteAddress);
    });
  };

  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer, transport: 'ws' | 'wss'): void => {
    const socket = stream as Socket;
    socket.on('error', () => socket.destroy());
    const room = connections.admits(socket.remoteAddress ?? '');
    const refused = refusal(request, origins) ?? (room ? undefined : '503 Service Unavailable');
    if (refused === undefined) {
      adopt(request, socket, transport, head);
      return;
    }
    if (!room) counters.refused++;
    else counters.handshakeErrors++;
    socket.once('finish', () => socket.destroy());
    socket.end(`HTTP/1.1 ${refused}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };

  const serve = (transport: 'ws' | 'wss'): Server => {
    const http = {
      maxHeaderSize: REQUEST_BYTES,
      headersTimeout: limits.handshakeTimeout,
      requestTimeout: limits.handshakeTimeout,
    };
    const server =
      transport === 'ws'
        ? createServer(http)
        : createSecureServer({ ...http, ...tls.server(), handshakeTimeout: limits.handshakeTimeout });
    if (transport === 'wss')
      tls.onReload((options) => (server as ReturnType<typeof createSecureServer>).setSecureContext(options));
    // The connections here live on as WebSockets: the limit is theirs together with those of the other transports.
    server.maxConnections = limits.connections;
    server.on('upgrade', (request, stream, head) => upgrade(request, stream, head, transport));
    server.on('request', (_request, response) => {
      // RFC 9110 15.5.22: nothing is served here but WebSockets.
      response.writeHead(426, { Upgrade: 'websocket', Connection: 'Upgrade, close' }).end();
    });
    server.on('clientError', (_error, socket) => {
      counters.handshakeErrors++;
      socket.destroy();
    });
    server.on('tlsClientError', (_error: Error, socket: Socket) => {
      counters.handshakeErrors++;
      socket.destroy();
    });
    return server;
  };

  return {
    async listen(point) {
      const server = serve(point.transport === 'wss' ? 'wss' : 'ws');
      const address = await listenAt(server, point, context.error);
      servers.push(server);
      return address;
    },

    close() {
      clearInterval(pings);
      return Promise.all(
        servers.map((server) => {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()));
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

/** Why that request does not become a WebSocket of SIP; what else is wrong with it, `ws` answers. */
function refusal(request: IncomingMessage, origins: readonly string[] | undefined): string | undefined {
  // RFC 6455 4.2.2: "if the server does not wish to accept this connection, it MUST return an appropriate HTTP error code".
  const origin = request.headers.origin?.toLowerCase();
  if (origins !== undefined && (origin === undefined || !origins.includes(origin))) return '403 Forbidden';
  // RFC 7118 4.1: "the client MUST include the value "sip" in the Sec-WebSocket-Protocol header".
  const asked = String(request.headers['sec-websocket-protocol'] ?? '').split(',');
  return asked.some((one) => one.trim().toLowerCase() === SUBPROTOCOL) ? undefined : '400 Bad Request';
}
