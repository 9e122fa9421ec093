import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { until } from '../support/until.ts';

let worker: RunningWorker;
let token: string;
beforeAll(async () => {
  worker = await startWorker();
  token = await worker.token('read', 'ingest');
}, 30_000);
afterAll(() => worker?.close());

/** Bytes of one raw request are sent as they are; what comes back until the connection is quiet or closed. */
class Raw {
  readonly socket: Socket;
  text = '';
  closed = false;

  constructor() {
    this.socket = connect(worker.embedded.port, '127.0.0.1');
    this.socket.on('data', (data) => {
      this.text += data.toString('latin1');
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  /** The status of the first answer, or `closed`. */
  async status(): Promise<number | 'closed'> {
    await until('an answer', async () => this.closed || /^HTTP\/1\.1 \d{3} [\s\S]*\r\n\r\n/.test(this.text));
    const status = /^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1];
    return status === undefined ? 'closed' : Number(status);
  }

  end(): void {
    this.socket.destroy();
  }
}

const alive = async () => (await fetch(`${worker.url}/healthz`)).status;

/** Sends a request head with these lines, and tells what came of it. */
async function ask(...lines: string[]): Promise<{ status: number | 'closed'; text: string }> {
  const raw = new Raw();
  raw.socket.write(`${lines.join('\r\n')}\r\nHost: offhook\r\nConnection: close\r\n\r\n`, 'latin1');
  const status = await raw.status();
  raw.end();
  return { status, text: raw.text };
}

describe('Offhook hostile HTTP: on a real socket', { timeout: 30_000 }, () => {
  it('nothing of a path becomes a header of the answer', async () => {
    for (const path of [
      '/v1/presence/alice%0d%0aX-Injected:%201@example.com',
      '/%0d%0aX-Injected:%201',
      '/problems/%0d%0aX-Injected:%201',
    ]) {
      const { status, text } = await ask(`GET ${path} HTTP/1.1`, `Authorization: Bearer ${token}`);
      expect([400, 404]).toContain(status);
      expect(text.split('\r\n\r\n')[0]).not.toMatch(/x-injected/i);
    }
  });

  it.each([
    ['an escape that is none', '/v1/presence/%'],
    ['bytes that are no UTF-8', '/v1/presence/%ff%fe@example.com'],
    ['a null', '/v1/presence/%00@example.com'],
    ['dots that climb', '/v1/presence/../../v1/audit'],
    ['slashes, escaped', '/v1/presence/..%2f..%2faudit'],
    ['a long path', `/v1/presence/${'a'.repeat(6_000)}@example.com`],
  ])('%s in a path is refused', async (_, path) => {
    const { status } = await ask(`GET ${path} HTTP/1.1`, `Authorization: Bearer ${token}`);
    expect([400, 403, 404]).toContain(status);
    expect(await alive()).toBe(200);
  });

  it('a header as long as it likes, and more headers than anybody needs, end the connection and nothing else', async () => {
    for (const lines of [
      [`Authorization: Bearer ${'a'.repeat(1_000_000)}`],
      Array.from({ length: 20_000 }, (_, i) => `X-${i}: ${'y'.repeat(50)}`),
    ]) {
      const { status } = await ask('GET /v1/audit HTTP/1.1', ...lines);
      expect(['closed', 400, 401, 413, 431]).toContain(status);
      expect(await alive()).toBe(200);
    }
  });

  it('two tokens in one request are none', async () => {
    const good = `Authorization: Bearer ${token}`;
    const { status } = await ask('GET /v1/domains/example.com/presence HTTP/1.1', 'Authorization: Bearer x', good);
    expect([400, 401]).toContain(status);
  });

  it('a body without an end is refused when it is larger than the limit', async () => {
    const raw = new Raw();
    raw.socket.write(
      `POST /v1/updates HTTP/1.1\r\nHost: offhook\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let i = 0; i < 17; i++) raw.socket.write(chunk);
    expect(await raw.status()).toBe(413);
    raw.end();
  });

  it('a body that stops in the middle keeps nobody else waiting', async () => {
    const stalled = Array.from({ length: 50 }, () => {
      const raw = new Raw();
      raw.socket.write(
        `POST /v1/updates HTTP/1.1\r\nHost: offhook\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\n{"version"`,
      );
      return raw;
    });
    expect(await alive()).toBe(200);
    const answer = await fetch(`${worker.url}/v1/domains/example.com/presence`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
    for (const raw of stalled) raw.end();
  });
});

describe('Offhook hostile HTTP: WebSocket floods', { timeout: 30_000 }, () => {
  const open = async (query: string): Promise<WebSocket & { frames: string[]; code?: number }> => {
    const url = `${worker.url.replace('http', 'ws')}/v1/watch?${query}`;
    const socket = Object.assign(new WebSocket(url, { headers: { authorization: `Bearer ${token}` } }), {
      frames: [] as string[],
    });
    socket.on('message', (data) => socket.frames.push(String(data)));
    socket.on('close', (code) => Object.assign(socket, { code }));
    socket.on('error', () => {});
    await once(socket, 'open');
    return socket;
  };

  /** Reports a user as online; resolves with the verdict. */
  const report = async (user: string) => {
    const now = Date.now();
    const terminal = { contact: `${user}:5060`, since: now, expires: now + 60_000 };
    const update = { user, epoch: now, sequence: 1, previous: 0, at: now, status: 'online', terminal };
    const body = JSON.stringify({ version: 1, site: 'floods', sentAt: now, updates: [update] });
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${worker.url}/v1/updates`, { method: 'POST', headers, body });
    return ((await answer.json()) as { results: { verdict: string }[] }).results[0]?.verdict;
  };

  it.each(['user=victim@floods.example', 'domain=floods.example'])(
    'who floods is cut off, and other watchers are told all the same (%s)',
    async (query) => {
      const watcher = await open(query);
      await until('the snapshot', () => watcher.frames.length > 0);
      const flooders = await Promise.all(Array.from({ length: 20 }, () => open(query)));
      for (const [i, socket] of flooders.entries()) {
        for (let n = 0; n < 500; n++) socket.send(i % 2 === 0 ? 'ping' : `{"n":${n}}`);
      }
      const talkers = flooders.filter((_, i) => i % 2 === 1);
      await until('those who say what means nothing are closed', () => talkers.every(({ code }) => code !== undefined));
      expect(new Set(talkers.map(({ code }) => code))).toEqual(new Set([1008]));
      const user = query.startsWith('user') ? 'sip:victim@floods.example' : 'sip:other@floods.example';
      expect(await report(user)).toBe('accepted');
      await until('the change', () => watcher.frames.some((frame) => frame.includes('"change"') && frame.includes(user)));
      for (const socket of [watcher, ...flooders]) socket.terminate();
    },
  );

  it('a message larger than anything that is understood closes its socket alone', async () => {
    const [watcher, flooder] = [await open('user=big@floods.example'), await open('user=big@floods.example')];
    flooder.send('x'.repeat(2 * 1024 * 1024));
    await until('it is closed', () => flooder.code !== undefined);
    expect([1009, 1006]).toContain(flooder.code);
    expect(await report('sip:big@floods.example')).toBe('accepted');
    await until('the change', () => watcher.frames.some((frame) => frame.includes('"change"')));
    watcher.terminate();
  });

  it('frames that break the protocol (RFC 6455 5.2: reserved bits, an unknown opcode, a length of 64 bits) end their connection alone', async () => {
    const raw = new Raw();
    raw.socket.write(
      `GET /v1/watch?user=a@floods.example HTTP/1.1\r\nHost: offhook\r\nAuthorization: Bearer ${token}\r\nUpgrade: websocket\r\n` +
        'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    expect(await raw.status()).toBe(101);
    raw.socket.write(Buffer.alloc(32, 0xff));
    await until('it is closed', () => raw.closed || raw.text.includes('\x88'));
    raw.end();
    expect(await alive()).toBe(200);
  });

  it('upgrades that come and go leave nothing open', async () => {
    for (let round = 0; round < 5; round++) {
      const sockets = await Promise.all(Array.from({ length: 40 }, () => open('domain=gone.example')));
      for (const socket of sockets) socket.terminate();
    }
    const admin = { authorization: `Bearer ${await worker.token('metrics')}` };
    await until('no watch is open', async () => {
      const text = await (await fetch(`${worker.url}/metrics?domain=gone.example`, { headers: admin })).text();
      return text.includes('offhook_watches{domain="gone.example"} 0\n');
    });
  });
});
