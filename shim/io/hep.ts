import { createHash, timingSafeEqual } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import type { AddressSet } from '../core/address-set.ts';
import { HepFramer } from '../core/hep/frame.ts';
import { decodeHep, HEP_FAULTS, type HepFault, PROTOCOL_SIP } from '../core/hep/packet.ts';
import type { Observed } from '../core/mirror/reorder.ts';
import type { Address } from '../core/transport.ts';

/** Sizes in bytes, times in ms. */
export interface HepLimits {
  /** Payload of a packet: a SIP message. */
  readonly payload: number;
  /** Connections of senders open at once. */
  readonly connections: number;
  /** A connection on which nothing comes for so long is closed. */
  readonly idle: number;
  /** A packet that was begun must be whole within this time. */
  readonly incomplete: number;
  /** Asked of the kernel for the UDP socket, so that a burst waits there while the loop is busy. */
  readonly receiveBuffer: number;
}

export const DEFAULT_HEP_LIMITS: HepLimits = {
  payload: 81_920,
  connections: 64,
  idle: 3_600_000,
  incomplete: 30_000,
  receiveBuffer: 4_194_304,
};

/** Totals since start. */
export interface HepCounters {
  /** Packets, and of them those that carried SIP and were taken. */
  packets: number;
  taken: number;
  /** From an address that is not on the list; with a wrong key, or without one where one is asked for. */
  refusedAddress: number;
  refusedKey: number;
  /** Of something else than SIP: RTCP, logs, statistics. */
  otherPayload: number;
  /** Connections refused at the limit. */
  refusedConnections: number;
  /** Packets that could not be read, by the reason. */
  readonly malformed: { [fault in HepFault]: number };
}

export interface HepOptions {
  readonly listen: Address;
  /** The shared secret that each packet must carry; undefined for none. */
  readonly key: string | undefined;
  /** Senders; undefined for any. */
  readonly allow: AddressSet | undefined;
  readonly onMessage: (observed: Observed) => void;
  /** Something for the log. The listener goes on. */
  readonly onTrouble: (what: string, detail: string) => void;
  readonly limits?: Partial<HepLimits>;
}

/** A listener that runs. */
export interface HepListener {
  readonly address: Address;
  readonly counters: HepCounters;
  close(): Promise<void>;
}

/** IP protocol number of TCP. */
const IP_TCP = 6;

/** Ports that the system gives for UDP are tried so many times, as another program may hold the same one for TCP. */
const PORTS_TRIED = 20;

/** A UDP and a TCP socket at one port; rejects where a port is named and taken, or where no free one is found. */
async function bindBoth(listen: Address): Promise<{ udp: UdpSocket; tcp: Server }> {
  for (let tried = 1; ; tried += 1) {
    const udp = await bindUdp(listen);
    const tcp = createServer({ noDelay: true });
    try {
      await new Promise<void>((resolve, reject) => {
        tcp.once('error', reject);
        const ipv6Only = isIP(listen.address) === 6;
        tcp.listen({ host: listen.address, port: udp.address().port, ipv6Only }, resolve);
      });
      return { udp, tcp };
    } catch (error) {
      udp.close();
      if (listen.port !== 0 || tried === PORTS_TRIED || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

/** Takes HEP version 3 over UDP and TCP, both at one port (0 takes one that the system gives for UDP). Rejects where it cannot listen. */
export async function listenHep(options: HepOptions): Promise<HepListener> {
  const limits = { ...DEFAULT_HEP_LIMITS, ...options.limits };
  const counters: HepCounters = {
    packets: 0,
    taken: 0,
    refusedAddress: 0,
    refusedKey: 0,
    otherPayload: 0,
    refusedConnections: 0,
    malformed: Object.fromEntries(HEP_FAULTS.map((fault) => [fault, 0])) as HepCounters['malformed'],
  };
  const secret = options.key === undefined ? undefined : digest(options.key);
  const allowed = (address: string) => options.allow?.has(address) ?? true;

  /** One packet; false where its sender is not trusted. */
  const take = (text: string, from: string): boolean => {
    counters.packets += 1;
    const result = decodeHep(text, limits.payload);
    if (!result.ok) {
      counters.malformed[result.fault] += 1;
      options.onTrouble('a HEP packet cannot be read', `${result.fault}, from ${from}`);
      return true;
    }
    const { packet } = result;
    if (secret !== undefined && !timingSafeEqual(secret, digest(packet.authKey ?? ''))) {
      counters.refusedKey += 1;
      options.onTrouble('a HEP packet has not the right key', `from ${from}`);
      return false;
    }
    if (packet.payloadType !== PROTOCOL_SIP) {
      counters.otherPayload += 1;
      return true;
    }
    counters.taken += 1;
    const { source, destination, at, payload } = packet;
    options.onMessage({ text: payload, transport: packet.protocol === IP_TCP ? 'tcp' : 'udp', source, destination, at });
    return true;
  };
  const refuse = (from: string) => {
    counters.refusedAddress += 1;
    options.onTrouble('HEP from an address that is not allowed', from);
  };

  const { udp, tcp } = await bindBoth(options.listen);
  udp.on('error', (error) => options.onTrouble('HEP socket', error.message));
  udp.setRecvBufferSize(limits.receiveBuffer);
  udp.on('message', (datagram, from) => {
    if (allowed(from.address)) take(datagram.toString('latin1'), from.address);
    else refuse(from.address);
  });
  const { port } = udp.address();

  const open = new Set<Socket>();
  tcp.on('connection', (socket) => {
    const from = socket.remoteAddress ?? '';
    socket.on('error', () => socket.destroy());
    if (!allowed(from)) {
      refuse(from);
      socket.destroy();
      return;
    }
    if (open.size >= limits.connections) {
      counters.refusedConnections += 1;
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(
      socket,
      limits,
      (text) => take(text, from),
      () => {
        counters.malformed['not-hep'] += 1;
        options.onTrouble('a HEP connection cannot be read any further', `from ${from}`);
      },
    );
  });
  tcp.on('error', (error) => options.onTrouble('HEP socket', error.message));
  return {
    address: { address: options.listen.address, port },
    counters,
    close: async () => {
      for (const socket of open) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

/** Reads one connection until it ends, is idle, leaves a packet unfinished, or has a packet that is not trusted. */
function serve(socket: Socket, limits: HepLimits, take: (text: string) => boolean, lost: () => void): void {
  const framer = new HepFramer();
  let deadline: NodeJS.Timeout | undefined;
  socket.setTimeout(limits.idle, () => socket.destroy());
  socket.once('close', () => clearTimeout(deadline));
  // The other side has ended: so do we, as nothing is ever sent.
  socket.once('end', () => socket.destroy());
  socket.on('data', (chunk) => {
    for (const frame of framer.push(chunk.toString('latin1'))) {
      if (frame.type === 'error') lost();
      if (frame.type === 'packet' && take(frame.text)) continue;
      socket.destroy();
      return;
    }
    clearTimeout(deadline);
    deadline = framer.held > 0 ? setTimeout(() => socket.destroy(), limits.incomplete) : undefined;
  });
}

function bindUdp({ address, port }: Address) {
  const family = isIP(address);
  const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 });
  return new Promise<typeof socket>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/** Of the same length whatever the key, so that it can be compared in a time that tells nothing. */
const digest = (key: string): Buffer => createHash('sha256').update(key, 'latin1').digest();
