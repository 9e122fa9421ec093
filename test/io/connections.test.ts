import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Connections } from '../../shim/io/connections.ts';
import { createNetwork, type Network } from '../../shim/io/network.ts';
import { until } from '../support/until.ts';

const connection = (id: number) => ({ id, usable: true, send: () => {}, close: async () => {} });

describe('Offhook connections of one source', () => {
  it('are counted by IPv4 address and IPv6 /64, those of others apart, and given back at their end', () => {
    const seen: [string, number][] = [];
    const connections = new Connections(10, (address, open) => seen.push([address, open]) > 0 && open < 2);
    const open = (address: string) => connections.add(connection(connections.nextId()), undefined, address);
    open('2001:db8::1');
    expect(connections.admits('2001:db8::2')).toBe(true);
    open('2001:db8::2');
    open('192.0.2.1');
    connections.add(connection(connections.nextId()), 'tcp 2001:db8::3');
    expect([connections.admits('2001:db8::3'), connections.admits('192.0.2.1'), connections.admits('192.0.2.2')]).toEqual([
      false,
      true,
      true,
    ]);
    connections.remove(connection(1), undefined);
    expect(connections.admits('2001:db8::3')).toBe(true);
    expect(seen.map(([, count]) => count)).toEqual([1, 2, 1, 0, 1]);
  });

  it('are all refused beyond the limit of all', () => {
    const connections = new Connections(1);
    expect(connections.admits('192.0.2.1')).toBe(true);
    connections.add(connection(1), undefined, '192.0.2.1');
    expect(connections.admits('192.0.2.2')).toBe(false);
  });
});

describe('Offhook connections over real sockets', () => {
  let network: Network;
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await network.close();
  });

  it('a third of one address is closed at once, one of another is taken', async () => {
    network = await createNetwork({
      listen: [{ transport: 'tcp', address: '127.0.0.1', port: 0 }],
      onMessage: () => {},
      onError: () => {},
      welcome: (_, open) => open < 2,
    });
    const port = network.addresses[0]?.port as number;
    const open = (localAddress: string) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress });
      socket.on('error', () => {});
      sockets.push(socket);
      return socket;
    };
    open('127.0.0.2');
    open('127.0.0.2');
    await until('two', () => network.connections === 2);
    const third = open('127.0.0.2');
    await until('the third closed', () => third.closed || third.readableEnded);
    open('127.0.0.3');
    await until('three', () => network.connections === 3);
    expect(network.counters.refused).toBe(1);
  });
});
