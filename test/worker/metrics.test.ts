import { describe, expect, it } from 'vitest';
import { bearer, newDomain, newStream, post, problemOf, report, request, say } from './support/client.ts';
import { TestWatcher } from './support/watcher.ts';

/** The samples of `GET /metrics`, by name and labels. */
async function samples(query = '', headers: Record<string, string> = {}): Promise<Map<string, number>> {
  const response = await request(`/metrics${query}`, { headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const text = await response.text();
  const names = new Set([...text.matchAll(/^# TYPE (\S+) (?:counter|gauge)$/gm)].map((match) => match[1]));
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, key = '', name = '', value = ''] = /^((\w+)(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      expect(names.has(name), line).toBe(true);
      expect(Number.isFinite(Number(value)), line).toBe(true);
      return [key, Number(value)];
    }),
  );
}

describe('Offhook metrics of the Worker', () => {
  it('counts requests and updates of this isolate, without a name of anybody', async () => {
    const before = await samples();
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    await report([alice.next(say.online('sip:x@1', {})), { status: 'nonsense' }]);
    await request(`/v1/presence/${alice.user}`);
    await request('/v1/presence/nobody');
    await request('/nothing/at/all');
    const after = await samples();
    const rise = (key: string) => (after.get(key) ?? 0) - (before.get(key) ?? 0);
    const requests = (route: string, method: string, status: number) =>
      rise(`offhook_isolate_requests_total{method="${method}",route="${route}",status="${status}"}`);
    expect([requests('/v1/updates', 'POST', 200), requests('/v1/presence/:user', 'GET', 200)]).toEqual([2, 1]);
    expect([requests('/v1/presence/:user', 'GET', 400), requests('/metrics', 'GET', 200)]).toEqual([1, 1]);
    expect(rise('offhook_isolate_updates_total{verdict="accepted"}')).toBe(3);
    expect(rise('offhook_isolate_updates_total{verdict="rejected"}')).toBe(1);
    const keys = [...after.keys()].join('\n');
    expect(keys).not.toMatch(/alice|nobody|nothing/);
    expect(keys).toMatch(/^offhook_isolate_info\{id="[0-9a-f-]{36}"\}$/m);
  });

  it("tells a domain's users by status and its open watches, from its boards", async () => {
    const domain = newDomain();
    const streams = ['a', 'b', 'c'].map((name) => newStream(name, domain));
    for (const stream of streams) await report([stream.next(say.online())]);
    await report([(streams[0] as (typeof streams)[0]).next(say.talking('c1'))]);
    const watcher = await TestWatcher.open(`domain=${domain}`);
    const told = await samples(`?domain=${domain}`);
    expect([
      told.get(`offhook_users{domain="${domain}",status="available"}`),
      told.get(`offhook_users{domain="${domain}",status="talking"}`),
    ]).toEqual([2, 1]);
    expect(told.get(`offhook_watches{domain="${domain}"}`)).toBeGreaterThan(0);
    watcher.socket.close();
  });

  it('is for tokens of scope metrics or admin, of the domains that they cover', async () => {
    const domain = newDomain();
    const scrape = await bearer({ scope: ['metrics'], domain });
    expect((await samples(`?domain=${domain}`, scrape)).size).toBeGreaterThan(3);
    expect(await problemOf(await request(`/v1/domains/${domain}/presence`, { headers: scrape }))).toBe('403');
    expect(await problemOf(await request(`/metrics?domain=${newDomain()}`, { headers: scrape }))).toBe('403');
    expect(await problemOf(await request('/metrics', { headers: await bearer({ scope: ['read', 'write'] }) }))).toBe('403');
    const some = await bearer({ scope: ['metrics'], domain, users: [`sip:alice@${domain}`] });
    expect(await problemOf(await request(`/metrics?domain=${domain}`, { headers: some }))).toBe('403');
  });

  it.each([
    ['?domain=@', '400 domain'],
    [`?${'domain=a.test&'.repeat(21)}`, '400 domain'],
    ['?user=a', '400 user'],
  ])('refuses %s', async (query, expected) => {
    expect(await problemOf(await request(`/metrics${query}`))).toBe(expected);
    expect((await post('/metrics', {})).status).toBe(405);
  });
});
