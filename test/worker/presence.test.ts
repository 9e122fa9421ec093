import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../worker/protocol/index.ts';
import { newDomain, newStream, okay, post, problemOf, report, request, say } from './support/client.ts';
import { upgrade } from './support/watcher.ts';

describe('Offhook GET /v1/presence/{user}', () => {
  it('takes the user bare, as a URI, and escaped', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    for (const name of [alice.user, alice.user.slice(4), encodeURIComponent(alice.user)]) {
      expect(await okay(await request(`/v1/presence/${name}`))).toMatchObject({ user: alice.user, status: 'available' });
    }
  });

  it('has the version as ETag, and answers 304 while it stands (RFC 9110 13.1.2)', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    const ask = (tag: string) => request(`/v1/presence/${alice.user}`, { headers: { 'if-none-match': tag } });
    for (const tag of ['"1"', 'W/"1"', '"0", "1"', '*']) {
      const response = await ask(tag);
      expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([304, '"1"', '']);
    }
    await report([alice.next(say.talking('c1'))]);
    expect((await ask('"1"')).headers.get('etag')).toBe('"2"');
  });

  it('refuses a parameter that it does not have: what was asked would not be what is answered', async () => {
    const { user } = newStream('alice');
    for (const path of [`${user}?when=2026-11-22T10:00:00Z`, `${user}/history?until=2026-11-22T10:00:00Z`]) {
      expect(await problemOf(await request(`/v1/presence/${path}`))).toMatch(/^400 (when|until)$/);
    }
    expect(await problemOf(await request(`/v1/watch?domain=example.com&at=4`))).toBe('400 at');
  });

  it('may be read by a page from elsewhere that has a token', async () => {
    const { user } = newStream('alice');
    const headers = { origin: 'https://app.test', 'access-control-request-method': 'GET', authorization: '' };
    const preflight = await request(`/v1/presence/${user}`, { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
    const response = await request(`/v1/presence/${user}`, { headers: { origin: 'https://app.test' } });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([404, '*']);
    const waiting = await request('/v1/watches/nobody@example.com', { method: 'POST', body: '{}' });
    expect([waiting.status, waiting.headers.get('access-control-allow-origin')]).toEqual([422, '*']);
  });
});

describe('Offhook POST /v1/presence/query', () => {
  it('answers in the order asked, each a document or a problem', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    const users = ['sip:nobody@example.com', alice.user, 'nonsense', alice.user];
    const answer = await okay<{ users: object[] }>(await post('/v1/presence/query', { users }));
    expect(answer.users).toMatchObject([
      { type: '/problems/user-never-seen', status: 404 },
      { user: alice.user, version: 1 },
      { type: '/problems/bad-user', status: 400, field: 'user' },
      { user: alice.user, version: 1 },
    ]);
  });

  it.each([
    ['no JSON', 'x', '400'],
    ['no list', {}, '422 users'],
    ['a number', { users: [1] }, '422 users[0]'],
    ['too many', { users: new Array(LIMITS.queryUsers + 1).fill('a@b') }, '422 users'],
  ])('refuses %s', async (_, body, problem) => {
    expect(await problemOf(await post('/v1/presence/query', body))).toBe(problem);
  });
});

describe('RFC 9457 problems', () => {
  const many = Array.from({ length: LIMITS.watchUsers + 1 }, (_, i) => `user=u${i}@example.com`).join('&');
  it.each([
    ['/v1/presence/nonsense', '400 user'],
    [`/v1/presence/${'a'.repeat(300)}@example.com`, '400 user'],
    ['/v1/presence/a%00b@example.com', '400 user'],
    ['/v1/presence/%ff@example.com', '404'],
    ['/v1/presence/alice@example.com/history?limit=0', '400 limit'],
    ['/v1/presence/alice@example.com/history?limit=1e9', '400 limit'],
    ['/v1/presence/alice@example.com/history?cursor=-1', '400 cursor'],
    ['/v1/presence/alice@example.com/history?cursor=42', '400 cursor'],
    ['/v1/presence/alice@example.com/history?cursor=aDBh', '400 cursor'],
    ['/v1/presence/alice@example.com/history?from=yesterday', '400 from'],
    ['/v1/presence/alice@example.com/history?from=2026-02-30T00:00:00Z', '400 from'],
    ['/v1/presence/alice@example.com/history?from=2026-11-22T10:00:00Z&to=2026-11-22T09:59:59Z', '400 to'],
    ['/v1/presence/alice@example.com?at=2026-11-22', '400 at'],
    ['/v1/presence/alice@example.com?at=2999-01-01T00:00:00Z', '400 at'],
    ['/v1/presence/alice@example.com/why', '404'],
    ['/v1/presence/nonsense/why', '400 user'],
    ['/v1/domains/a%20b/presence', '400 domain'],
    ['/v1/domains/example.com;x/presence', '400 domain'],
    ['/v1/domains/example.com/presence?status=asleep', '400 status'],
    ['/v1/domains/example.com/presence?limit=501', '400 limit'],
    ['/v1/domains/example.com/presence?cursor=%00', '400 cursor'],
    ['/v1/watch', '426'],
    ['/v1/nothing', '404'],
    ['/nothing', '404'],
  ])('GET %s', async (path, problem) => {
    expect(await problemOf(await request(path))).toBe(problem);
  });

  it.each([
    ['', '400 user'],
    ['domain=a.test&user=a@a.test', '400 user'],
    ['domain=a.test&domain=b.test', '400 domain'],
    ['domain=a%20b', '400 domain'],
    ['user=nonsense', '400 user'],
    [many, '400 user'],
  ])('GET /v1/watch, bad query %#', async (query, problem) => {
    expect(await problemOf(await upgrade(query))).toBe(problem);
  });

  it.each([
    ['DELETE', '/v1/updates', 'POST'],
    ['PUT', '/v1/presence/alice@example.com', 'GET, HEAD, DELETE'],
    ['POST', '/v1/domains/example.com/presence', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
  ])('%s %s: 405 with Allow', async (method, path, allow) => {
    const response = await request(path, { method });
    expect([await problemOf(response), response.headers.get('allow')]).toEqual(['405', allow]);
  });

  it('answers HEAD as GET without the body', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online())]);
    const response = await request(`/v1/presence/${alice.user}`, { method: 'HEAD' });
    expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([200, '"1"', '']);
  });
});

describe('Offhook GET /', () => {
  it('is a page that may load nothing from elsewhere, for anybody', async () => {
    const response = await request('/', { headers: { authorization: '' } });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await response.text()).toMatch(/^<!doctype html>/);
  });
});
