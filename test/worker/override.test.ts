import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { LIMITS, type PresenceDocument } from '../../worker/protocol/index.ts';
import { bearer, newDomain, newStream, okay, presence, problemOf, report, request, say } from './support/client.ts';
import { boardObject, userObject } from './support/objects.ts';
import { TestWatcher } from './support/watcher.ts';

const put = (user: string, body: unknown, headers: Record<string, string> = {}) =>
  request(`/v1/presence/${encodeURIComponent(user)}/override`, {
    method: 'PUT',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const del = (user: string, query = '', headers: Record<string, string> = {}) =>
  request(`/v1/presence/${encodeURIComponent(user)}/override${query}`, { method: 'DELETE', headers });
const list = async (user: string, headers: Record<string, string> = {}) =>
  (await okay<{ overrides: object[] }>(await request(`/v1/presence/${encodeURIComponent(user)}/override`, { headers })))
    .overrides;

describe('Offhook PUT and DELETE /v1/presence/{user}/override', () => {
  it('shows somebody’s word apart from what is observed, in reads, lists and pushes, until it is taken back', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    const answer = await put(alice.user, { activity: 'dnd', note: 'in a meeting', expiresIn: 600, by: 'person' });
    expect(answer.headers.get('etag')).toBe('"3"');
    expect(await okay(answer)).toMatchObject({ by: 'person', activity: 'dnd', note: 'in a meeting', effective: true });
    const document = await presence(alice.user);
    expect(document).toMatchObject({
      status: 'dnd',
      terminalStatus: 'online',
      callStatus: 'talking',
      override: { activity: 'dnd', note: 'in a meeting' },
      version: 3,
    });
    expect(Math.abs(Date.parse(document.override?.expires ?? '') - Date.now() - 600_000)).toBeLessThan(60_000);
    const listed = await okay<{ users: PresenceDocument[] }>(
      await request(`/v1/domains/${alice.user.split('@')[1]}/presence?status=dnd`),
    );
    expect(listed.users).toEqual([document]);
    const busy = await bearer({ scope: ['read'], detail: 'busy-only' });
    for (const path of ['', '/history', '/why', `?at=${new Date().toISOString()}`]) {
      const seen = await (await request(`/v1/presence/${alice.user}${path}`, { headers: busy })).text();
      expect(seen).toContain('dnd');
      expect(seen).not.toMatch(/meeting|person/);
    }
    expect((await del(alice.user, '?by=person')).status).toBe(204);
    expect(await presence(alice.user)).toMatchObject({ status: 'talking', override: null, version: 4 });
    expect((await watcher.changes(2)).map(({ status }) => status)).toEqual(['dnd', 'talking']);
    watcher.socket.close();
  });

  it('survives a loss of memory, and ends by the alarm of the object, once', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online())]);
    const watcher = await TestWatcher.open(`user=${alice.user}`);
    await put(alice.user, { activity: 'away', expiresIn: 1 });
    await evictDurableObject(userObject(alice.user));
    expect((await watcher.changes(2)).map(({ status, version }) => [status, version])).toEqual([
      ['away', 2],
      ['available', 3],
    ]);
    const { entries } = await okay<{ entries: { cause: object }[] }>(await request(`/v1/presence/${alice.user}/history`));
    expect(entries.map(({ cause }) => cause)).toMatchObject([
      { by: 'deadline', what: 'override-expired' },
      { by: 'override', activity: 'away' },
      { by: 'update' },
    ]);
    watcher.socket.close();
  });

  it('keeps those of several applications side by side, named by the request or by their token', async () => {
    const { user } = newStream('alice');
    await put(user, { activity: 'busy', application: 'crm' });
    await put(user, { activity: 'away', note: 'lunch' }, await bearer({ sub: 'calendar' }));
    await put(user, { activity: 'away' }, await bearer({ jti: 'token-7' }));
    await put(user, { activity: 'available' }, await bearer({ sub: user.slice(4) }));
    expect(await list(user)).toMatchObject([
      { by: 'application', application: 'crm', activity: 'busy', effective: false },
      { by: 'application', application: 'calendar', activity: 'away', note: 'lunch', effective: false },
      { by: 'application', application: 'token-7', activity: 'away', effective: false },
      { by: 'person', activity: 'available', effective: true },
    ]);
    const bare = await list(user, await bearer({ detail: 'busy-only' }));
    expect(bare.at(-1)).toMatchObject({ activity: 'available', effective: true });
    expect(JSON.stringify(bare)).not.toMatch(/lunch|crm|token-7|"by"/);
    await del(user, '', await bearer({ sub: user }));
    expect(await presence(user)).toMatchObject({ status: 'busy', terminalStatus: 'offline' });
    await del(user, '?application=crm');
    expect(await presence(user)).toMatchObject({ status: 'away' });
  });

  it('may be repeated: the same request changes neither the version nor the storage', async () => {
    const { user } = newStream('alice');
    const body = () =>
      runInDurableObject(userObject(user), (_, { storage }) => storage.sql.exec('SELECT body FROM record').one());
    await put(user, { activity: 'dnd' });
    const before = await body();
    expect((await put(user, { activity: 'dnd' })).headers.get('etag')).toBe('"1"');
    expect(await body()).toEqual(before);
    for (const tag of ['"2"', '"2"']) expect((await del(user)).headers.get('etag')).toBe(tag);
  });

  it('makes a change only at the version expected (RFC 9110 13.1.1)', async () => {
    const { user } = newStream('alice');
    expect(await problemOf(await put(user, { activity: 'dnd' }, { 'if-match': '*' }))).toBe('412 if-match');
    await put(user, { activity: 'dnd' });
    for (const tag of ['"2"', 'W/"1"', '"x"', '"2-k1"']) {
      expect(await problemOf(await put(user, { activity: 'busy' }, { 'if-match': tag }))).toBe('412 if-match');
      expect(await problemOf(await del(user, '', { 'if-match': tag }))).toBe('412 if-match');
    }
    expect(await problemOf(await put(user, { activity: 'busy' }, { 'if-match': '1' }))).toBe('400 if-match');
    expect((await put(user, { activity: 'busy' }, { 'if-match': '"0", "1-k1"' })).status).toBe(200);
    expect((await del(user, '', { 'if-match': '*' })).status).toBe(204);
  });

  it.each([
    ['no JSON', 'x', '400'],
    ['no activity', {}, '422 activity'],
    ['an unknown activity', { activity: 'talking' }, '422 activity'],
    ['a life of nothing', { activity: 'dnd', expiresIn: 0 }, '422 expiresIn'],
    ['too long a life', { activity: 'dnd', expiresIn: LIMITS.overrideMax + 1 }, '422 expiresIn'],
    ['too long a note', { activity: 'dnd', note: 'x'.repeat(LIMITS.overrideNote + 1) }, '422 note'],
    ['a note of two lines', { activity: 'dnd', note: 'a\r\nb' }, '422 note'],
    ['a person who is an application', { activity: 'dnd', by: 'person', application: 'crm' }, '422 application'],
  ])('refuses %s, and creates nothing', async (_, body, problem) => {
    const { user } = newStream('alice');
    expect(await problemOf(await put(user, body))).toBe(problem);
    expect((await request(`/v1/presence/${user}`)).status).toBe(404);
  });

  it('says when there are too many side by side', async () => {
    const { user } = newStream('alice');
    for (let i = 0; i < LIMITS.overrides; i++) await put(user, { activity: 'away', application: `a${i}` });
    expect(await problemOf(await put(user, { activity: 'away', application: 'more' }))).toBe('409');
  });

  it('wants the scope write and a token that covers the user', async () => {
    const { user } = newStream('alice');
    const word = { activity: 'dnd' };
    expect(await problemOf(await put(user, word, await bearer({ scope: ['read', 'ingest'] })))).toBe('403');
    expect(await problemOf(await put(user, word, await bearer({ scope: ['write'], domain: 'other.test' })))).toBe('403');
    expect(await problemOf(await del(user, '', await bearer({ scope: ['read'] })))).toBe('403');
    expect((await put(user, word, await bearer({ scope: ['write'] }))).status).toBe(200);
  });

  it('creates nothing where an override is taken back, or listed, of a user never seen', async () => {
    const { user } = newStream('nobody');
    expect((await del(user)).status).toBe(204);
    expect(await problemOf(await request(`/v1/presence/${user}/override`))).toBe('404');
    expect(await boardObject(user).list(user.slice(0, -1), 1)).not.toMatchObject([{ user }]);
  });
});
