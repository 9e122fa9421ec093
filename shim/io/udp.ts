import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIP } from 'node:net';
import { type Address, type Flow, type ListenPoint, MAX_DATAGRAM } from '../core/transport.ts';
import type { OnFailure, TransportContext } from './network.ts';
import { isStun, stunAnswer } from './stun.ts';

/** One UDP socket. */
export interface UdpSocket {
  readonly local: Address;
  readonly family: 4 | 6;
  send(text: string, address: string, port: number, onFailure: OnFailure | undefined): void;
  close(): Promise<void>;
}

/** Binds a socket (RFC 3261 18.2.1: "A server SHOULD be prepared to receive requests on any IP address, port and transport"). */
export async function listenUdp(point: ListenPoint, context: TransportContext, reusePort: boolean): Promise<UdpSocket> {
  const { counters, limits } = context;
  const family = isIP(point.address);
  if (family === 0) throw new Error(`not an IP address: ${point.address}`);
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    reusePort,
    // What comes here is an IP literal (names are resolved in resolve.ts): no look-up, and no wait for the next tick in each send.
    lookup: (address, _options, callback) => callback(null, address, family),
  });

  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(point.port, point.address, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
  socket.on('error', context.error);
  try {
    socket.setRecvBufferSize(limits.receiveBuffer);
    socket.setSendBufferSize(limits.receiveBuffer);
  } catch (error) {
    // Some systems refuse a size above their own limit instead of cutting it; the default works.
    context.error(error as Error);
  }

  const bound = socket.address();
  const local: Address = { address: bound.address, port: bound.port };
  socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
    // No answer can reach port 0.
    if (from.port === 0) {
      counters.ignored++;
      return;
    }
    const flow = { transport: 'udp', local, remote: { address: from.address, port: from.port } } as const;
    if (datagram.length <= 4 && isKeepAlive(datagram)) context.ping(flow);
    else if (isStun(datagram)) answerStun(datagram, from, flow);
    else context.message(datagram.toString('latin1'), flow);
  });

  /** RFC 5626 4.4.2: keep-alive by STUN, on the port that takes SIP. */
  const answerStun = (datagram: Buffer, from: RemoteInfo, flow: Flow) => {
    context.ping(flow);
    const answer = stunAnswer(datagram, from);
    if (answer === undefined || closed || socket.getSendQueueSize() + answer.length > limits.datagramOutput) return;
    socket.send(answer, from.port, from.address, () => {});
  };

  let closed = false;
  return {
    local,
    family: family as 4 | 6,
    send(text, address, port, onFailure) {
      if (closed) return context.fail(onFailure, 'socket closed');
      if (text.length > MAX_DATAGRAM) return context.fail(onFailure, `${text.length} bytes do not fit into a datagram`);
      const datagram = Buffer.from(text, 'latin1');
      // A loss that the transaction's retransmission repairs, not an error that would end it.
      if (socket.getSendQueueSize() + datagram.length > limits.datagramOutput) {
        counters.dropped++;
        return;
      }
      counters.sent++;
      socket.send(datagram, port, address, (error) => {
        if (error !== null && error !== undefined) context.fail(onFailure, `${address} port ${port}: ${error.message}`, true);
      });
    },
    close: () =>
      new Promise((resolve) => {
        if (closed) return resolve();
        closed = true;
        socket.close(() => resolve());
      }),
  };
}

/** What phones send to keep a NAT binding: nothing, CRLFs or zero bytes. */
function isKeepAlive(datagram: Buffer): boolean {
  for (const byte of datagram) if (byte !== 0x0d && byte !== 0x0a && byte !== 0) return false;
  return true;
}
