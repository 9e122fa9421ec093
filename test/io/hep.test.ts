import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { AddressSet } from '../../shim/core/address-set.ts';
import type { Observed } from '../../shim/core/mirror/reorder.ts';
import { type HepListener, type HepOptions, listenHep } from '../../shim/io/hep.ts';
import { encodeHep } from '../support/hep.ts';
import { until } from '../support/until.ts';

let listener: HepListener;
let seen: Observed[];
let troubles: string[];
const open = async (options: Partial<HepOptions> = {}, address = '127.0.0.1') => {
  seen = [];
  troubles = [];
  listener = await listenHep({
    listen: { address, port: 0 },
    key: undefined,
    allow: undefined,
    onMessage: (observed) => seen.push(observed),
    onTrouble: (what) => troubles.push(what),
    ...options,
  });
};
afterEach(() => listener.close());

const bytes = (text: string) => Buffer.from(text, 'latin1');
async function datagram(text: string) {
  const { address, port } = listener.address;
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve) => socket.send(bytes(text), port, address, () => resolve()));
  socket.close();
}

describe('Offhook HEP listener', () => {
  it.each(['127.0.0.1', '::1'])('takes packets over UDP and TCP at %s, cut anyhow', async (address) => {
    await open({}, address);
    await datagram(encodeHep({ payload: 'one', at: 5, source: ['192.0.2.9', 5070] }));
    await until('the datagram', () => seen.length === 1);
    expect(seen[0]).toEqual({
      text: 'one',
      transport: 'udp',
      at: 5,
      source: { address: '192.0.2.9', port: 5070 },
      destination: { address: '127.0.0.1', port: 5060 },
    });
    const socket = connect(listener.address.port, address);
    await once(socket, 'connect');
    const stream = encodeHep({ payload: 'two', protocol: 6 }) + encodeHep({ payload: 'three' });
    socket.write(bytes(stream.slice(0, 50)));
    socket.write(bytes(stream.slice(50)));
    await until('the stream', () => seen.length === 3);
    expect(seen.map(({ text, transport }) => `${text} ${transport}`)).toEqual(['one udp', 'two tcp', 'three udp']);
    socket.destroy();
  });

  it('takes only what carries the key: a datagram without is dropped, a connection is closed', async () => {
    await open({ key: 'right-key' });
    for (const key of [undefined, 'wrong-key', 'right-kez'])
      await datagram(encodeHep({ payload: 'no', ...(key ? { key } : {}) }));
    await datagram(encodeHep({ payload: 'yes', key: 'right-key' }));
    await until('all', () => listener.counters.packets === 4);
    expect(seen.map(({ text }) => text)).toEqual(['yes']);
    expect(listener.counters.refusedKey).toBe(3);
    const socket = connect(listener.address.port, listener.address.address);
    socket.write(bytes(encodeHep({ key: 'wrong' }) + encodeHep({ payload: 'behind', key: 'right-key' })));
    socket.resume();
    await once(socket, 'close');
    expect(seen).toHaveLength(1);
  });

  it('takes only from the addresses that are allowed', async () => {
    await open({ allow: AddressSet.of(['192.0.2.0/24']) });
    await datagram(encodeHep({ payload: 'no' }));
    const socket = connect(listener.address.port, listener.address.address).resume();
    socket.on('error', () => {});
    await once(socket, 'close');
    await until('the datagram', () => listener.counters.refusedAddress === 2);
    expect(listener.counters.packets).toBe(0);
  });

  it('counts what it cannot read by its reason, and what is not SIP', async () => {
    await open({ limits: { payload: 10 } });
    await datagram('GET / HTTP/1.1');
    await datagram(encodeHep({ payload: 'x'.repeat(11) }));
    await datagram(encodeHep({ payload: 'rtcp', payloadType: 5 }));
    await until('three', () => listener.counters.packets === 3);
    expect(listener.counters.malformed).toMatchObject({ 'not-hep': 1, 'too-long': 1, length: 0 });
    expect(listener.counters.otherPayload).toBe(1);
    expect(seen).toEqual([]);
    expect(new Set(troubles)).toEqual(new Set(['a HEP packet cannot be read']));
  });

  it('closes a connection that leaves its packet unfinished, or is lost in its stream; refuses more than the limit', async () => {
    await open({ limits: { incomplete: 20, connections: 1 } });
    const { address, port } = listener.address;
    const half = connect(port, address).resume();
    half.write(bytes('HEP3\0'));
    await until('it is held', () => listener.counters.refusedConnections === 0);
    await once(half, 'close');
    const lost = connect(port, address).resume();
    lost.write(bytes('GET / HTTP/1.1\r\n\r\n'));
    await once(lost, 'close');
    expect(listener.counters.malformed['not-hep']).toBe(1);
    const [first, second] = [connect(port, address).resume(), connect(port, address).resume()];
    second.on('error', () => {});
    await Promise.race([once(first, 'close'), once(second, 'close')]);
    expect(listener.counters.refusedConnections).toBe(1);
    first.destroy();
  });
});
