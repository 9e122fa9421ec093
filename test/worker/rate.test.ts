import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Env } from '../../worker/env.ts';
import { app } from '../../worker/routes/app.ts';
import { bearer, newDomain, problemOf } from './support/client.ts';
import { holdTo } from './support/contract.ts';

/** Asks with a token of its own and these variables. */
function asker(variables: Partial<Env>, jti = crypto.randomUUID()) {
  const headers = bearer({ jti });
  return async (path = `/v1/domains/${newDomain()}/presence`, init: RequestInit = {}) => {
    const request = new Request(`https://offhook.test${path}`, { ...init, headers: await headers });
    return holdTo(request, await app.fetch(request, { ...env, ...variables }, createExecutionContext()));
  };
}

const told = ({ headers }: Response) => [headers.get('ratelimit-policy'), headers.get('ratelimit')];

describe('Offhook rate limits by token (draft-ietf-httpapi-ratelimit-headers)', () => {
  it('tells in each answer how much is left, and refuses with Retry-After what is more', async () => {
    const ask = asker({ RATE_LIMIT: '2' });
    expect(told(await ask())).toEqual(['"requests";q=2;w=60', '"requests";r=1;t=30']);
    expect(told(await ask('/v1/presence/nobody'))[1]).toBe('"requests";r=0;t=60');
    const refused = await ask();
    expect(told(refused)).toEqual(['"requests";q=2;w=60', '"requests";r=0;t=30']);
    expect(refused.headers.get('retry-after')).toBe('30');
    expect(await problemOf(refused)).toBe('429');
  });

  it('counts each token by itself, and reports apart from reads', async () => {
    const [ask, other] = [asker({ RATE_LIMIT: '1', RATE_LIMIT_INGEST: '1' }), asker({ RATE_LIMIT: '1' })];
    const batch = { method: 'POST', body: JSON.stringify({ version: 1, site: 'a', sentAt: Date.now(), updates: [] }) };
    expect([(await ask()).status, (await ask()).status, (await other()).status]).toEqual([200, 429, 200]);
    expect([(await ask('/v1/updates', batch)).status, (await ask('/v1/updates', batch)).status]).toEqual([200, 429]);
  });

  it('is generous by default, and where a variable is no number', async () => {
    for (const RATE_LIMIT of [undefined, '', '0', '-1', '1e99', 'many'])
      expect(told(await asker({ RATE_LIMIT } as Partial<Env>)())[0]).toBe('"requests";q=300000;w=60');
  });

  it("asks Cloudflare's own limiter where there is one", async () => {
    const keys: string[] = [];
    const limiter = {
      limit: async ({ key }: { key: string }) => {
        keys.push(key);
        return { success: keys.length < 2 };
      },
    };
    const ask = asker({ RATE_LIMITER: limiter }, 'j1');
    expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect([refused.status, refused.headers.get('retry-after'), keys]).toEqual([429, '10', ['requests j1', 'requests j1']]);
  });

  it('is not spent by who has no good token', async () => {
    const ask = asker({ RATE_LIMIT: '1' });
    const request = new Request('https://offhook.test/v1/audit', { headers: { authorization: 'Bearer x' } });
    const response = await holdTo(request, await app.fetch(request, { ...env, RATE_LIMIT: '1' }, createExecutionContext()));
    expect([response.status, told(response), (await ask()).status]).toEqual([401, [null, null], 200]);
  });
});
