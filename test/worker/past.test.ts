import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PRESENCE_LIMITS } from '../../worker/presence/index.ts';
import type { HistoryPage, PastDocument, PresenceDocument, Why } from '../../worker/protocol/index.ts';
import { bearer, newStream, okay, presence, problemOf, report, request, say } from './support/client.ts';
import { eventually, workerWithLease } from './support/lease.ts';
import { userObject } from './support/objects.ts';

const START = Date.now();
const at = (ms: number) => new Date(START + ms).toISOString();

/** Tells a user's story on a clock that the test sets: on-line at 0 s, ringing at 10 s, talking at 20 s, idle at 30 s. */
async function story(name = 'alice') {
  vi.setSystemTime(START);
  const alice = newStream(name);
  const seen: PresenceDocument[] = [];
  const words = [say.online(), undefined, undefined, undefined];
  for (const [i] of words.entries()) {
    vi.setSystemTime(START + i * 10_000);
    const word = [say.online(), say.early('c1'), say.talking('c1'), say.idle('c1')][i] as ReturnType<typeof say.online>;
    await report([alice.next(word)]);
    seen.push(await presence(alice.user));
  }
  vi.setSystemTime(START + 60_000);
  return { alice, seen };
}

const then = async (user: string, ms: number, headers: Record<string, string> = {}) =>
  okay<PastDocument>(await request(`/v1/presence/${user}?at=${at(ms)}`, { headers }));

afterEach(() => {
  vi.useRealTimers();
});

describe('Offhook GET /v1/presence/{user}?at=', () => {
  it('gives the whole document as it was then, after an eviction too', async () => {
    const { alice, seen } = await story();
    for (let round = 0; round < 2; round++) {
      for (const [i, document] of seen.entries()) {
        const until = i === seen.length - 1 ? null : at((i + 1) * 10_000);
        for (const ms of [i * 10_000, i * 10_000 + 9_999]) {
          const asOf = { at: at(ms), since: at(i * 10_000), until, recorded: at(i * 10_000) };
          expect(await then(alice.user, ms)).toEqual({ ...document, asOf });
        }
      }
      await evictDurableObject(userObject(alice.user));
    }
  });

  it('says from when on there is something to tell', async () => {
    const { alice } = await story();
    const before = await request(`/v1/presence/${alice.user}?at=${at(-1)}`);
    const told = await before.clone().json<{ type: string; detail: string }>();
    expect([told.type, await problemOf(before)]).toEqual(['/problems/user-not-seen-yet', '404 at']);
    expect(told.detail).toContain(at(0));
    const { user } = newStream('nobody');
    expect(await problemOf(await request(`/v1/presence/${user}?at=${at(0)}`))).toBe('404');
  });

  it('says that what it does not keep any more is gone', async () => {
    const { alice } = await story();
    await runInDurableObject(userObject(alice.user), (_, { storage }) => {
      storage.sql.exec('DELETE FROM history WHERE version < 3');
    });
    const response = await request(`/v1/presence/${alice.user}?at=${at(15_000)}`);
    const told = await response.clone().json<{ type: string; detail: string }>();
    expect([told.type, await problemOf(response)]).toEqual(['/problems/past-not-kept', '410 at']);
    expect(told.detail).toContain(at(20_000));
    expect((await then(alice.user, 25_000)).status).toBe('talking');
  });

  it('tells what was learned late as of when it was so, and says when it was learned', async () => {
    const { alice } = await story();
    await report([{ ...alice.next(say.early('late')), at: START + 40_000 }]);
    expect(await then(alice.user, 45_000)).toMatchObject({
      status: 'ringing',
      asOf: { since: at(40_000), recorded: at(60_000) },
    });
    expect(await then(alice.user, 39_999)).toMatchObject({ status: 'available', asOf: { until: at(40_000) } });
  });

  it('tells no expiry that had passed: refreshes are no changes', async () => {
    vi.setSystemTime(START);
    const alice = newStream('alice');
    const terminal = { since: START, expires: START + 30_000 };
    await report([alice.next(say.online(undefined, terminal))]);
    await report([alice.next(say.online(undefined, { ...terminal, expires: START + 90_000 }))]);
    vi.setSystemTime(START + 60_000);
    expect((await then(alice.user, 29_999)).terminals[0]?.expires).toBe(at(30_000));
    expect((await then(alice.user, 50_000)).terminals[0]?.expires).toBeNull();
  });

  it('is the present at a time that is a little ahead, and refuses what is to come', async () => {
    const { alice } = await story();
    expect(await then(alice.user, 61_000)).toMatchObject({ status: 'available', asOf: { at: at(60_000), until: null } });
    expect(await problemOf(await request(`/v1/presence/${alice.user}?at=${at(63_000)}`))).toBe('400 at');
  });

  it('reads times of other zones, and a plus that was not escaped', async () => {
    const { alice } = await story();
    const local = at(25_000 + 3_600_000).replace('Z', '+01:00');
    for (const text of [local, encodeURIComponent(local), at(25_000).toLowerCase()]) {
      expect(await okay(await request(`/v1/presence/${alice.user}?at=${text}`))).toMatchObject({ status: 'talking' });
    }
  });

  it('shows the past at the level of detail of the token', async () => {
    const { alice } = await story();
    const seen = async (detail: 'direction' | 'busy-only') => then(alice.user, 25_000, await bearer({ detail }));
    expect((await then(alice.user, 25_000)).calls[0]).toHaveProperty('peer');
    expect((await seen('direction')).calls[0]).not.toHaveProperty('peer');
    expect(await seen('busy-only')).toMatchObject({ status: 'talking', calls: [], terminals: [] });
  });

  it('keeps the words alone of a document that is too long, and says so', async () => {
    vi.setSystemTime(START);
    const alice = newStream('alice');
    const long = (n: number) => `sip:${n}@${'x'.repeat(450)}.test`;
    const count = Math.ceil(PRESENCE_LIMITS.historyDocument / 1_100);
    await report(
      Array.from({ length: count }, (_, n) => alice.next(say.online(long(n), { userAgent: 'u'.repeat(500) }))).slice(0, 32),
    );
    await report([alice.next(say.talking('c1', { peer: { uri: long(1), name: 'n'.repeat(500) } }))]);
    const document = await then(alice.user, 0);
    expect(document).toMatchObject({ status: 'talking', terminals: [], calls: [], asOf: { partial: true } });
  });

  it('is stale where a site is out of touch, and has been since before that time', async () => {
    vi.useRealTimers();
    const worker = workerWithLease(1);
    const alice = newStream('alice');
    await worker.batch(crypto.randomUUID(), [alice.next(say.online())]);
    const begun = new Date().toISOString();
    const { staleSince = '' } = await eventually(
      () => worker.presence(alice.user),
      ({ stale }) => stale,
    );
    const was = async (time: string) => (await worker.request(`/v1/presence/${alice.user}?at=${time}`)).json<PastDocument>();
    expect(await was(begun)).toMatchObject({ status: 'available', stale: false });
    expect(await was(staleSince)).toMatchObject({ status: 'available', stale: true, staleSince, asOf: { at: staleSince } });
  });

  it('tells of entries of an earlier program what they kept', async () => {
    const { alice } = await story();
    await runInDurableObject(userObject(alice.user), (_, { storage }) => {
      storage.sql.exec("UPDATE history SET body = json_remove(body, '$.document', '$.recorded')");
    });
    const asOf = { at: at(25_000), since: at(20_000), until: at(30_000), recorded: null, partial: true };
    expect(await then(alice.user, 25_000)).toMatchObject({
      status: 'talking',
      callStatus: 'talking',
      terminals: [],
      calls: [],
      asOf,
    });
  });
});

describe('Offhook GET /v1/presence/{user}/history', () => {
  const history = async (user: string, query = '', headers: Record<string, string> = {}) =>
    okay<HistoryPage>(await request(`/v1/presence/${user}/history?${query}`, { headers }));
  const versions = (page: HistoryPage) => page.entries.map(({ version }) => version);

  it('is cut to a span: from belongs to it, to does not', async () => {
    const { alice } = await story();
    expect(versions(await history(alice.user))).toEqual([4, 3, 2, 1]);
    expect(versions(await history(alice.user, `from=${at(10_000)}&to=${at(30_000)}`))).toEqual([3, 2]);
    expect(versions(await history(alice.user, `from=${at(30_001)}`))).toEqual([]);
    expect(versions(await history(alice.user, `to=${at(1)}`))).toEqual([1]);
  });

  it('goes on by a cursor at the same place while new entries come, after an eviction too', async () => {
    const { alice } = await story();
    const first = await history(alice.user, 'limit=2');
    expect([versions(first), first.cursor]).toEqual([[4, 3], expect.stringMatching(/^[\w-]+$/)]);
    await report([alice.next(say.talking('c2')), alice.next(say.idle('c2'))]);
    await evictDurableObject(userObject(alice.user));
    const second = await history(alice.user, `limit=2&cursor=${first.cursor}`);
    expect([versions(second), second.cursor]).toEqual([[2, 1], undefined]);
  });

  it('says since when it is whole, and holds no documents', async () => {
    const { alice } = await story();
    const page = await history(alice.user, 'limit=1');
    expect(page.keptSince).toBe(at(0));
    expect(page.entries[0]).toMatchObject({ at: at(30_000), recorded: at(30_000), cause: { sequence: 4 } });
    expect(page.entries[0]).not.toHaveProperty('document');
  });

  it('is not sent again while it stands (RFC 9110 13.1.2)', async () => {
    const { alice } = await story();
    const path = `/v1/presence/${alice.user}/history`;
    const etag = (await request(path)).headers.get('etag') ?? '';
    const again = () => request(path, { headers: { 'if-none-match': etag } });
    expect((await again()).status).toBe(304);
    await report([alice.next(say.talking('c2'))]);
    expect((await again()).status).toBe(200);
  });
});

describe('Offhook GET /v1/presence/{user}/why, at the Worker', () => {
  const why = async (user: string, headers: Record<string, string> = {}) =>
    okay<Why>(await request(`/v1/presence/${user}/why`, { headers }));

  it('tells the evidence, after an eviction too', async () => {
    const { alice } = await story();
    await report([alice.next(say.talking('c2', { deadline: START + 3_600_000 }))]);
    const told = await why(alice.user);
    expect(told).toMatchObject({
      status: { value: 'talking', since: at(60_000) },
      terminalStatus: { value: 'online', since: at(0), by: { by: 'update', site: 'site-a', epoch: alice.epoch, sequence: 1 } },
      callStatus: { by: { sequence: 5 }, dialogs: [{ id: 'c2', site: 'site-a' }] },
      next: { what: 'call-expired', at: at(3_600_000) },
    });
    await evictDurableObject(userObject(alice.user));
    expect(await why(alice.user)).toEqual(told);
    expect((await why(alice.user, await bearer({ detail: 'busy-only' }))).callStatus.dialogs).toEqual([]);
  });

  it('tells of a record of an earlier program all but who decided', async () => {
    const { alice } = await story();
    await runInDurableObject(userObject(alice.user), (_, { storage }) => {
      storage.sql.exec("UPDATE record SET body = json_remove(body, '$.evidence')");
    });
    await evictDurableObject(userObject(alice.user));
    expect((await why(alice.user)).terminalStatus).toMatchObject({ value: 'online', since: null, by: null });
    await report([alice.next(say.talking('c2'))]);
    expect((await why(alice.user)).callStatus).toMatchObject({ value: 'talking', by: { sequence: 5 } });
  });

  it('is for those alone whose token covers the user', async () => {
    const { alice } = await story();
    const other = await bearer({ scope: ['read'], domain: 'other.test' });
    expect(await problemOf(await request(`/v1/presence/${alice.user}/why`, { headers: other }))).toBe('403');
  });
});
