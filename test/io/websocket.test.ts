import { once } from 'node:events';
import { get } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { Flow } from '../../shim/core/transport.ts';
import type { TlsMaterial } from '../../shim/io/tls.ts';
import { AUTHORITY, certificate } from '../support/certificates.ts';
import { text as sip } from '../transaction/messages.ts';
import { Fixture, failure, HAS_IPV6, Inbox, type Opened, portOf, until, WS4, WS6, WSS4 } from './network-fixture.ts';

const fixture = new Fixture();
const clients: WebSocket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
  return fixture.close();
});

const TLS: TlsMaterial = { certificates: [certificate('local')], verify: true };
const message = (n: number) => sip('OPTIONS', { branch: `z9hG4bK${n}`, transport: 'WS' });

function start(url: string, protocols: string | string[], options: ClientOptions): WebSocket {
  const socket = new WebSocket(url, protocols, { ca: AUTHORITY, ...options });
  clients.push(socket);
  return socket;
}

/** A browser telephone's socket, open. */
async function browser(to: Opened, options: ClientOptions = {}) {
  const { transport, address, port } = to.network.addresses[0] as (typeof to.network.addresses)[0];
  const host = address.includes(':') ? `[${address}]` : address;
  const socket = start(`${transport}://${host}:${port}/any/path`, 'sip', options);
  const received = new Inbox<{ text: string; binary: boolean }>();
  socket.on('message', (data, binary) => received.push({ text: String(data), binary }));
  socket.on('error', () => {});
  await once(socket, 'open');
  return { socket, received };
}

/** The status with which the server refuses that request for a WebSocket. */
async function refusal(to: Opened, protocols: string | string[], options: ClientOptions = {}): Promise<number | undefined> {
  const socket = start(`ws://127.0.0.1:${portOf(to)}/`, protocols, options);
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  return response.statusCode;
}

describe('RFC 7118 SIP over WebSocket', () => {
  it.each([['ws', WS4] as const, ['wss', WSS4] as const, ...(HAS_IPV6 ? [['ws over IPv6', WS6] as const] : [])])(
    'takes and gives one message a frame over %s, by the connection alone',
    async (_, point) => {
      const a = await fixture.open([point], { tls: TLS });
      const { socket, received } = await browser(a);
      expect(socket.protocol).toBe('sip');
      for (const n of [1, 2]) socket.send(message(n));
      socket.send(Buffer.from(message(3)));
      const flows: Flow[] = [];
      for (const n of [1, 2, 3]) {
        const { text, flow } = await a.messages.next();
        expect(text).toBe(message(n));
        flows.push(flow);
      }
      const { transport, address } = point;
      expect(flows[0]).toMatchObject({ transport, local: { address, port: portOf(a) }, remote: { address } });
      expect(new Set(flows.map(({ connection }) => connection)).size).toBe(1);
      const target = { transport, host: 'df7jal23ls0d.invalid', port: 80, connection: flows[0]?.connection as number };
      a.network.send(message(4), target);
      expect(await received.next()).toEqual({ text: message(4), binary: false });
    },
  );

  it('sends what is no UTF-8 in a binary frame, and bytes arrive as they are', async () => {
    const a = await fixture.open([WS4]);
    const { socket, received } = await browser(a);
    socket.send(Buffer.from('Subject: caf\xe9', 'latin1'));
    const { text, flow } = await a.messages.next();
    expect(text).toBe('Subject: caf\xe9');
    const target = { transport: 'ws', host: 'x.invalid', port: 80, connection: flow.connection as number } as const;
    a.network.send('caf\xe9', target);
    a.network.send('caf\xc3\xa9', target);
    expect((await received.next()).binary).toBe(true);
    expect(await received.next()).toEqual({ text: 'café', binary: false });
  });

  it('opens no WebSocket itself (5): without one nothing is sent', async () => {
    const a = await fixture.open([WS4]);
    const target = { transport: 'ws', host: '127.0.0.1', port: portOf(a), connection: 99 } as const;
    expect(await failure((fail) => a.network.send(message(1), target, fail))).toBe('the WebSocket is closed');
  });

  it('answers keep-alives by CRLF (6)', async () => {
    const a = await fixture.open([WS4]);
    const { socket, received } = await browser(a);
    socket.send('\r\n\r\n');
    expect((await received.next()).text).toBe('\r\n');
    expect((await a.pings.next()).transport).toBe('ws');
  });

  it('wants the subprotocol sip (4.1), and the request of a WebSocket', async () => {
    const a = await fixture.open([WS4]);
    expect(await refusal(a, [])).toBe(400);
    expect(await refusal(a, ['chat', 'xmpp'])).toBe(400);
    const [plain] = await once(get(`http://127.0.0.1:${portOf(a)}/`), 'response');
    expect([plain.statusCode, plain.headers.upgrade]).toEqual([426, 'websocket']);
    plain.resume();
    const { socket } = await browser(a);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect(a.network.counters.handshakeErrors).toBe(2);
  });

  it('RFC 6455 10.2: takes pages of the origins allowed, and no other', async () => {
    const a = await fixture.open([WS4], { origins: ['https://phone.example.com'] });
    expect(await refusal(a, 'sip', { origin: 'https://evil.example' })).toBe(403);
    expect(await refusal(a, 'sip')).toBe(403);
    const { socket } = await browser(a, { origin: 'https://phone.example.com' });
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('Offhook limits of WebSockets', () => {
  it('close one whose message is too large, or whose frames break the rules, and no other', async () => {
    const a = await fixture.open([WS4], { limits: { message: { headerBytes: 1000, headerCount: 10, bodyBytes: 1000 } } });
    const { socket: large } = await browser(a);
    const { socket: broken } = await browser(a);
    const { socket: good } = await browser(a);
    large.send('x'.repeat(2001));
    const [code] = await once(large, 'close');
    expect(code).toBe(1009);
    // A frame with reserved bits set, not masked.
    (broken as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xf1, 0x01, 0x41]));
    await once(broken, 'close');
    await until(() => a.network.counters.framingErrors === 2);
    good.send(message(1));
    expect((await a.messages.next()).text).toBe(message(1));
  });

  it('refuse connections beyond the limit', async () => {
    const a = await fixture.open([WS4, WS4], { limits: { connections: 1 } });
    await browser(a);
    const other = { ...a, network: { ...a.network, addresses: a.network.addresses.slice(1) } } as Opened;
    expect(await refusal(other, 'sip')).toBe(503);
    expect(a.network.counters.refused).toBe(1);
  });

  it('close one whose other side does not answer pings, and one that never brings a message', async () => {
    const a = await fixture.open([WS4], { limits: { webSocketPing: 20 } });
    const { socket: dead } = await browser(a, { autoPong: false });
    const { socket: alive } = await browser(a);
    await once(dead, 'close');
    expect(a.network.counters.closedIdle).toBe(1);
    expect(alive.readyState).toBe(WebSocket.OPEN);
    const b = await fixture.open([WS4], { limits: { incomplete: 20 } });
    const { socket: silent } = await browser(b);
    await once(silent, 'close');
    expect(b.network.counters.closedIncomplete).toBe(1);
  });

  it('close one whose other side does not read, and tell what did not go out', async () => {
    const a = await fixture.open([WS4], { limits: { connectionOutput: 100_000 } });
    const { socket } = await browser(a);
    socket.send(message(1));
    const { flow } = await a.messages.next();
    socket.pause();
    const target = { transport: 'ws', host: 'x.invalid', port: 80, connection: flow.connection as number } as const;
    const lost = new Inbox<string>();
    for (let n = 0; n < 200; n++) a.network.send('x'.repeat(60_000), target, (reason) => lost.push(reason));
    expect(await lost.next()).toMatch(/too slowly|closed/);
    await until(() => a.network.connections === 0);
    expect(a.network.counters.closedSlow).toBe(1);
  });

  it('survive anything for a request, and anything in a frame', async () => {
    const a = await fixture.open([WS4]);
    for (const text of [
      '\0\0\0',
      'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      `GET /${'x'.repeat(40_000)}`,
    ]) {
      const { socket, closed } = await fixture.connect(portOf(a));
      socket.write(text);
      await closed;
    }
    const { socket } = await browser(a);
    for (const bytes of ['', '\0', 'OPTIONS', '\xff'.repeat(100)]) socket.send(Buffer.from(bytes, 'latin1'));
    socket.send(message(9));
    let last = '';
    while (last !== message(9)) last = (await a.messages.next()).text;
  });
});
