import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WatchFrame } from '#protocol';
import { offhook, type WatchEvent } from '../../worker/client/index.ts';
import { until } from '../support/until.ts';

/** A WebSocket of which this test is the other end. */
class FakeSocket {
  static readonly all: FakeSocket[] = [];
  readonly said: string[] = [];
  readyState = 1;
  onopen: () => void = () => {};
  onmessage: (event: { data: string }) => void = () => {};
  onclose: (event: { code: number; reason: string }) => void = () => {};
  readonly url: string;
  readonly protocols: readonly string[];

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
    queueMicrotask(() => this.onopen());
  }

  send(text: string): void {
    this.said.push(text);
  }

  close(): void {
    this.readyState = 3;
  }

  tell(...frames: readonly WatchFrame[]): void {
    for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) });
  }
}

const client = () => offhook({ url: 'https://offhook.example/base/', token: 'token', WebSocket: FakeSocket as never });
const snapshot: WatchFrame = { type: 'snapshot', users: [], more: false, cursor: 's' };
const check = (cursor: string): WatchFrame => ({ type: 'check', cursor });
const newest = (count: number) =>
  until(`socket ${count}`, () => (FakeSocket.all.length === count ? FakeSocket.all.at(-1) : undefined));

afterEach(() => {
  vi.useRealTimers();
});

describe('Offhook client: a watch as it is read', () => {
  it('RFC 6455: gives the token as a sub-protocol, and the watch in the query, under the path of the url', async () => {
    const watch = client().watch({ users: ['a@x.example', 'b@x.example'] }, { since: 'c/d' });
    const first = watch[Symbol.asyncIterator]().next();
    const socket = await newest(FakeSocket.all.length + 1);
    expect(socket.url).toBe('wss://offhook.example/base/v1/watch?user=a%40x.example&user=b%40x.example&since=c%2Fd');
    expect(socket.protocols).toEqual(['offhook.v1', 'offhook.token.token']);
    socket.tell({ type: 'resumed', exact: true, cursor: 'e' });
    expect((await first).value).toEqual({ type: 'resumed', exact: true, cursor: 'e' });
    watch.close();
  });

  it('answers a check when what stands before it has been taken, on its own connection, and connects again only then', async () => {
    const before = FakeSocket.all.length;
    const watch = client().watch({ domain: 'x.example' });
    const reader = watch[Symbol.asyncIterator]();
    const first = reader.next();
    const socket = await newest(before + 1);
    socket.tell(snapshot, check('t'), { type: 'resumed', exact: true, cursor: 'u' }, check('v'));
    await first;
    expect(socket.said).toEqual([]);
    await reader.next();
    expect(socket.said).toEqual(['ack']);
    socket.onclose({ code: 4008, reason: 'too slow' });
    watch.retry();
    const again = await newest(before + 2);
    expect(again.url).toContain('since=v');
    again.tell({ type: 'resumed', exact: false, cursor: 'v' });
    expect((await reader.next()).value).toMatchObject({ exact: false });
    // The second check was one of the connection that is gone.
    expect([socket.said, again.said]).toEqual([['ack'], []]);
    await reader.return?.();
    expect(again.readyState).toBe(3);
  });

  it('waits with the next connection for whoever has not taken what was told', async () => {
    const before = FakeSocket.all.length;
    const reader = client().watch({ domain: 'x.example' })[Symbol.asyncIterator]();
    const first = reader.next();
    const socket = await newest(before + 1);
    vi.useFakeTimers();
    socket.tell(snapshot, { type: 'resumed', exact: true, cursor: 'u' });
    socket.onclose({ code: 1006, reason: '' });
    await first;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(FakeSocket.all.length).toBe(before + 1);
    await reader.next();
    const third = reader.next();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.all.length).toBe(before + 2);
    FakeSocket.all.at(-1)?.tell({ type: 'resumed', exact: true, cursor: 'u' });
    await third;
    await reader.return?.();
  });

  it('takes nothing more from a stream of events than what is read', async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          const frame = { type: 'resumed', exact: true, cursor: String(pulled) };
          controller.enqueue(new TextEncoder().encode(`event: resumed\nid: ${pulled}\ndata: ${JSON.stringify(frame)}\n\n`));
          if (pulled === 50) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const answer = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    const events = offhook({ url: 'https://offhook.example', token: 't', WebSocket: null, fetch: async () => answer });
    const told: WatchEvent[] = [];
    for await (const event of events.watch({ domain: 'x.example' })) {
      told.push(event);
      await new Promise((resolve) => setImmediate(resolve));
      expect(pulled).toBe(told.length);
      if (told.length === 5) break;
    }
  });

  it('ends with its signal, before and while it waits, and is read once', async () => {
    const before = FakeSocket.all.length;
    for await (const _ of client().watch({ domain: 'x.example' }, { signal: AbortSignal.abort() })) throw new Error('it began');
    expect(FakeSocket.all.length).toBe(before);
    const ending = new AbortController();
    const watch = client().watch({ domain: 'x.example' }, { signal: ending.signal });
    const next = watch[Symbol.asyncIterator]().next();
    const socket = await newest(before + 1);
    ending.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(socket.readyState).toBe(3);
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow('read once');
  });

  it('tries again where no token is to be had', async () => {
    const before = FakeSocket.all.length;
    let asked = 0;
    const token = async () => {
      asked += 1;
      if (asked < 3) throw new Error('no token yet');
      return 'late';
    };
    const whys: string[] = [];
    const made = offhook({ url: 'https://offhook.example', token, WebSocket: FakeSocket as never });
    const watch = made.watch(
      { domain: 'x.example' },
      {
        onState(condition) {
          if (condition.state !== 'lost') return;
          whys.push(condition.why);
          queueMicrotask(() => watch.retry());
        },
      },
    );
    const next = watch[Symbol.asyncIterator]().next();
    const socket = await newest(before + 1);
    expect([whys, socket.protocols[1]]).toEqual([['no token yet'], 'offhook.token.late']);
    watch.close();
    expect((await next).done).toBe(true);
  });
});
