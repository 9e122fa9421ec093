import { isIP } from 'node:net';
import type { MessageLimits } from '../core/sip/index.ts';
import { DEFAULT_MESSAGE_LIMITS } from '../core/sip/index.ts';
import type { Flow, ListenPoint, Target } from '../core/transport.ts';
import { Connections, type Welcome } from './connections.ts';
import { createLocator, type Location, type Locator, type Server } from './locate.ts';
import { createResolver, type Resolver } from './resolve.ts';
import { streamTransport } from './tcp.ts';
import { type TlsMaterial, tlsContext } from './tls.ts';
import { listenUdp, type UdpSocket } from './udp.ts';
import { webSocketTransport } from './websocket.ts';

/** Sizes in bytes, times in ms. */
export interface NetworkLimits {
  readonly message: MessageLimits;
  /** Connections open at once, of all transports and in both directions; more are refused. */
  readonly connections: number;
  /** Output waiting on one connection; beyond it the reader is too slow and the connection is closed. */
  readonly connectionOutput: number;
  readonly connectTimeout: number;
  /** A TLS handshake, or the request for a WebSocket, must be whole within this time. */
  readonly handshakeTimeout: number;
  /** A WebSocket is sent a ping at this interval, and closed where nothing came since the one before. */
  readonly webSocketPing: number;
  /** A TCP or TLS connection on which nothing moves for this long is closed. Longer than the usual registration, which a phone may refresh
   * over the connection that calls reach it by. */
  readonly idle: number;
  /** A connection that was accepted must bring its first message, and any message begun must be whole, within this time. */
  readonly incomplete: number;
  /** Output waiting on one UDP socket; beyond it datagrams are dropped, as the network would. */
  readonly datagramOutput: number;
  /** Asked of the kernel for each UDP socket, so that a burst of calls waits there while the loop is busy. */
  readonly receiveBuffer: number;
  /** Messages waiting for a name to be resolved. */
  readonly resolving: number;
}

export const DEFAULT_NETWORK_LIMITS: NetworkLimits = {
  message: DEFAULT_MESSAGE_LIMITS,
  connections: 4_096,
  connectionOutput: 1_048_576,
  connectTimeout: 5_000,
  handshakeTimeout: 10_000,
  webSocketPing: 30_000,
  idle: 3_900_000,
  incomplete: 30_000,
  datagramOutput: 4_194_304,
  receiveBuffer: 4_194_304,
  resolving: 1_000,
};

/** Totals since start, for metrics. */
export interface NetworkCounters {
  received: number;
  sent: number;
  /** Datagrams too short or from port 0. */
  ignored: number;
  /** Datagrams not sent because the socket's queue was full. */
  dropped: number;
  pings: number;
  accepted: number;
  connected: number;
  /** Connections refused, or not made, at the limit. */
  refused: number;
  closedIdle: number;
  closedSlow: number;
  closedIncomplete: number;
  framingErrors: number;
  /** TLS handshakes and requests for a WebSocket that came to nothing. */
  handshakeErrors: number;
  sendFailures: number;
  handlerErrors: number;
}

export function networkCounters(): NetworkCounters {
  return {
    received: 0,
    sent: 0,
    ignored: 0,
    dropped: 0,
    pings: 0,
    accepted: 0,
    connected: 0,
    refused: 0,
    closedIdle: 0,
    closedSlow: 0,
    closedIncomplete: 0,
    framingErrors: 0,
    handshakeErrors: 0,
    sendFailures: 0,
    handlerErrors: 0,
  };
}

const NO_TLS: TlsMaterial = { certificates: [], verify: true };

/** How long `close` waits for written bytes to go out, ms. */
const CLOSE_TIMEOUT = 500;

/**
 * Why a message could not be sent, in words for the log. Called once, and never within `send`. `unreached`: the other side cannot have got
 * it, as there was no connection.
 */
export type OnFailure = (reason: string, unreached?: boolean) => void;

export interface NetworkOptions {
  readonly listen: readonly ListenPoint[];
  /** Each datagram, and each message of a stream: a byte string, not looked into. */
  readonly onMessage: (text: string, flow: Flow) => void;
  /** Whether a connection of others is taken; all are, up to the limit, where it is not given. */
  readonly welcome?: Welcome;
  /** A keep-alive came (RFC 5626); on a connection it has been answered. */
  readonly onPing?: (flow: Flow) => void;
  /** Something to log: a socket's error, or a bug in a handler. The network goes on. */
  readonly onError: (error: Error, from: 'socket' | 'handler') => void;
  readonly limits?: Partial<NetworkLimits>;
  readonly counters?: NetworkCounters;
  readonly resolver?: Resolver;
  readonly locator?: Locator;
  /** Certificates, and whom to trust. */
  readonly tls?: TlsMaterial;
  /** Origins of the pages that may open a WebSocket (RFC 6455 10.2); any where undefined. */
  readonly origins?: readonly string[] | undefined;
  /** Several processes on one UDP port. */
  readonly reusePort?: boolean;
}

/** What the transports share. */
export interface TransportContext {
  readonly limits: NetworkLimits;
  readonly counters: NetworkCounters;
  readonly connections: Connections;
  /** Hands a message to its user; an exception there is reported and ends nothing. */
  readonly message: (text: string, flow: Flow) => void;
  readonly ping: (flow: Flow) => void;
  readonly error: (error: Error) => void;
  readonly fail: (onFailure: OnFailure | undefined, reason: string, unreached?: boolean) => void;
}

export interface Network {
  /** Where it listens, with the ports it was given, in the order of `listen`. */
  readonly addresses: readonly ListenPoint[];
  readonly counters: NetworkCounters;
  /** Connections open. */
  readonly connections: number;
  /** Certificates and trust from now on; connections that are open go on. Throws, and changes nothing, where they cannot be used. */
  reload(tls: TlsMaterial): void;
  /** Sends a byte string. What is sent to one target arrives in that order where the transport keeps order. */
  send(text: string, target: Target, onFailure?: OnFailure): void;
  /** Closes every socket, after what is written has gone out (for half a second at most). */
  close(): Promise<void>;
}

/** Opens the sockets (RFC 3261 18). Rejects with every address that cannot be listened on, and why; then none stays open. */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  const limits = { ...DEFAULT_NETWORK_LIMITS, ...options.limits };
  const counters = options.counters ?? networkCounters();
  const locator = options.locator ?? createLocator(options.resolver ?? createResolver());
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      counters.handlerErrors++;
      options.onError(error as Error, 'handler');
    }
  };
  const connections = new Connections(limits.connections, options.welcome);
  const context: TransportContext = {
    limits,
    counters,
    connections,
    message: (text, flow) => {
      counters.received++;
      guarded(() => options.onMessage(text, flow));
    },
    ping: (flow) => {
      counters.pings++;
      guarded(() => options.onPing?.(flow));
    },
    error: (error) => options.onError(error, 'socket'),
    fail: (onFailure, reason, unreached) => {
      counters.sendFailures++;
      if (onFailure !== undefined) setImmediate(() => guarded(() => onFailure(reason, unreached)));
    },
  };

  const tls = tlsContext(options.tls ?? NO_TLS);
  const streams = streamTransport(context, tls);
  const webSockets = webSocketTransport(context, tls, options.origins);
  const udp: UdpSocket[] = [];
  const opened = await Promise.allSettled(
    options.listen.map(async (point): Promise<ListenPoint> => {
      const { transport } = point;
      if (transport === 'tcp' || transport === 'tls') return { transport, ...(await streams.listen(point)) };
      if (transport === 'ws' || transport === 'wss') return { transport, ...(await webSockets.listen(point)) };
      const socket = await listenUdp(point, context, options.reusePort ?? false);
      udp.push(socket);
      return { transport: 'udp', ...socket.local };
    }),
  );
  const closeAll = async () => {
    const stopped = [streams.close(), webSockets.close(), ...udp.map((socket) => socket.close())];
    await Promise.all([connections.closeAll(CLOSE_TIMEOUT), ...stopped]);
  };
  const problems = opened.flatMap((result, i) =>
    result.status === 'rejected' ? [problem(options.listen[i], result.reason)] : [],
  );
  if (problems.length > 0) {
    await closeAll();
    throw new Error(problems.join('; '));
  }

  let resolving = 0;
  let closed = false;

  /** RFC 3263 4.3: what cannot be reached at one server goes to the next. */
  const dispatch = (text: string, target: Target, to: Location, onFailure: OnFailure | undefined) => {
    if (closed) return context.fail(onFailure, 'network closed');
    if (!to.ok) return context.fail(onFailure, to.reason);
    const servers = target.transport === 'udp' ? inReach(udp, target, to.servers) : to.servers;
    const attempt = (at: number): void => {
      const server = servers[at];
      if (server === undefined) {
        context.fail(onFailure, `no UDP socket for ${target.host}`);
        return;
      }
      const onward: OnFailure = (reason, unreached) => {
        if (unreached) locator.avoid(target, server);
        if (unreached && !closed && at + 1 < servers.length) attempt(at + 1);
        else onFailure?.(reason);
      };
      if (target.transport === 'udp') udpRoute(udp, target, server)?.send(text, server.address, server.port, onward);
      else streams.send(text, target, server, onward);
    };
    attempt(0);
  };

  return {
    addresses: opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    counters,
    get connections() {
      return connections.size;
    },
    reload: (material) => tls.reload(material),
    send(text, target, onFailure) {
      if (closed) return context.fail(onFailure, 'network closed');
      if (!(Number.isInteger(target.port) && target.port > 0 && target.port < 65_536)) {
        return context.fail(onFailure, `no such port: ${target.port}`);
      }
      const open = target.connection === undefined ? undefined : connections.get(target.connection);
      if (open !== undefined) return open.send(text, onFailure);
      // RFC 7118 5: only the browser can open a WebSocket.
      if (target.transport === 'ws' || target.transport === 'wss') return context.fail(onFailure, 'the WebSocket is closed');
      // RFC 5626 5.3: what goes by a flow goes by no other.
      if (target.behindNat && target.connection !== undefined) return context.fail(onFailure, 'the connection is closed');
      // Which of the servers of a name it is has been chosen: whoever did so also tries the next.
      if (target.address !== undefined) return dispatch(text, target, chosen(target.address, target.port), onFailure);
      const socket = socketFor(udp, target);
      if (socket !== undefined) return socket.send(text, target.host, target.port, onFailure);
      const found = locator.locate(target);
      if (!(found instanceof Promise)) return dispatch(text, target, found, onFailure);
      if (resolving >= limits.resolving) return context.fail(onFailure, 'too many messages wait for names');
      resolving++;
      found.then((resolution) => {
        resolving--;
        // Nobody stands behind a promise who would catch what is wrong with what the DNS said: it would end the process.
        guarded(() => dispatch(text, target, resolution, onFailure));
      });
    },
    async close() {
      closed = true;
      await closeAll();
    },
  };
}

const chosen = (address: string, port: number): Location => ({
  ok: true,
  servers: [{ address, family: isIP(address) === 6 ? 6 : 4, port }],
});

/** What goes from a socket that is named to an address that needs no look-up: nearly all that goes by UDP. */
function socketFor(sockets: readonly UdpSocket[], { transport, host, local }: Target): UdpSocket | undefined {
  if (transport !== 'udp' || local === undefined) return undefined;
  for (const socket of sockets) {
    const isNamed = socket.local.port === local.port && socket.local.address === local.address;
    if (isNamed && isIP(host) === socket.family) return socket;
  }
  return undefined;
}

/** The servers that there is a socket for, those of the address family that the Via names first. */
function inReach(sockets: readonly UdpSocket[], target: Target, servers: readonly Server[]): readonly Server[] {
  if (servers.length === 1 && servers[0]?.address === target.host) return udpRoute(sockets, target, servers[0]) ? servers : [];
  const family = target.local === undefined ? undefined : isIP(target.local.address);
  const reach = servers.filter((server) => udpRoute(sockets, target, server) !== undefined);
  return [...reach.filter((server) => server.family === family), ...reach.filter((server) => server.family !== family)];
}

/** The socket that the target asks for, else the first one, of the address family of that server. */
function udpRoute(sockets: readonly UdpSocket[], { local }: Target, to: Server): UdpSocket | undefined {
  const fit = sockets.filter((socket) => socket.family === to.family);
  return fit.find((socket) => socket.local.port === local?.port && socket.local.address === local.address) ?? fit[0];
}

function problem(point: ListenPoint | undefined, reason: unknown): string {
  const code = (reason as NodeJS.ErrnoException).code;
  const why: Record<string, string> = {
    EADDRINUSE: 'the address is in use by another program',
    EADDRNOTAVAIL: 'this machine does not have the address',
    EACCES: 'no permission for this port',
  };
  const where = point === undefined ? '' : `${point.transport} ${point.address} port ${point.port}`;
  return `cannot listen on ${where}: ${(code && why[code]) ?? String((reason as Error).message)}`;
}
