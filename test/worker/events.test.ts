import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { ROUTE_LIMITS } from '../../worker/routes/limits.ts';
import { bearer, newDomain, newStream, report, request, say } from './support/client.ts';
import { documentText } from './support/document.ts';
import { EventReader } from './support/events.ts';
import { boardObject, boardObjects, listServer } from './support/objects.ts';

const snapshotDone = (reader: EventReader) => () =>
  reader.events.some(({ data }) => data.type === 'resumed' || (data.type === 'snapshot' && !data.more));

describe('Offhook server-sent events (HTML 9.2)', () => {
  it.each(['user', 'domain'])('begins with a snapshot, then brings every change with an id (%s)', async (kind) => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online())]);
    const reader = await EventReader.open(kind === 'user' ? `user=${alice.user}` : `domain=${alice.user.split('@')[1]}`);
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await reader.until(snapshotDone(reader));
    await report([alice.next(say.talking('c1')), alice.next(say.idle('c1'))]);
    await reader.until(() => reader.changes.length === 2);
    expect(reader.changes).toEqual([`${alice.user} 2`, `${alice.user} 3`]);
    expect(reader.text.startsWith(`retry: ${ROUTE_LIMITS.retry}\n\n`)).toBe(true);
    for (const { event, id, data } of reader.events) expect([event, id]).toEqual([data.type, 'cursor' in data && data.cursor]);
    await reader.leave();
  });

  it('answers HEAD as GET, and opens nothing that nobody would end (RFC 9110 9.3.2)', async () => {
    const domain = newDomain();
    const answer = await request(`/v1/events?domain=${domain}`, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(await listServer(domain).counts()).toEqual({ watches: 0 });
    expect((await request(`/v1/events?domain=a.b&domain=${domain}`, { method: 'HEAD' })).status).toBe(400);
  });

  it.each([false, true])(
    'goes on after Last-Event-ID, which counts more than the old since (boards evicted: %s)',
    async (evicted) => {
      const domain = newDomain();
      const alice = newStream('alice', domain);
      await report([alice.next(say.online())]);
      const before = await EventReader.open(`domain=${domain}`);
      await before.until(snapshotDone(before));
      const old = before.cursor;
      await report([alice.next(say.talking('c1'))]);
      await before.until(() => before.changes.length === 1);
      await before.leave();
      await report([alice.next(say.terminating('c1')), alice.next(say.idle('c1'))]);
      if (evicted) for (const board of boardObjects(domain)) await evictDurableObject(board);
      const after = await EventReader.open(`domain=${domain}&since=${old}`, { 'last-event-id': before.cursor });
      await after.until(() => after.changes.at(-1) === `${alice.user} 4`);
      expect(after.events[0]).toMatchObject({ event: 'resumed', data: { exact: !evicted } });
      expect(after.changes).toEqual((evicted ? [4] : [3, 4]).map((version) => `${alice.user} ${version}`));
      await after.leave();
      const since = await EventReader.open(`domain=${domain}&since=${old}`);
      await since.until(() => since.changes.at(-1) === `${alice.user} 4`);
      await since.leave();
    },
  );

  it('takes the cursor of a WebSocket, and gives it what it takes: it is one feed', async () => {
    const alice = newStream('alice', newDomain());
    const { TestWatcher } = await import('./support/watcher.ts');
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    await report([alice.next(say.online())]);
    await watcher.changes(1);
    const reader = await EventReader.open(`user=${alice.user}`, { 'last-event-id': watcher.cursor });
    await report([alice.next(say.talking('c1'))]);
    await reader.until(() => reader.changes.length === 1);
    const back = await TestWatcher.open(`user=${alice.user}&since=${reader.cursor}`);
    expect(back.frames).toMatchObject([{ type: 'resumed', exact: true }]);
    await reader.leave();
    for (const { socket } of [watcher, back]) socket.close();
  });

  it('refuses what a watch refuses: no token, another domain, no cursor, nothing named', async () => {
    const status = async (query: string, headers: Record<string, string> = {}) => {
      const response = await request(`/v1/events?${query}`, { headers });
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      return response.status;
    };
    expect(await status('domain=a.test', { authorization: '' })).toBe(401);
    expect(await status('domain=a.test', await bearer({ scope: ['ingest'] }))).toBe(403);
    expect(await status('domain=a.test', await bearer({ scope: ['read'], domain: 'b.test' }))).toBe(403);
    expect(await status('domain=a.test', { 'last-event-id': 'x' })).toBe(400);
    expect(await status('')).toBe(400);
    expect(await status('domain=a.test&at=now')).toBe(400);
  });

  it('shows no more than the token may', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.talking('c1'))]);
    const reader = await EventReader.open(`user=${alice.user}`, await bearer({ detail: 'busy-only' }));
    await report([alice.next(say.talking('c2'))]);
    await reader.until(() => reader.changes.length === 1);
    expect(reader.text).not.toContain('bob@example.com');
    await reader.leave();
  });

  it('ends with a reason when the token ends or a board is lost', async () => {
    for (const [code, reason] of [
      [1008, 'the token has expired'],
      [1012, ''],
    ]) {
      const alice = newStream('alice', newDomain());
      const exp = Math.floor(Date.now() / 1000) + 100;
      const reader = await EventReader.open(`user=${alice.user}`, await bearer({ exp }));
      await reader.until(snapshotDone(reader));
      if (code === 1008) {
        await runInDurableObject(boardObject(alice.user), (_, state) => {
          for (const socket of state.getWebSockets()) {
            const attachment = socket.deserializeAttachment() as { until: number } | null;
            if (attachment?.until === exp * 1000) socket.serializeAttachment({ ...attachment, until: Date.now() - 1 });
          }
        });
        await evictDurableObject(boardObject(alice.user));
        await report([alice.next(say.online())]);
      } else await evictDurableObject(boardObject(alice.user), { webSockets: 'close' });
      await reader.until(() => false);
      expect(reader.events.at(-1)).toMatchObject({ event: 'end', id: undefined, data: { type: 'end' } });
      if (code === 1008) expect(reader.events.at(-1)?.data).toEqual({ type: 'end', code, reason });
    }
  });

  it('cuts a client that does not read, says so, and goes on where it was cut', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online())]);
    const reader = await EventReader.open(`user=${alice.user}`);
    await reader.until(snapshotDone(reader));
    const size = 100_000;
    const count = Math.ceil((1.2 * ROUTE_LIMITS.eventsBurst) / size);
    for (let version = 2; version < count + 2; version++) {
      const text = documentText(alice.user, version, 'available', size);
      await boardObject(alice.user).put([{ user: alice.user, version, status: 'available', text, visible: true }]);
    }
    await reader.until(() => false);
    expect(reader.events.at(-1)?.data).toEqual({ type: 'end', code: 4008, reason: 'too slow: too much is not read' });
    expect(reader.changes.length).toBeLessThan(count);
    const after = await EventReader.open(`user=${alice.user}`, { 'last-event-id': reader.cursor });
    await after.until(() => after.changes.length + reader.changes.length === count);
    expect([...reader.changes, ...after.changes]).toEqual(Array.from({ length: count }, (_, i) => `${alice.user} ${i + 2}`));
    await after.leave();
  });

  it('leaves no socket at the board when the client goes', async () => {
    const alice = newStream('alice', newDomain());
    const reader = await EventReader.open(`user=${alice.user}`);
    await reader.until(snapshotDone(reader));
    const rows = () =>
      runInDurableObject(
        boardObject(alice.user),
        (_, { storage }) => storage.sql.exec('SELECT id FROM watches WHERE instr(users, ?) > 0', alice.user).toArray().length,
      );
    expect(await rows()).toBe(1);
    await reader.leave();
    await expect.poll(rows).toBe(0);
  });

  it('is refused above the number of watchers of a board', async () => {
    const domain = newDomain();
    const [board] = boardObjects(domain);
    await runInDurableObject(board as DurableObjectStub, (_, state) => {
      Object.defineProperty(state, 'getWebSockets', { value: () => new Array(OBJECT_LIMITS.watchers), configurable: true });
    });
    const response = await request(`/v1/events?domain=${domain}`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
  });
});
