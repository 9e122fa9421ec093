import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { Context } from 'hono';
import { describe, expect, it } from 'vitest';
import type { TokenClaims } from '../../worker/protocol/index.ts';
import { type Act, type AuditDetail, type AuditEntry, audit } from '../../worker/routes/audit.ts';
import type { AppEnv } from '../../worker/routes/auth.ts';
import { bearer, newDomain, okay, problemOf, request } from './support/client.ts';

interface Page {
  readonly entries: readonly AuditEntry[];
  readonly cursor?: string;
}

const DAY = 86_400_000;
const object = () => env.ACCESS.getByName('access');

/** Notes an act as a route does. */
function note(act: Act, detail: AuditDetail, claims: Partial<TokenClaims> = {}): Promise<void> {
  const whole: TokenClaims = { scope: ['admin'], domain: '*', iat: 1, ...claims };
  return audit({ env, get: () => whole } as unknown as Context<AppEnv>, act, detail);
}

const read = async (query: string, claims: Partial<TokenClaims> = {}) =>
  okay<Page>(await request(`/v1/audit?${query}`, { headers: await bearer(claims) }));

describe('Offhook audit of administrative acts', () => {
  it('tells who did what, newest first, after an eviction too', async () => {
    const domain = newDomain();
    await note('override.set', { user: `sip:alice@${domain}`, note: 'dnd' }, { jti: 'j1', sub: 'Anna' });
    await note('webhook.create', { domain, target: 'wh_1' }, { jti: 'j2' });
    await evictDurableObject(object());
    // To read it is an act of an administrator, too.
    const entries = (await read('limit=3')).entries.filter(({ act }) => act !== 'admin.use').slice(0, 2);
    expect(entries).toEqual([
      {
        id: expect.any(Number),
        at: expect.any(String),
        act: 'webhook.create',
        token: 'j2',
        subject: null,
        domain,
        target: 'wh_1',
      },
      {
        id: (entries[0] as AuditEntry).id - 1,
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        act: 'override.set',
        token: 'j1',
        subject: 'Anna',
        domain,
        user: expect.stringMatching(/^user-[0-9a-f]{16}$/),
        note: 'dnd',
      },
    ]);
  });

  it('holds no user name, and finds the acts about a user all the same', async () => {
    const user = `sip:+4930123456@${newDomain()}`;
    await note('user.delete', { user });
    await note('user.delete', { user: `sip:other@${newDomain()}` });
    const stored = await runInDurableObject(object(), (_, { storage }) =>
      JSON.stringify(storage.sql.exec('SELECT * FROM audit').toArray()),
    );
    expect(stored).not.toContain('30123456');
    expect((await read(`user=${encodeURIComponent(user)}`)).entries.map(({ act }) => act)).toEqual(['user.delete']);
  });

  it('is told by page and from a time on', async () => {
    const domain = newDomain();
    for (const target of ['1', '2', '3']) await note('webhook.change', { domain, target });
    const first = await read('limit=2', { domain });
    const second = await read(`limit=2&cursor=${first.cursor}`, { domain });
    expect([...first.entries, ...second.entries].map(({ target }) => target)).toEqual(['3', '2', '1']);
    expect(second.cursor).toBeUndefined();
    expect((await read(`from=${new Date(Date.now() + DAY).toISOString()}`)).entries).toEqual([]);
  });

  it('shows a token its own domains alone, and no token of single users anything', async () => {
    const [own, other] = [newDomain(), newDomain()];
    for (const domain of [own, other]) await note('webhook.delete', { domain });
    await note('admin.use', {});
    expect((await read('', { domain: [own] })).entries.map(({ domain }) => domain)).toEqual([own]);
    const headers = await bearer({ domain: own, users: [`sip:alice@${own}`] });
    expect(await problemOf(await request('/v1/audit', { headers }))).toBe('403');
  });

  it.each([
    ['from=yesterday', 'from'],
    ['from=2026-13-01T00:00:00Z', 'from'],
    ['limit=501', 'limit'],
    ['cursor=x', 'cursor'],
    ['user=nobody', 'user'],
    ['to=1', 'to'],
  ])('refuses %s', async (query, field) => {
    expect(await problemOf(await request(`/v1/audit?${query}`))).toBe(`400 ${field}`);
  });

  it('forgets what is too old or too much, at the next write or by its alarm', async () => {
    const domain = newDomain();
    await note('webhook.change', { domain, target: 'old' });
    await note('webhook.change', { domain, target: 'young' });
    const targets = async () => (await read('', { domain })).entries.map(({ target }) => target);
    await runInDurableObject(object(), async (instance, { storage }) => {
      expect(await storage.getAlarm()).toBeGreaterThan(Date.now() + 80 * DAY);
      storage.sql.exec("UPDATE audit SET at = at - ? WHERE domain = ? AND body ->> '$.target' = 'old'", 91 * DAY, domain);
      await instance.alarm();
      expect(storage.sql.exec('SELECT id FROM audit WHERE domain = ?', domain).toArray()).toHaveLength(1);
    });
    expect(await targets()).toEqual(['young']);
    await runInDurableObject(object(), (_, { storage }) => {
      storage.sql.exec('UPDATE audit SET id = id + 20000 WHERE id = (SELECT MAX(id) FROM audit)');
    });
    await note('webhook.change', { domain, target: 'next' });
    expect(
      (await runInDurableObject(object(), (_, { storage }) => storage.sql.exec('SELECT id FROM audit').toArray())).length,
    ).toBe(2);
  });
});
