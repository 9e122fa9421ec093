import { createExecutionContext, listDurableObjectIds } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import { app } from '../../worker/routes/app.ts';
import type { Word } from '../presence/support/site.ts';
import { bearer, newDomain, newStream, okay, post, problemOf, report, request, say, token } from './support/client.ts';
import { holdTo } from './support/contract.ts';
import { upgrade } from './support/watcher.ts';

const now = () => Math.floor(Date.now() / 1000);

/** One request to each path that needs a token, about a user of `domain`. */
const requests = (domain: string) => {
  const user = `sip:alice@${domain}`;
  const batch = { version: 1, site: 'site-a', sentAt: Date.now(), updates: [] };
  return {
    ingest: [(headers: Record<string, string>) => post('/v1/updates', batch, headers)],
    read: [
      (headers: Record<string, string>) => request(`/v1/presence/${user}`, { headers }),
      (headers: Record<string, string>) => request(`/v1/presence/${user}/history`, { headers }),
      (headers: Record<string, string>) => post('/v1/presence/query', { users: [] }, headers),
      (headers: Record<string, string>) => request(`/v1/domains/${domain}/presence`, { headers }),
      (headers: Record<string, string>) => upgrade(`domain=${domain}`, headers),
    ],
  };
};

describe('RFC 6750 bearer tokens: who gets in', () => {
  const table: [string, () => Promise<string>, number, string][] = [
    ['no token', async () => '', 401, 'Bearer realm="offhook"'],
    ['no bearer', async () => 'Basic YTpi', 401, 'Bearer realm="offhook"'],
    ['garbage', async () => 'Bearer garbage', 401, 'Bearer realm="offhook", error="invalid_token"'],
    [
      'another secret',
      async () => `Bearer ${await token({}, 'another secret that is long enough')}`,
      401,
      'error="invalid_token"',
    ],
    ['an expired token', async () => `Bearer ${await token({ exp: now() - 1 })}`, 401, 'error="invalid_token"'],
    [
      'algorithm none',
      async () => `Bearer ${btoa('{"alg":"none"}')}.${btoa('{"scope":["admin"],"domain":"*","iat":1}')}.`,
      401,
      'Bearer',
    ],
    [
      'another algorithm',
      async () => `Bearer ${await sign({ scope: ['admin'], domain: '*', iat: 1 }, env.OFFHOOK_SECRET, 'HS512')}`,
      401,
      'invalid_token',
    ],
    ['no claims of ours', async () => `Bearer ${await sign({ sub: 'me' }, env.OFFHOOK_SECRET, 'HS256')}`, 401, 'invalid_token'],
    ['an unknown scope', async () => `Bearer ${await token({ scope: ['root'] as never })}`, 401, 'invalid_token'],
    ['no scope', async () => `Bearer ${await token({ scope: [] })}`, 403, 'error="insufficient_scope"'],
    ['scope write', async () => `Bearer ${await token({ scope: ['write'] })}`, 403, 'error="insufficient_scope", scope="'],
  ];

  it.each(table)('%s: refused on every path, and no object is reached', async (_, authorization, status, challenge) => {
    const domain = newDomain();
    const objects = (await listDurableObjectIds(env.BOARD)).length + (await listDurableObjectIds(env.USER)).length;
    const { ingest, read } = requests(domain);
    for (const send of [...ingest, ...read]) {
      const response = await send({ authorization: await authorization() });
      expect(await problemOf(response)).toBe(String(status));
      expect(response.headers.get('www-authenticate')).toContain(challenge);
    }
    expect((await listDurableObjectIds(env.BOARD)).length + (await listDurableObjectIds(env.USER)).length).toBe(objects);
  });

  it.each([
    ['ingest', ['ingest'], true, false],
    ['read', ['read'], false, true],
    ['admin', ['admin'], true, true],
    ['both', ['read', 'ingest'], true, true],
  ] as const)('scope %s opens its own paths and no other', async (_, scope, mayIngest, mayRead) => {
    const { ingest, read } = requests(newDomain());
    const headers = await bearer({ scope, exp: now() + 60 });
    for (const send of ingest) expect((await send(headers)).status !== 403).toBe(mayIngest);
    for (const send of read) {
      const response = await send(headers);
      expect(response.status !== 403).toBe(mayRead);
      response.webSocket?.accept();
      response.webSocket?.close();
    }
  });

  it('a token for one domain reads no other, and its own in any case', async () => {
    const alice = newStream('alice', 'own.test');
    await report([alice.next(say.online())]);
    const headers = await bearer({ domain: 'OWN.test' });
    for (const send of requests('other.test').read.filter((_, i) => i !== 2))
      expect(await problemOf(await send(headers))).toBe('403');
    expect((await request(`/v1/presence/${alice.user.replace('own.test', 'OWN.TEST')}`, { headers })).status).toBe(200);
    const answer = await okay<{ users: { user?: string; status: unknown }[] }>(
      await post('/v1/presence/query', { users: [alice.user, 'sip:bob@other.test'] }, headers),
    );
    expect(answer.users).toMatchObject([{ user: alice.user, status: 'available' }, { status: 403 }]);
    expect(await problemOf(await upgrade(`user=${alice.user}&user=bob@other.test`, headers))).toBe('403');
  });

  it('a token for one domain reports no user of another', async () => {
    const mine = newStream('alice', 'own.test');
    const other = newStream('bob', 'other.test');
    const updates = [other.next(say.online()), mine.next(say.talking('c1'))];
    const response = await post(
      '/v1/updates',
      { version: 1, site: 'a', sentAt: Date.now(), updates },
      await bearer({ domain: 'own.test' }),
    );
    expect((await okay<{ results: object[] }>(response)).results).toMatchObject([
      { verdict: 'rejected', field: 'updates[0].user' },
      { verdict: 'accepted' },
    ]);
    expect((await request(`/v1/presence/${other.user}`)).status).toBe(404);
  });

  it('a token for one site reports for no other', async () => {
    const batch = { version: 1, site: 'site-b', sentAt: Date.now(), updates: [] };
    expect(await problemOf(await post('/v1/updates', batch, await bearer({ site: 'site-a' })))).toBe('403 site');
    expect((await post('/v1/updates', { ...batch, site: 'site-a' }, await bearer({ site: 'site-a' }))).status).toBe(200);
  });

  it('what a token may not see is not in the answer', async () => {
    const alice = newStream('alice', newDomain());
    const moved = { ...say.idle('c2'), reason: { cause: 'rejected', status: 302, text: 'moved to bob' } } as Word;
    await report([say.online(), say.early('c2'), moved, say.talking('c1')].map((word) => alice.next(word)));
    const headers = await bearer({ scope: ['read'], detail: 'direction' });
    const domain = alice.user.split('@')[1];
    for (const response of [
      await request(`/v1/presence/${alice.user}`, { headers }),
      await post('/v1/presence/query', { users: [alice.user] }, headers),
      await request(`/v1/domains/${domain}/presence`, { headers }),
      await request(`/v1/presence/${alice.user}/history`, { headers }),
    ]) {
      const text = await response.text();
      expect(text).toContain('talking');
      expect(text).not.toMatch(/bob|PCMA|c1@192/);
    }
  });
});

describe('Offhook without a secret', () => {
  it.each([undefined, '', 'too short'])('answers nothing but /healthz (%s)', async (secret) => {
    const bare = { ...env, OFFHOOK_SECRET: secret as string };
    const ask = async (path: string) => {
      const asked = new Request(`https://offhook.test${path}`, { headers: await bearer() });
      return holdTo(asked, await app.fetch(asked, bare, createExecutionContext()));
    };
    for (const path of ['/', '/v1/presence/sip:a@example.com', '/v1/watch', '/nothing'])
      expect(await problemOf(await ask(path))).toBe('503');
    expect(await (await ask('/healthz')).json()).toEqual({ status: 'ok' });
  });
});
