import { createExecutionContext, evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import type { PresenceDocument } from '../../worker/protocol/index.ts';
import { app } from '../../worker/routes/app.ts';
import { fingerprint } from '../../worker/routes/token.ts';
import { bearer, newDomain, newStream, okay, post, problemOf, report, request, say, token } from './support/client.ts';
import { holdTo } from './support/contract.ts';
import { boardObject } from './support/objects.ts';
import { TestWatcher, upgrade } from './support/watcher.ts';

interface Listing {
  readonly users: readonly PresenceDocument[];
  readonly cursor?: string;
}

describe('Offhook access tokens: several domains', () => {
  it('a token of several domains reads each of them and no other', async () => {
    const [a, b, c] = [newDomain(), newDomain(), newDomain()];
    const headers = await bearer({ scope: ['read'], domain: [a, b.toUpperCase()] });
    const statuses = [];
    for (const domain of [a, b, c]) {
      statuses.push((await request(`/v1/domains/${domain}/presence`, { headers })).status);
      statuses.push((await request(`/v1/presence/alice@${domain}`, { headers })).status);
    }
    expect(statuses).toEqual([200, 404, 200, 404, 403, 403]);
  });
});

describe('Offhook access tokens: single users', () => {
  /** Alice and bob of one domain, on the phone, and a token that covers alice and somebody of another domain. */
  const scene = async (detail: 'full' | 'busy-only' = 'full') => {
    const domain = newDomain();
    const [alice, bob] = [newStream('alice', domain), newStream('bob', domain)];
    await report([alice.next(say.online()), alice.next(say.talking('c1')), bob.next(say.online())]);
    const users = [alice.user.toUpperCase().replace('SIP:ALICE', 'alice'), `sip:carol@${newDomain()}`];
    return {
      domain,
      alice,
      bob,
      users,
      headers: await bearer({ scope: ['read'], detail, users: [alice.user, users[1] as string] }),
    };
  };

  it('only the users named are read, by whatever way', async () => {
    const { domain, alice, bob, headers } = await scene();
    expect((await request(`/v1/presence/${alice.user}`, { headers })).status).toBe(200);
    expect((await request(`/v1/presence/${alice.user}/history`, { headers })).status).toBe(200);
    for (const path of [`/v1/presence/${bob.user}`, `/v1/presence/${bob.user}/history`, `/v1/presence/never@${domain}`])
      expect(await problemOf(await request(path, { headers }))).toBe('403');
    const asked = await okay<{ users: { user?: string; status: unknown }[] }>(
      await post('/v1/presence/query', { users: [alice.user, bob.user] }, headers),
    );
    expect(asked.users).toMatchObject([{ user: alice.user }, { status: 403 }]);
    expect(await problemOf(await upgrade(`user=${alice.user}&user=${bob.user}`, headers))).toBe('403');
  });

  it('a listing of their domain holds them alone, and a domain of none of them is refused', async () => {
    const { domain, alice, headers } = await scene();
    for (const query of ['', '?status=talking', '?limit=1']) {
      const list = await okay<Listing>(await request(`/v1/domains/${domain}/presence${query}`, { headers }));
      expect([list.users.map(({ user }) => user), list.cursor]).toEqual([[alice.user], undefined]);
    }
    expect((await okay<Listing>(await request(`/v1/domains/${domain}/presence?status=offline`, { headers }))).users).toEqual([]);
    expect(await problemOf(await request(`/v1/domains/${newDomain()}/presence`, { headers }))).toBe('403');
    expect(await problemOf(await upgrade(`domain=${newDomain()}`, headers))).toBe('403');
  });

  it('a watch of their domain tells of them alone, after an eviction too', async () => {
    const { domain, alice, bob, headers } = await scene();
    const watcher = await TestWatcher.open(`domain=${domain}`, headers);
    expect(watcher.snapshot.map(({ user }) => user)).toEqual([alice.user]);
    await evictDurableObject(boardObject(alice.user));
    await report([bob.next(say.talking('c2')), alice.next(say.idle('c1'))]);
    expect((await watcher.changes(1)).map(({ user }) => user)).toEqual([alice.user]);
    watcher.socket.close();
  });

  it('nothing is reported of any other', async () => {
    const { alice, bob, headers: _ } = await scene();
    const headers = await bearer({ scope: ['ingest'], users: [alice.user] });
    const updates = [alice.next(say.idle('c1')), bob.next(say.offline())];
    const answer = await post('/v1/updates', { version: 1, site: 'site-a', sentAt: Date.now(), updates }, headers);
    expect((await okay<{ results: object[] }>(answer)).results).toMatchObject([
      { verdict: 'accepted' },
      { verdict: 'rejected', field: 'updates[1].user' },
    ]);
  });

  it('that holds no lease can report no terminal without an end: nothing would ever end it', async () => {
    const { alice, domain } = await scene();
    const headers = await bearer({ scope: ['ingest'], domain });
    const online = (expires: number | null) => alice.next(say.online('sip:a@2', { expires }));
    const send = async (updates: readonly object[], more: object = {}) => {
      const body = { version: 1, site: 'site-a', sentAt: Date.now(), updates };
      const answer = await post('/v1/updates', body, { ...headers, ...more });
      return (await okay<{ results: object[] }>(answer)).results;
    };
    const first = online(Date.now() + 60_000);
    const snapshot = alice.next(say.snapshot([say.terminal('sip:a@1', { expires: Date.now() + 60_000 }), say.terminal()], []));
    expect(await send([first, online(null), snapshot])).toMatchObject([
      { verdict: 'accepted' },
      { verdict: 'rejected', field: 'updates[1].terminal.expires' },
      { verdict: 'rejected', field: 'updates[2].terminals[1].expires' },
    ]);
    const own = await bearer({ scope: ['ingest'], domain, site: 'site-a' });
    expect(await send([{ ...online(null), previous: first.sequence }], own)).toMatchObject([{ verdict: 'accepted' }]);
  });

  it('busy-only tells neither why a call ended nor where it was', async () => {
    const { alice, headers } = await scene('busy-only');
    await report([alice.next(say.idle('c1'))]);
    const history = await okay<{ entries: object[] }>(await request(`/v1/presence/${alice.user}/history`, { headers }));
    expect(history.entries[0]).toMatchObject({ status: 'available', cause: { by: 'update', status: 'idle' } });
    expect(JSON.stringify(history)).not.toMatch(/site-a|reason|sequence/);
  });
});

describe('Offhook access tokens: replacing the secret', () => {
  const [before, after] = ['the secret before, which is long enough', 'the secret after it, which is long enough'];

  /** The status that a token gets where these secrets are set. */
  async function statusOf(made: string, current: string, previous?: string | null): Promise<number> {
    const bindings = { ...env, OFFHOOK_SECRET: current, OFFHOOK_SECRET_PREVIOUS: previous ?? null };
    const headers = { authorization: `Bearer ${made}` };
    const path = `https://offhook.test/v1/domains/${newDomain()}/presence`;
    const asked = new Request(path, { headers });
    return (await holdTo(asked, await app.fetch(asked, bindings, createExecutionContext()))).status;
  }

  /** A token as `offhook token` makes it: with the fingerprint of its secret. */
  const named = async (secret: string) => {
    const key = { kty: 'oct', k: btoa(secret).replaceAll('=', ''), alg: 'HS256', kid: await fingerprint(secret) };
    return sign({ scope: ['read'], domain: '*', iat: 1 }, key as never, 'HS256');
  };

  it.each([
    ['with kid', named],
    ['without kid', (secret: string) => token({}, secret)],
  ])('tokens of both secrets are good while both are set, and of the current one alone after that (%s)', async (_, make) => {
    const [old, fresh] = [await make(before), await make(after)];
    expect([await statusOf(old, before), await statusOf(fresh, before)]).toEqual([200, 401]);
    expect([await statusOf(old, after, before), await statusOf(fresh, after, before)]).toEqual([200, 200]);
    expect([await statusOf(old, after), await statusOf(fresh, after)]).toEqual([401, 200]);
    expect(await statusOf(old, after, 'too short')).toBe(401);
  });

  it('the fingerprint of a secret is the one that `offhook token` writes', async () => {
    expect(await fingerprint('k'.repeat(32))).toBe('rLtDWSn0GZ0');
    expect(await fingerprint(before)).not.toBe(await fingerprint(after));
  });

  it('a token that names another secret than it was signed with is refused', async () => {
    const [header = ''] = (await named(before)).split('.');
    const [, payload = ''] = (await named(after)).split('.');
    const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(after), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ]);
    const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${header}.${payload}`));
    const text = btoa(String.fromCharCode(...new Uint8Array(signature)));
    const mixed = `${header}.${payload}.${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
    expect(await statusOf(mixed, after, before)).toBe(401);
  });
});
