import { afterEach, describe, expect, it } from 'vitest';
import { Fixture, failure, HAS_IPV6, portOf, UDP4, UDP6 } from './network-fixture.ts';

const fixture = new Fixture();
afterEach(() => fixture.close());

describe('RFC 3261 18 UDP transport', () => {
  it.each([['IPv4', UDP4] as const, ...(HAS_IPV6 ? [['IPv6', UDP6] as const] : [])])(
    'carries datagrams over %s byte for byte, and says where they came from and on which socket',
    async (_, point) => {
      const a = await fixture.open([point]);
      const b = await fixture.open([point]);
      const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
      a.network.send(bytes, { transport: 'udp', host: point.address, port: portOf(b) });
      const { text, flow } = await b.messages.next();
      expect(text).toBe(bytes);
      expect(flow).toEqual({
        transport: 'udp',
        local: { address: point.address, port: portOf(b) },
        remote: { address: point.address, port: portOf(a) },
      });
      expect(a.network.counters.sent).toBe(1);
      expect(b.network.counters.received).toBe(1);
    },
  );

  it('carries the largest datagram there is, and reports one that is larger to the sender', async () => {
    const a = await fixture.open([UDP4]);
    const b = await fixture.open([UDP4]);
    const target = { transport: 'udp', host: '127.0.0.1', port: portOf(b) } as const;
    a.network.send('x'.repeat(65_507), target);
    expect((await b.messages.next()).text).toHaveLength(65_507);
    expect(await failure((fail) => a.network.send('x'.repeat(65_508), target, fail))).toBe(
      '65508 bytes do not fit into a datagram',
    );
    expect(a.network.counters.sendFailures).toBe(1);
  });

  it('sends from the socket that the target names, and otherwise from one of the right address family', async () => {
    const six = HAS_IPV6 ? [UDP6] : [];
    const a = await fixture.open([UDP4, UDP4, ...six]);
    const b = await fixture.open([UDP4, ...six]);
    const to = { transport: 'udp', host: '127.0.0.1', port: portOf(b) } as const;
    a.network.send('second', { ...to, local: { address: '127.0.0.1', port: portOf(a, 1) } });
    expect((await b.messages.next()).flow.remote.port).toBe(portOf(a, 1));
    a.network.send('any', { ...to, local: { address: '192.0.2.1', port: 1 } });
    expect((await b.messages.next()).flow.remote.port).toBe(portOf(a, 0));
    if (!HAS_IPV6) return;
    a.network.send('six', { transport: 'udp', host: '::1', port: portOf(b, 1) });
    expect((await b.messages.next()).flow.remote.port).toBe(portOf(a, 2));
  });

  it('reports a target that none of its sockets can reach', async () => {
    const a = await fixture.open([UDP4]);
    const six = await failure((fail) => a.network.send('x', { transport: 'udp', host: '::1', port: 5060 }, fail));
    expect(six).toBe('no UDP socket for ::1');
    for (const port of [0, 65_536, -1, 1.5, Number.NaN]) {
      expect(await failure((fail) => a.network.send('x', { transport: 'udp', host: '127.0.0.1', port }, fail))).toMatch(
        /no such port/,
      );
    }
    // A network that the kernel has no way to: EACCES for a broadcast address without permission.
    expect(await failure((fail) => a.network.send('x', { transport: 'udp', host: '255.255.255.255', port: 5060 }, fail))).toMatch(
      /EACCES/,
    );
  });

  it('takes empty datagrams, CRLFs and zero bytes for keep-alives, and answers nothing', async () => {
    const a = await fixture.open([UDP4]);
    const peer = await fixture.udpPeer();
    for (const keepAlive of ['', '\r\n', '\r\n\r\n', '\0', '\0\0\0\0']) {
      peer.socket.send(keepAlive, portOf(a), '127.0.0.1');
      expect((await a.pings.next()).remote.port).toBe(peer.port);
    }
    expect(a.network.counters.pings).toBe(5);
    expect(a.messages.size).toBe(0);
  });

  it('goes on after a handler has thrown', async () => {
    let first = true;
    const seen: string[] = [];
    const a = await fixture.open([UDP4], {
      onMessage: (text) => {
        if (first) {
          first = false;
          throw new Error('a bug');
        }
        seen.push(text);
        done.resolve();
      },
    });
    const done = Promise.withResolvers<void>();
    const peer = await fixture.udpPeer();
    peer.socket.send('one', portOf(a), '127.0.0.1');
    expect((await a.errors.next()).message).toBe('a bug');
    peer.socket.send('two', portOf(a), '127.0.0.1');
    await done.promise;
    expect(seen).toEqual(['two']);
    expect(a.network.counters.handlerErrors).toBe(1);
  });
});

describe('Offhook network', () => {
  it('rejects with every address that cannot be had and why, and leaves none open', async () => {
    const taken = await fixture.open([UDP4, { ...UDP4, transport: 'tcp' }]);
    const [udp, tcp] = taken.network.addresses;
    if (udp === undefined || tcp === undefined) throw new Error('not open');
    const free = await fixture.open([UDP4]);
    await free.network.close();
    const retry = { ...UDP4, port: portOf(free) };
    await expect(
      fixture.open([retry, udp, tcp, { ...UDP4, address: '192.0.2.77' }, { ...UDP4, address: 'phone' }]),
    ).rejects.toThrow(
      `cannot listen on udp 127.0.0.1 port ${udp.port}: the address is in use by another program; ` +
        `cannot listen on tcp 127.0.0.1 port ${tcp.port}: the address is in use by another program; ` +
        'cannot listen on udp 192.0.2.77 port 0: this machine does not have the address; ' +
        'cannot listen on udp phone port 0: not an IP address: phone',
    );
    const again = await fixture.open([retry]);
    expect(portOf(again)).toBe(retry.port);
  });

  it('reports what is sent after it was closed, and closes twice without harm', async () => {
    const a = await fixture.open([UDP4]);
    await a.network.close();
    await a.network.close();
    expect(await failure((fail) => a.network.send('x', { transport: 'udp', host: '127.0.0.1', port: 5060 }, fail))).toBe(
      'network closed',
    );
  });

  it('never reports a failure within the call of send', async () => {
    const a = await fixture.open([UDP4]);
    let inside = true;
    const reported = failure((fail) => {
      a.network.send('x', { transport: 'udp', host: '127.0.0.1', port: 0 }, (reason) => {
        expect(inside).toBe(false);
        fail(reason);
      });
    });
    inside = false;
    await reported;
  });
});
