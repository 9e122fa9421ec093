import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { ACCESS_LIMITS, type Revocation } from '../../worker/access/index.ts';
import type { TokenClaims } from '../../worker/protocol/index.ts';
import { RevocationCache } from '../../worker/routes/revoked.ts';
import { bearer, newDomain, okay, post, problemOf, request } from './support/client.ts';

const object = () => env.ACCESS.getByName('access');
const seconds = () => Math.floor(Date.now() / 1000);

/** What a token with these claims gets. */
async function statusOf(claims: Partial<TokenClaims>): Promise<number> {
  return (await request(`/v1/domains/${newDomain()}/presence`, { headers: await bearer(claims) })).status;
}

const revoke = (body: object, claims: Partial<TokenClaims> = {}) =>
  bearer(claims).then((headers) => post('/v1/tokens/revocations', body, headers));

describe('Offhook revocation of tokens', () => {
  it('a token that is revoked is good no more, after an eviction too, and others are', async () => {
    const [jti, other] = [crypto.randomUUID(), crypto.randomUUID()];
    expect(await statusOf({ jti })).toBe(200);
    const until = new Date(Date.now() + 60_000).toISOString();
    const response = await revoke({ jti, until });
    expect([response.status, await response.json()]).toEqual([
      201,
      { id: expect.any(Number), jti, until, at: expect.any(String) },
    ]);
    await evictDurableObject(object());
    expect([await statusOf({ jti }), await statusOf({ jti: other }), await statusOf({})]).toEqual([401, 200, 200]);
    const { revocations } = await okay<{ revocations: object[] }>(await request('/v1/tokens/revocations?limit=1'));
    expect(revocations).toEqual([{ id: expect.any(Number), jti, until, at: expect.any(String) }]);
  });

  it('all tokens of a subject that were made before a time are good no more, and later ones are', async () => {
    const sub = `Anna ${crypto.randomUUID()}`;
    const before = new Date((seconds() - 60) * 1000).toISOString();
    expect((await revoke({ subject: sub, before })).status).toBe(201);
    expect([await statusOf({ sub, iat: seconds() - 61 }), await statusOf({ sub, iat: seconds() - 60 })]).toEqual([401, 200]);
    const now = await revoke({ subject: sub });
    expect(now.status).toBe(201);
    expect(await statusOf({ sub, iat: seconds() })).toBe(401);
    // An earlier time takes nothing back, here or where the list is read anew.
    const earlier = await revoke({ subject: sub, before });
    expect(earlier.status).toBe(201);
    const told = (answer: Response) => answer.json<{ before: string }>();
    expect((await told(earlier)).before).toBe((await told(now)).before);
    expect(await statusOf({ sub, iat: seconds() - 10 })).toBe(401);
  });

  it.each([
    [{}, '422 jti'],
    [{ jti: 'a', subject: 'b' }, '422 jti'],
    [{ jti: '' }, '422 jti'],
    [{ jti: 'x'.repeat(129) }, '422 jti'],
    [{ jti: 1 }, '422 jti'],
    [{ jti: 'a', until: 'tomorrow' }, '422 until'],
    [{ jti: 'a', more: 1 }, '422 '],
    ['[]', '400'],
  ] as const)('refuses %j', async (body, expected) => {
    expect(await problemOf(await post('/v1/tokens/revocations', body))).toBe(expected);
  });

  it('is for administrators of all domains, and audited', async () => {
    expect(await problemOf(await revoke({ jti: 'a' }, { scope: ['read', 'write', 'ingest'] }))).toBe('403');
    expect(await problemOf(await revoke({ jti: 'a' }, { domain: newDomain() }))).toBe('403');
    const jti = crypto.randomUUID();
    await revoke({ jti }, { jti: 'of the admin' });
    const { entries } = await okay<{ entries: object[] }>(await request('/v1/audit'));
    expect(entries).toContainEqual(expect.objectContaining({ act: 'token.revoke', token: 'of the admin', target: jti }));
  });

  it('is refused where too many are kept, and those are forgotten whose token has expired by itself', async () => {
    const count = () =>
      runInDurableObject(
        object(),
        (_, { storage }) => storage.sql.exec<{ count: number }>('SELECT count(*) AS count FROM revocations').one().count,
      );
    await revoke({ jti: crypto.randomUUID(), until: new Date(Date.now() - 1).toISOString() });
    const before = await count();
    await revoke({ jti: crypto.randomUUID() });
    expect(await count()).toBe(before + 1);
    // A webhook that the token made has a day to hear of it.
    const kept = ACCESS_LIMITS.revocationKept;
    await runInDurableObject(object(), (_, { storage }) => void storage.sql.exec('UPDATE revocations SET at = at - ?', kept));
    await revoke({ jti: crypto.randomUUID() });
    expect(await count()).toBe(before + 1);
    await runInDurableObject(object(), (_, { storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO revocations (kind, name, at) SELECT 'token', 'many-' || i, 1 FROM n`,
        ACCESS_LIMITS.revocations,
      );
    });
    expect(await problemOf(await revoke({ jti: crypto.randomUUID() }))).toBe('409');
    await runInDurableObject(object(), (_, { storage }) => {
      storage.sql.exec("DELETE FROM revocations WHERE name LIKE 'many-%'");
    });
  });
});

describe('Offhook revocation of tokens: what an isolate knows', () => {
  const claims: TokenClaims = { scope: ['read'], domain: '*', iat: 1, jti: 'j' };
  const revoked: Revocation = { seq: 1, kind: 'token', name: 'j', before: null, until: null, at: 0 };
  const { revocationAge, revocationFresh, revocationOutage } = ACCESS_LIMITS;

  /** An isolate, the list that it reads, and whether that can be reached. */
  const scene = () => {
    const list: Revocation[] = [];
    const beside: Promise<unknown>[] = [];
    const world = { list, beside, up: true, reads: 0, cache: new RevocationCache() };
    const read = async (after: number) => {
      world.reads += 1;
      if (!world.up) throw new Error('down');
      return list.filter(({ seq }) => seq > after);
    };
    return Object.assign(world, { has: (now: number) => world.cache.has(claims, now, read, (work) => beside.push(work)) });
  };

  it('is never older than the stated time', async () => {
    const world = scene();
    expect(await world.has(1_000_000)).toBe(false);
    world.list.push(revoked);
    expect([await world.has(1_000_000 + revocationAge - 1), await world.has(1_000_000 + revocationAge)]).toEqual([false, true]);
  });

  it('is read anew beside a request before that time, so that few requests wait', async () => {
    const world = scene();
    await world.has(0);
    world.list.push(revoked);
    for (let i = 0; i < 5; i++) await world.has(revocationFresh);
    await Promise.all(world.beside);
    expect([world.reads, await world.has(revocationFresh + 1)]).toEqual([2, true]);
  });

  it('lasts through an outage of the list for a while; after that, and at the very start, nobody is let in', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
    const world = scene();
    world.up = false;
    expect(await world.has(0)).toBeUndefined();
    world.up = true;
    expect(await world.has(10_000)).toBe(false);
    world.up = false;
    expect(await world.has(10_000 + revocationOutage)).toBe(false);
    expect(await world.has(10_001 + revocationOutage)).toBeUndefined();
    errors.mockRestore();
  });
});
