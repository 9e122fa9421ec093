import { describe, expect, it } from 'vitest';
import type { TokenClaims } from '../../worker/protocol/index.ts';
import { app } from '../../worker/routes/app.ts';
import { bearer, newDomain, newStream, post, problemOf, report, request, say } from './support/client.ts';

/** Paths that need no token: they hold nothing of anybody. */
const PUBLIC = ['/', '/healthz', '/problems', '/problems/:kind', '/reference', '/openapi.json'];

interface Victim {
  readonly user: string;
  readonly domain: string;
  /** The ids of a webhook of the domain, and of a callback that waits for the user. */
  readonly webhook: string;
  readonly watch: string;
}

/** How a route is asked about somebody whom the token does not cover. */
interface Attempt {
  readonly query?: (victim: Victim) => string;
  readonly body?: (victim: Victim) => unknown;
  readonly headers?: Record<string, string>;
  /** What a token is told that does not cover it; 403 unless said otherwise. */
  readonly refusal?: '404';
  /** Where it is not the whole request that is refused: what is left of the victim in the answer. */
  readonly partial?: true;
}

const batch = ({ user, domain }: Victim) => {
  const stream = newStream('mallory', domain);
  return { version: 1, site: 'site-a', sentAt: Date.now(), updates: [{ ...stream.next(say.offline()), user }] };
};

/**
 * Routes that name whom they are about elsewhere than in the path. A route that is neither here nor has `:user` or `:domain` in its path fails
 * the test: say here how it is asked about somebody else's users, or that it is public.
 */
const ATTEMPTS: Record<string, Attempt> = {
  'POST /v1/updates': { body: batch, partial: true },
  'POST /v1/sites/:site/reconcile': { body: () => ({ version: 1, epoch: 1, from: 0, to: 1, users: {} }) },
  'POST /v1/sites/:site/stop': { body: () => ({ version: 1, epoch: 1, states: 'leave' }) },
  'POST /v1/presence/query': { body: ({ user }) => ({ users: [user] }), partial: true },
  'GET /v1/watch': { query: ({ user }) => `user=${user}`, headers: { upgrade: 'websocket' } },
  'GET /v1/events': { query: ({ user }) => `user=${user}` },
  'GET /v1/audit': { partial: true },
  'POST /v1/tokens/revocations': { body: () => ({ jti: 'of somebody else' }) },
  'GET /v1/tokens/revocations': {},
  'POST /v1/webhooks': { body: ({ user }) => ({ url: 'https://hooks.example.com/x', users: [user] }) },
  'GET /v1/webhooks': { query: ({ domain }) => `domain=${domain}`, partial: true },
  'GET /v1/webhooks/:id': { refusal: '404' },
  'DELETE /v1/webhooks/:id': { refusal: '404' },
  'POST /v1/webhooks/:id/test': { refusal: '404' },
  'POST /v1/webhooks/:id/secret': { refusal: '404' },
  'POST /v1/webhooks/:id/pause': { refusal: '404' },
  'POST /v1/webhooks/:id/resume': { refusal: '404' },
  'GET /v1/webhooks/:id/dead-letters': { refusal: '404' },
  'POST /v1/webhooks/:id/replay': { refusal: '404', body: () => ({ deadLetters: true }) },
  'GET /v1/watches/:user': { refusal: '404' },
  'DELETE /v1/watches/:user': { refusal: '404' },
  'GET /metrics': { query: ({ domain }) => `domain=${domain}` },
};

const routes = [
  ...new Set(app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)),
].filter((route) => !PUBLIC.includes(route.split(' ')[1] as string));

function attemptOf(route: string): Attempt {
  const known = ATTEMPTS[route];
  if (known !== undefined) return known;
  if (/\/:(user|domain)\b/.test(route)) return {};
  throw new Error(`${route}: say in ATTEMPTS how it is asked about somebody else, or put it into PUBLIC`);
}

function ask(route: string, victim: Victim, headers: Record<string, string>): Promise<Response> {
  const { query, body, headers: more } = attemptOf(route);
  const [method = '', pattern = ''] = route.split(' ');
  const path = pattern
    .replace(':user', encodeURIComponent(/\w+ \/v1\/watches/.test(route) && method !== 'POST' ? victim.watch : victim.user))
    .replace(':domain', victim.domain)
    .replace(':site', 'site-a')
    .replace(':id', victim.webhook);
  const init = body === undefined ? {} : { body: JSON.stringify(body(victim)) };
  return request(`${path}${query === undefined ? '' : `?${query(victim)}`}`, {
    method,
    headers: { ...more, ...headers },
    ...init,
  });
}

/** A user of whom much is known, and by what that would be recognised. */
async function victim(): Promise<Victim & { readonly marks: RegExp }> {
  const domain = newDomain();
  const stream = newStream('victim', domain);
  const mark = `mark${crypto.randomUUID().slice(0, 8)}`;
  await report([stream.next(say.online(`sip:${mark}@192.0.2.1`)), stream.next(say.talking(`${mark}c`))]);
  const made = async (path: string, body: object) => {
    const answer = await post(path, body);
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json<{ id: string }>()).id;
  };
  const url = `https://hooks.example.com/${mark}`;
  const webhook = await made('/v1/webhooks', { url, domain });
  const watch = await made(`/v1/watches/${stream.user}`, { until: 'offline', callback: url });
  return { user: stream.user, domain, webhook, watch, marks: new RegExp(`${mark}|available|talking`) };
}

describe('Offhook hostile HTTP: every route asks whom the token covers', () => {
  it.each(routes)('%s: nothing without a token, nor without its scope', async (route) => {
    const aim = await victim();
    expect(await problemOf(await ask(route, aim, { authorization: '' }))).toBe('401');
    expect(await problemOf(await ask(route, aim, await bearer({ scope: [] })))).toBe('403');
  });

  it.each(routes)("%s: nothing of another domain's users, nor of users that the token does not name", async (route) => {
    const aim = await victim();
    const limited: Partial<TokenClaims>[] = [
      { domain: newDomain() },
      { domain: [newDomain(), newDomain()] },
      { domain: `x${aim.domain}` },
      { domain: aim.domain.slice(1) },
      { domain: '*', users: [`sip:friend@${newDomain()}`] },
      { domain: newDomain(), users: [aim.user] },
    ];
    // A domain may be asked for with a token that names users of it: then it tells of them alone.
    if (!route.includes(':domain') && route !== 'GET /metrics')
      limited.push({ domain: aim.domain, users: [`sip:friend@${aim.domain}`] });
    for (const claims of limited) {
      const response = await ask(route, aim, await bearer(claims));
      const told = await response.clone().text();
      expect(told).not.toMatch(aim.marks);
      if (attemptOf(route).partial !== true)
        expect((await problemOf(response)).split(' ')[0]).toBe(attemptOf(route).refusal ?? '403');
      response.webSocket?.accept();
      response.webSocket?.close();
    }
    const { status, calls } = await (await request(`/v1/presence/${aim.user}`)).json<{ status: string; calls: object[] }>();
    expect([status, calls.length]).toEqual(['talking', 1]);
    for (const path of [`/v1/webhooks/${aim.webhook}`, `/v1/watches/${aim.watch}`]) {
      const kept = await request(path);
      expect([kept.status, (await kept.json<{ state?: string }>()).state ?? 'active']).toEqual([200, 'active']);
    }
  });

  it('a route without a row here fails this test', () => {
    expect(() => attemptOf('GET /v1/everything')).toThrow('ATTEMPTS');
  });
});
