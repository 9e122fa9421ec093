import { describe, expect, it } from 'vitest';
import { isProblem, type OffhookOptions, OffhookProblem, offhook } from '../../worker/client/index.ts';
import { RETRY, retryPause, retryWait } from '../../worker/client/retry.ts';

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const json = (body: object, init: ResponseInit = {}) => Response.json(body, init);
const problem = (status: number, name: string, headers: Record<string, string> = {}, more: object = {}) =>
  json(
    { type: `/problems/${name}`, title: name, status, code: status * 100 + 1, detail: `it is ${name}`, ...more },
    { status, headers },
  );

/** A client before a Worker that gives these answers, one after the other, and what it was sent. */
function client(answers: readonly Response[], options: Partial<OffhookOptions> = {}) {
  const sent: Sent[] = [];
  const left = [...answers];
  const made = offhook({
    url: 'https://offhook.example/',
    token: 'token',
    fetch: async (url, { method = 'GET', headers, body }) => {
      const told = body === undefined ? undefined : JSON.parse(String(body));
      sent.push({ method, url, headers: headers as Record<string, string>, body: told });
      return left.shift() as Response;
    },
    retry: { longest: 0 },
    ...options,
  });
  return { made, sent, paths: () => sent.map(({ method, url }) => `${method} ${url.replace('https://offhook.example', '')}`) };
}

describe('Offhook client: requests', () => {
  it('escapes users and domains, and sends the token of the moment', async () => {
    let turn = 0;
    const { made, sent, paths } = client([json({ user: 'x' }), json({ entries: [] }), json({ users: [] }), json({})], {
      token: async () => `token-${++turn}`,
    });
    await made.presence('sip:a?b/c@example.com', { at: new Date(0) });
    for await (const _ of made.history('tel:+12015550123', { from: '2026-11-22T00:00:00Z', limit: 5 }));
    for await (const _ of made.list('[2001:db8::1]', { status: 'talking' }));
    await made.override('a@example.com').set({ activity: 'dnd', ifMatch: '"7"' });
    expect(paths()).toEqual([
      'GET /v1/presence/sip%3Aa%3Fb%2Fc%40example.com?at=1970-01-01T00%3A00%3A00.000Z',
      'GET /v1/presence/tel%3A%2B12015550123/history?from=2026-11-22T00%3A00%3A00Z&limit=5',
      'GET /v1/domains/%5B2001%3Adb8%3A%3A1%5D/presence?status=talking',
      'PUT /v1/presence/a%40example.com/override',
    ]);
    expect(sent.map(({ headers }) => headers.authorization)).toEqual([1, 2, 3, 4].map((n) => `Bearer token-${n}`));
    expect(sent[3]).toMatchObject({ headers: { 'if-match': '"7"' }, body: { activity: 'dnd' } });
  });

  it('reads page after page, and no further than the reader does', async () => {
    const pages = [json({ users: [{ user: 'a' }, { user: 'b' }], cursor: 'x y' }), json({ users: [{ user: 'c' }] })];
    const { made, paths } = client(pages);
    const listing = made.list('example.com', { limit: 2 })[Symbol.asyncIterator]();
    expect((await listing.next()).value).toMatchObject({ user: 'a' });
    await listing.next();
    expect(paths()).toHaveLength(1);
    expect((await listing.next()).value).toMatchObject({ user: 'c' });
    expect((await listing.next()).done).toBe(true);
    expect(paths()[1]).toBe('GET /v1/domains/example.com/presence?limit=2&cursor=x+y');
  });

  it('asks for more than 500 users in several requests, and keeps their order', async () => {
    const users = Array.from({ length: 501 }, (_, i) => `u${i}@example.com`);
    const answers = [json({ users: users.slice(0, 500).map((user) => ({ user })) }), problem(500, 'none')];
    const never = { type: '/problems/user-never-seen', title: 't', status: 404, code: 40402, detail: 'd' };
    const { made, sent } = client([answers[0] as Response, json({ users: [never] })]);
    const found = await made.query(users);
    expect(found.slice(0, 500)).toEqual(users.slice(0, 500).map((user) => ({ user })));
    expect(found.map(isProblem)).toEqual(users.map((_, i) => i === 500));
    expect(sent[1]?.body).toEqual({ users: ['u500@example.com'] });
  });

  it('is broken off by its signal, and by its time limit', async () => {
    const never = (_: string, { signal }: RequestInit) =>
      new Promise<Response>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    const ending = new AbortController();
    const asked = client([], { fetch: never }).made.presence('a@x.example', { signal: ending.signal });
    await Promise.resolve();
    ending.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    await expect(client([], { fetch: never, timeout: 1 }).made.presence('a@x.example')).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  it('is told by the ETag that nothing changed', async () => {
    const { made, sent } = client([json({ user: 'a' }, { headers: { etag: '"1"' } }), new Response(null, { status: 304 })]);
    expect(await made.presenceIfChanged('a@x.example')).toEqual({ changed: true, etag: '"1"', presence: { user: 'a' } });
    expect(await made.presenceIfChanged('a@x.example', '"1"')).toEqual({ changed: false, etag: '"1"' });
    expect(sent[1]?.headers['if-none-match']).toBe('"1"');
  });
});

describe('Offhook client: problems (RFC 9457)', () => {
  it('a user never seen is null where one document is asked for, and nothing else is', async () => {
    const unseen = () => problem(404, 'user-never-seen');
    const { made } = client([unseen(), problem(404, 'user-not-seen-yet'), unseen(), unseen(), problem(404, 'no-such-path')]);
    expect(await made.presence('a@x.example')).toBeNull();
    expect(await made.presence('a@x.example', { at: '2020-01-01T00:00:00Z' })).toBeNull();
    expect(await made.why('a@x.example')).toBeNull();
    expect(await made.presenceIfChanged('a@x.example')).toMatchObject({ changed: true, presence: null });
    await expect(made.presence('a@x.example')).rejects.toMatchObject({ kind: 'no-such-path' });
  });

  it('are thrown with all that the Worker tells', async () => {
    const { made } = client([problem(422, 'invalid-body', { 'retry-after': '7' }, { field: 'note', requestId: 'ray' })]);
    const error = await made
      .override('a@x.example')
      .set({ activity: 'away', note: '' })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OffhookProblem);
    expect(error).toMatchObject({
      ...{ name: 'OffhookProblem', message: 'it is invalid-body', kind: 'invalid-body', type: '/problems/invalid-body' },
      ...{ status: 422, code: 42201, field: 'note', requestId: 'ray', retryAfter: 7 },
    });
  });

  it('are told of whatever answers in the place of the Worker', async () => {
    const page = (status: number) => new Response('<html>', { status, statusText: 'Bad Gateway' });
    const { made } = client([page(502), page(200)]);
    await expect(made.presence('a@x.example')).rejects.toMatchObject({
      type: 'about:blank',
      status: 502,
      message: 'Bad Gateway',
    });
    await expect(made.presence('a@x.example')).rejects.toMatchObject({ status: 200, title: 'Not an answer of Offhook' });
    expect(() => offhook({ url: 'offhook.example', token: '' })).toThrow('url: offhook.example');
    const torn = client([], { token: 'a token\n' });
    await expect(torn.made.presence('a@x.example')).rejects.toMatchObject({ kind: 'invalid-token', status: 401 });
    const watch = torn.made.watch({ domain: 'x.example' });
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'invalid-token' });
  });
});

describe('Offhook client: RFC 9110 10.2.3 Retry-After', () => {
  it('what reads is tried again after 429 and 503, so many times; what changes something is not', async () => {
    const busy = (seconds = '0') => problem(429, 'too-many-requests', { 'retry-after': seconds });
    const reading = client([busy(), problem(503, 'unavailable', { 'retry-after': '0' }), json({ user: 'a' })]);
    expect(await reading.made.presence('a@x.example')).toEqual({ user: 'a' });
    const query = client([busy(), json({ users: [] })]);
    expect(await query.made.query(['a@x.example'])).toEqual([]);
    const givesUp = client([busy(), busy(), busy()], { retry: { attempts: 2, longest: 0 } });
    await expect(givesUp.made.presence('a@x.example')).rejects.toMatchObject({ status: 429 });
    expect(givesUp.sent).toHaveLength(2);
    const tooLong = client([busy('1')]);
    await expect(tooLong.made.presence('a@x.example')).rejects.toMatchObject({ retryAfter: 1 });
    const setting = client([busy()]);
    await expect(setting.made.override('a@x.example').clear()).rejects.toMatchObject({ status: 429 });
    expect(setting.sent).toHaveLength(1);
  });

  it('a wait that was begun ends with the signal', async () => {
    const ending = new AbortController();
    const { made } = client([problem(503, 'unavailable', { 'retry-after': '9' })], { retry: { longest: 10_000 } });
    const asked = made.presence('a@x.example', { signal: ending.signal });
    setTimeout(() => ending.abort(new Error('enough')), 20);
    await expect(asked).rejects.toThrow('enough');
  });

  it('never waits less than it is told, and spreads those who were refused together', () => {
    const told = (retryAfter: number | undefined, made = 1, chance = 0) =>
      retryWait({ status: 503, kind: 'unavailable', retryAfter }, made, RETRY, chance);
    expect([told(2), told(2, 1, 1), told(10, 3), told(11), told(2, 4)]).toEqual([2000, 2500, 10_000, undefined, undefined]);
    expect([told(undefined), told(undefined, 1, 1), told(undefined, 3)]).toEqual([1000, 500, 4000]);
    for (const [status, kind] of [
      [404, 'x'],
      [500, 'fault'],
      [503, 'no-secret'],
    ] as const) {
      expect(retryWait({ status, kind, retryAfter: 1 }, 1, RETRY, 0)).toBeUndefined();
    }
    expect([1, 2, 3, 7, 1000].map((attempt) => retryPause(attempt, 0))).toEqual([500, 1000, 2000, 30_000, 30_000]);
    expect(retryPause(1, 1)).toBe(250);
  });
});
