import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_MESSAGE_LIMITS, scan } from '../../shim/core/sip/index.ts';
import { text as sip } from '../transaction/messages.ts';
import { Fixture, failure, HAS_IPV6, Inbox, portOf, TCP4, TCP6, until } from './network-fixture.ts';

const fixture = new Fixture();
afterEach(() => fixture.close());

const message = (n: number) => sip('OPTIONS', { branch: `z9hG4bK${n}`, transport: 'TCP' });

describe('RFC 3261 18 TCP transport', () => {
  it.each([['IPv4', TCP4] as const, ...(HAS_IPV6 ? [['IPv6', TCP6] as const] : [])])(
    'connects over %s, and both sides go on using the connection',
    async (_, point) => {
      const a = await fixture.open([point]);
      const b = await fixture.open([point]);
      a.network.send(message(1), { transport: 'tcp', host: point.address, port: portOf(b) });
      const first = await b.messages.next();
      expect(first.text).toBe(message(1));
      expect(first.flow.local).toEqual({ address: point.address, port: portOf(b) });
      const { connection, remote } = first.flow;
      if (connection === undefined) throw new Error('no connection');
      // By its number, and by the address of its other end.
      b.network.send(message(2), { transport: 'tcp', host: point.address, port: 9, connection });
      expect((await a.messages.next()).text).toBe(message(2));
      b.network.send(message(3), { transport: 'tcp', host: remote.address, port: remote.port });
      expect((await a.messages.next()).text).toBe(message(3));
      a.network.send(message(4), { transport: 'tcp', host: point.address, port: portOf(b) });
      expect((await b.messages.next()).flow.connection).toBe(connection);
      expect([a.network.connections, b.network.connections]).toEqual([1, 1]);
      expect([a.network.counters.connected, b.network.counters.accepted]).toEqual([1, 1]);
    },
  );

  it('takes 200 messages from one write, and one message from many writes', async () => {
    const a = await fixture.open([TCP4]);
    const { socket } = await fixture.connect(portOf(a));
    socket.setNoDelay(true);
    socket.write(Array.from({ length: 200 }, (_, i) => message(i)).join(''));
    for (let i = 0; i < 200; i++) expect((await a.messages.next()).text).toBe(message(i));
    const slowly = message(200);
    for (const part of [slowly.slice(0, 10), slowly.slice(10, 11), slowly.slice(11)]) {
      await new Promise<void>((resolve) => socket.write(part, () => resolve()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await a.messages.next()).text).toBe(slowly);
  });

  it('answers a double CRLF with a CRLF (RFC 5626 4.4.1)', async () => {
    const a = await fixture.open([TCP4]);
    const { socket, received } = await fixture.connect(portOf(a));
    socket.write('\r\n\r\n');
    expect((await a.pings.next()).remote.port).toBe(socket.localPort);
    expect(await received.next()).toBe('\r\n');
  });

  it('answers double CRLFs that come together by one write, not by thousands', async () => {
    const a = await fixture.open([TCP4]);
    const { socket, received } = await fixture.connect(portOf(a));
    socket.write('\r\n\r\n'.repeat(1000));
    let answer = '';
    while (answer.length < 2000) answer += await received.next();
    expect(answer).toBe('\r\n'.repeat(1000));
    expect(a.network.counters).toMatchObject({ pings: 1000 });
    expect(a.network.counters.sent).toBeLessThan(20);
  });

  it('connects anew where the connection that the target names is gone (18.2.2)', async () => {
    const a = await fixture.open([TCP4]);
    const b = await fixture.open([TCP4]);
    const { socket } = await fixture.connect(portOf(a));
    socket.write(message(1));
    const { connection = 0 } = (await a.messages.next()).flow;
    socket.destroy();
    await until(() => a.network.connections === 0);
    a.network.send(message(2), { transport: 'tcp', host: '127.0.0.1', port: portOf(b), connection });
    expect((await b.messages.next()).text).toBe(message(2));
  });

  it('RFC 5626 5.3: does not where what is sent may go by that connection alone', async () => {
    const a = await fixture.open([TCP4]);
    const b = await fixture.open([TCP4]);
    const { socket } = await fixture.connect(portOf(a));
    socket.write(message(1));
    const { connection = 0 } = (await a.messages.next()).flow;
    const flow = { transport: 'tcp', host: '127.0.0.1', port: portOf(b), connection, behindNat: true } as const;
    a.network.send(message(2), flow);
    const [chunk] = await once(socket, 'data');
    expect(chunk.toString('latin1')).toBe(message(2));
    socket.destroy();
    await until(() => a.network.connections === 0);
    expect(await failure((fail) => a.network.send(message(3), flow, fail))).toBe('the connection is closed');
  });

  it('reports a refused connection for each message that waited for it', async () => {
    const a = await fixture.open([TCP4]);
    const { server, port } = await fixture.serve(() => {});
    server.close();
    await once(server, 'close');
    const target = { transport: 'tcp', host: '127.0.0.1', port } as const;
    const reasons = await Promise.all([1, 2].map((n) => failure((fail) => a.network.send(message(n), target, fail))));
    for (const reason of reasons) expect(reason).toMatch(/ECONNREFUSED/);
    expect(a.network.counters.sendFailures).toBe(2);
    expect(a.network.connections).toBe(0);
  });
});

describe('Offhook TCP connections that break', () => {
  it('end nothing but themselves, whether they are reset before, while or after something is sent', async () => {
    const a = await fixture.open([TCP4]);
    for (let i = 0; i < 20; i++) {
      const { socket } = await fixture.connect(portOf(a));
      if (i % 4 === 0) socket.write(message(i).slice(0, 50));
      if (i % 4 === 1) socket.write(message(i));
      socket.resetAndDestroy();
    }
    const accepted = new Inbox<Socket>();
    const { port } = await fixture.serve((socket) => accepted.push(socket));
    const target = { transport: 'tcp', host: '127.0.0.1', port } as const;
    a.network.send(message(1), target);
    (await accepted.next()).resetAndDestroy();
    await until(() => a.network.connections === 0);
    a.network.send(message(2), target);
    const socket = await accepted.next();
    const [chunk] = await once(socket, 'data');
    expect(chunk.toString('latin1')).toBe(message(2));
  });

  it('may be closed by the very handler that a message was given to', async () => {
    const sent = Promise.withResolvers<string>();
    const a = await fixture.open([TCP4], {
      onMessage: (text) => {
        void a.network.close();
        sent.resolve(text);
      },
    });
    const { socket, closed } = await fixture.connect(portOf(a));
    socket.write(message(1) + message(2));
    expect(await sent.promise).toBe(message(1));
    expect(await closed).toBe('');
    expect(a.network.counters.received).toBe(1);
  });
});

describe('RFC 3261 18.3 framing errors on TCP', () => {
  it('are answered where they can be, then the connection is closed', async () => {
    const a = await fixture.open([TCP4]);
    const { socket, closed } = await fixture.connect(portOf(a));
    socket.write(message(1).replace('Content-Length: 0', 'Content-Length: abc'));
    const answer = scan(await closed, DEFAULT_MESSAGE_LIMITS, 'stream');
    if (!answer.ok) throw new Error(answer.reason);
    expect(answer.message.status).toBe(400);
    expect(answer.message.text).toMatch(/^To: .*;tag=[0-9a-f]{16}\r$/m);
    expect(answer.message.text).toMatch(/^Via: .*;received=127\.0\.0\.1\r$/m);
    expect(a.network.counters.framingErrors).toBe(1);
    expect(a.messages.size).toBe(0);
  });

  it('close the connection without a word where there is nothing to answer, and harm no other', async () => {
    const a = await fixture.open([TCP4]);
    const good = await fixture.connect(portOf(a));
    for (const junk of [
      '\x16\x03\x01\x02\x00\x01\x00',
      'x\r\n\r\n'.repeat(12_000),
      `GET / HTTP/1.1\r\n\r\n`,
      'A'.repeat(100_000),
    ]) {
      const { socket, closed } = await fixture.connect(portOf(a));
      socket.write(junk, 'latin1');
      expect(await closed).toBe('');
    }
    good.socket.write(message(1));
    expect((await a.messages.next()).text).toBe(message(1));
  });
});

describe('Offhook limits of TCP', () => {
  it('refuse connections beyond the limit in both directions, and count them', async () => {
    const a = await fixture.open([TCP4], { limits: { connections: 1 } });
    const { socket } = await fixture.connect(portOf(a));
    socket.write(message(1));
    await a.messages.next();
    const refused = await fixture.connect(portOf(a));
    expect(await refused.closed).toBe('');
    const out = await failure((fail) => a.network.send(message(2), { transport: 'tcp', host: '127.0.0.1', port: 9 }, fail));
    expect(out).toBe('too many connections');
    expect(a.network.counters.refused).toBe(2);
    socket.write(message(3));
    expect((await a.messages.next()).text).toBe(message(3));
  });

  it('close a connection whose other side does not read, and report what did not go out', async () => {
    const a = await fixture.open([TCP4], { limits: { connectionOutput: 200_000 } });
    const accepted = new Inbox<Socket>();
    const { port } = await fixture.serve((socket) => {
      socket.pause();
      accepted.push(socket);
    });
    const target = { transport: 'tcp', host: '127.0.0.1', port } as const;
    const big = 'x'.repeat(60_000);
    a.network.send(big, target);
    await accepted.next();
    const reason = await new Promise<string>((resolve) => {
      const flood = () => {
        if (a.network.counters.closedSlow > 0) return;
        a.network.send(big, target, resolve);
        setImmediate(flood);
      };
      flood();
    });
    expect(reason).toBe('the other side reads too slowly');
    expect(a.network.counters.closedSlow).toBe(1);
  });

  it('close a connection on which nothing moves', async () => {
    const a = await fixture.open([TCP4], { limits: { idle: 30 } });
    const { socket, closed } = await fixture.connect(portOf(a));
    socket.write(message(1));
    await a.messages.next();
    expect(await closed).toBe('');
    await until(() => a.network.connections === 0);
    expect(a.network.counters.closedIdle).toBe(1);
  });

  it('close a connection that brings no whole message in time, whether it says nothing or drips', async () => {
    const a = await fixture.open([TCP4], { limits: { incomplete: 60 } });
    const silent = await fixture.connect(portOf(a));
    const dripping = await fixture.connect(portOf(a));
    const drip = setInterval(() => dripping.socket.write('O'), 10);
    await Promise.all([silent.closed, dripping.closed]);
    clearInterval(drip);
    expect(a.network.counters.closedIncomplete).toBe(2);
    const half = await fixture.connect(portOf(a));
    half.socket.write(message(1) + message(2).slice(0, 40));
    await a.messages.next();
    await half.closed;
    expect(a.network.counters.closedIncomplete).toBe(3);
  });

  it('leave a connection alone that has brought whole messages', async () => {
    const a = await fixture.open([TCP4], { limits: { incomplete: 20 } });
    const { socket, received } = await fixture.connect(portOf(a));
    socket.write(message(1));
    await a.messages.next();
    // Another connection that is closed for its silence shows that the time has passed.
    const silent = await fixture.connect(portOf(a));
    await silent.closed;
    socket.write('\r\n\r\n');
    expect(await received.next()).toBe('\r\n');
  });

  it('give up a connection attempt after its time', async () => {
    const a = await fixture.open([TCP4], { limits: { connectTimeout: 1 } });
    // TEST-NET-1 (RFC 5737) has no hosts: the attempt hangs, or fails where the machine has no way out. Neither may last.
    const reason = await failure((fail) => a.network.send(message(1), { transport: 'tcp', host: '192.0.2.1', port: 5060 }, fail));
    expect(reason).toMatch(/192\.0\.2\.1 port 5060: |connect timed out/);
    expect(a.network.connections).toBe(0);
  });

  it('end every connection at close, with a word that was written before gone out', async () => {
    const a = await fixture.open([TCP4]);
    const { socket, closed } = await fixture.connect(portOf(a));
    socket.write(message(1));
    const { flow } = await a.messages.next();
    a.network.send(message(2), { transport: 'tcp', host: '127.0.0.1', port: 9, connection: flow.connection ?? 0 });
    await a.network.close();
    expect(await closed).toBe(message(2));
  });
});
