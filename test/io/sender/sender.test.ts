import { afterEach, describe, expect, it } from 'vitest';
import type { Update } from '#protocol';
import { parseRetryAfter } from '../../../shim/io/sender/failure.ts';
import { ALICE, BOB, call, idle, online } from '../../outbox/rig.ts';
import { BadWorker, createSite, type Manner, TOKEN } from './site.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(limits?: Parameters<typeof createSite>[1], settings?: Parameters<typeof createSite>[2]) {
  const server = new BadWorker();
  closing.push(() => server.close());
  const site = createSite(await server.listen(), limits, settings);
  closing.push(() => site.close());
  return { server, site };
}

const WHOLE_CALL = [online(ALICE), call(ALICE, 'early'), call(ALICE, 'talking'), call(ALICE, 'terminating'), idle(ALICE)];
const statuses = (updates: readonly Update[]) => updates.map(({ status }) => status);

describe('Offhook sender: POST /v1/updates', () => {
  it('sends at once what is reported in one turn, with token, version, site and the clock of sending', async () => {
    const { server, site } = await start();
    const before = Date.now();
    site.report(online(ALICE), online(BOB));
    await server.until(() => server.worker.effects.length === 2);
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', url: '/v1/updates' });
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' });
    expect(server.batches).toMatchObject([{ version: 1, site: 'here' }]);
    expect(server.batches[0]?.sentAt).toBeGreaterThanOrEqual(before);
    expect(server.batches[0]?.sentAt).toBeLessThanOrEqual(Date.now());
  });

  it('keeps the path of the base URL', async () => {
    const server = new BadWorker();
    closing.push(() => server.close());
    const site = createSite(`${await server.listen()}/offhook`);
    closing.push(() => site.close());
    site.report(online(ALICE));
    await server.until(() => server.requests.length === 1);
    expect(server.requests[0]?.url).toBe('/offhook/v1/updates');
  });

  it('has one request under way, gathers meanwhile, and keeps its connection', async () => {
    const { server, site } = await start();
    const { promise, resolve } = Promise.withResolvers<() => void>();
    server.manners.push(({ batch, res, worker }) => {
      resolve(() => res.end(JSON.stringify({ results: worker.take(batch.updates) })));
      return true;
    });
    site.report(online(ALICE));
    const answer = await promise;
    for (const report of WHOLE_CALL.slice(1)) {
      site.report(report);
      await site.disk.committed();
    }
    expect(server.requests).toHaveLength(1);
    answer();
    await server.until(() => server.worker.effects.length === 5);
    expect(server.batches.map(({ updates }) => updates.length)).toEqual([1, 4]);
    expect(statuses(server.worker.effects)).toEqual(statuses(WHOLE_CALL as Update[]));
    expect(server.connections).toBe(1);
  });
});

describe('Offhook sender: presence without the disk', () => {
  it('sends though the disk never writes', async () => {
    const { server, site } = await start({}, { disk: { write: () => {} } });
    site.report(online(ALICE));
    await server.until(() => server.worker.effects.length === 1);
  });
});

describe('Offhook sender: a Worker that is down, slow, or answers 500, 429 or garbage', () => {
  const answer =
    (status: number, body: string, headers: Record<string, string> = {}): Manner =>
    ({ res }) => {
      res.writeHead(status, headers).end(body);
      return true;
    };
  const manners: [string, Manner, object][] = [
    ['500', answer(500, 'oops'), { reason: 'server', status: 500, detail: 'oops' }],
    ['503', answer(503, '', { 'retry-after': '0' }), { reason: 'busy', status: 503, retryAfter: 0 }],
    ['429', answer(429, '', { 'retry-after': '0' }), { reason: 'busy', status: 429, retryAfter: 0 }],
    ['200 and HTML', answer(200, '<html>sign in</html>'), { reason: 'garbage', status: 200 }],
    ['200 and nothing', answer(200, ''), { reason: 'garbage' }],
    ['200 and too few verdicts', answer(200, '{"results":[]}'), { reason: 'garbage' }],
    [
      '200 and a verdict on something else',
      answer(200, '{"results":[{"sequence":99,"verdict":"duplicate","version":1}]}'),
      { reason: 'garbage' },
    ],
    ['a redirect', answer(302, '', { location: 'http://127.0.0.1:1/' }), { reason: 'misdirected', status: 302 }],
    ['401', answer(401, '{}'), { reason: 'unauthorized', status: 401 }],
    ['404', answer(404, 'no'), { reason: 'misdirected', status: 404 }],
    ['a very long answer', answer(200, ' '.repeat(200_000)), { reason: 'garbage', detail: expect.stringContaining('MAX_SIZE') }],
    [
      'an answer in drops, without end',
      ({ res }) => {
        res.writeHead(200);
        const drip = setInterval(() => res.write(' '), 20);
        res.on('close', () => clearInterval(drip));
        return true;
      },
      { reason: 'timeout' },
    ],
    [
      'no HTTP',
      ({ req }) => {
        req.socket.end('SSH-2.0-hello\r\n\r\n');
        return true;
      },
      { reason: 'garbage' },
    ],
    [
      'a connection cut before the request is taken',
      ({ req }) => {
        req.socket.destroy();
        return true;
      },
      { reason: 'unreachable' },
    ],
    [
      'a connection cut after the request is taken',
      ({ batch, req, worker }) => {
        worker.take(batch.updates);
        req.socket.destroy();
        return true;
      },
      { reason: 'unreachable' },
    ],
    [
      'half an answer',
      ({ batch, req, res, worker }) => {
        const text = JSON.stringify({ results: worker.take(batch.updates) });
        res.writeHead(200, { 'content-length': String(text.length) });
        res.write(text.slice(0, 10), () => req.socket.destroy());
        return true;
      },
      { reason: 'unreachable' },
    ],
    [
      'no answer in time, though it was taken',
      ({ batch, worker }) => {
        worker.take(batch.updates);
        return true;
      },
      { reason: 'timeout' },
    ],
  ];

  it.each(manners)(
    'keeps everything at %s, and what happens is told in order and once in effect',
    async (name, manner, failure) => {
      const { server, site } = await start(
        { backoffRefused: 20 },
        { answerBytes: 100_000, ...(/^no answer|in drops/.test(name) && { timeout: 100 }) },
      );
      server.manners.push(manner, manner);
      site.report(online(ALICE));
      await server.until(() => server.requests.length === 1);
      for (const report of WHOLE_CALL.slice(1)) site.report(report);
      await site.until(() => site.outbox.pending === 0);
      expect(site.failures()).toHaveLength(2);
      expect(site.failures()).toMatchObject([failure, failure]);
      expect(statuses(server.worker.effects)).toEqual(statuses(WHOLE_CALL as Update[]));
    },
  );

  it('goes on when the Worker is back', async () => {
    const server = new BadWorker();
    const url = await server.listen();
    await server.close();
    const site = createSite(url);
    closing.push(() => site.close());
    for (const report of WHOLE_CALL) site.report(report);
    await site.until(() => site.events.length > 0);
    expect(site.failures()[0]).toMatchObject({ reason: 'unreachable' });
    const back = new BadWorker();
    closing.push(() => back.close());
    await back.listen(Number(new URL(url).port));
    await back.until(() => back.worker.effects.length === 5);
    expect(statuses(back.worker.effects)).toEqual(statuses(WHOLE_CALL as Update[]));
  });

  it('goes on with a pause where a snapshot cannot be built', async () => {
    const { server, site } = await start();
    let broken = true;
    const take = site.outbox.take.bind(site.outbox);
    site.outbox.take = (now) => {
      if (!broken) return take(now);
      broken = false;
      throw new Error('a bug');
    };
    site.report(online(ALICE));
    await server.until(() => server.worker.effects.length === 1);
    expect(site.failures()).toMatchObject([{ reason: 'internal', detail: expect.stringContaining('a bug') }]);
  });

  it('goes on with a pause where an answer cannot be taken in, and does not end the process', async () => {
    const { server, site } = await start({ backoffMin: 1, backoffMax: 2 });
    const { outbox } = site;
    const settle = outbox.settle.bind(outbox);
    outbox.settle = (...args) => {
      outbox.settle = settle;
      throw new Error(`a bug, ${args.length}`);
    };
    site.report(online(ALICE));
    await server.until(() => server.requests.length === 2);
    expect(site.failures()).toMatchObject([{ reason: 'internal', detail: expect.stringContaining('a bug') }]);
    expect(statuses(server.worker.effects)).toEqual(['online']);
  });

  it('ends while a request is under way, and keeps it in the outbox', async () => {
    const { server, site } = await start();
    server.manners.push(() => true);
    site.report(online(ALICE));
    await server.until(() => server.requests.length === 1);
    await site.sender.close(0);
    expect(site.outbox.pending).toBe(1);
    site.report(idle(ALICE));
    await site.disk.committed();
    expect(server.requests).toHaveLength(1);
  });
});

describe('RFC 9110 10.2.3 Retry-After', () => {
  const now = Date.UTC(2026, 10, 22, 10);
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Sun, 22 Nov 2026 10:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    ['99999999999', undefined],
  ])('reads %j', (text, ms) => {
    expect(parseRetryAfter(text, now)).toBe(ms);
  });
});
