import { Socket as Datagrams } from 'node:dgram';
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

/** Keeps what this process sends within a few ports of 127.0.0.1. */
export interface Fence {
  /** Ports that may be sent to. */
  readonly ports: Set<number>;
  /** Datagrams, connections and look-ups that were held back. */
  readonly held: { datagrams: number; connections: number; names: number };
  remove(): void;
}

/**
 * Damaged messages name any address there is, and a proxy sends where messages tell it to. To what is beyond the fence the network
 * of this process answers as that of a machine without a network would: ENETUNREACH, and ENOTFOUND for every name.
 */
export function fence(): Fence {
  const ports = new Set<number>();
  const held = { datagrams: 0, connections: 0, names: 0 };
  const inside = (host: unknown, port: unknown) => host === '127.0.0.1' && ports.has(Number(port));
  const unreachable = () => Object.assign(new Error('ENETUNREACH: beyond the fence'), { code: 'ENETUNREACH' });

  const { send } = Datagrams.prototype;
  const { connect } = Socket.prototype;
  const { lookup } = dns;
  Datagrams.prototype.send = function (this: Datagrams, ...args: unknown[]) {
    const [, port, host] = args;
    if (inside(host, port)) return Reflect.apply(send, this, args);
    held.datagrams += 1;
    const done = args.at(-1);
    if (typeof done === 'function') setImmediate(() => done(unreachable()));
  };
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    // `net.connect` hands over a list of its own with the options in front.
    const [options] = (Array.isArray(args[0]) ? args[0] : args) as { host?: unknown; port?: unknown }[];
    if (inside(options?.host, options?.port)) return Reflect.apply(connect, this, args) as Socket;
    held.connections += 1;
    setImmediate(() => this.destroy(unreachable()));
    return this;
  };
  dns.lookup = (() => {
    held.names += 1;
    return Promise.reject(Object.assign(new Error('ENOTFOUND: beyond the fence'), { code: 'ENOTFOUND' }));
  }) as unknown as typeof lookup;
  syncBuiltinESMExports();

  return {
    ports,
    held,
    remove() {
      Datagrams.prototype.send = send;
      Socket.prototype.connect = connect;
      dns.lookup = lookup;
      syncBuiltinESMExports();
    },
  };
}
