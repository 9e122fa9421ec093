import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ACCESS_LIMITS } from '../../worker/access/index.ts';
import type { TokenClaims } from '../../worker/protocol/index.ts';
import { bearer, newDomain, newStream, okay, post, problemOf, report, request, say } from './support/client.ts';
import { hang } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver, webhook } from './support/receiver.ts';

afterEach(() => {
  vi.useRealTimers();
});

const revoke = async (body: object) => expect((await post('/v1/tokens/revocations', body)).status).toBe(201);
/** From now on nobody goes by what was heard before. */
const later = () => vi.setSystemTime(Date.now() + ACCESS_LIMITS.revocationAge);

/** Lets what is due happen: the runtime's own clock is not ahead. */
const due = (id: string) => runDurableObjectAlarm(hookObject(id));

/** A domain, somebody in it, and a webhook of the whole domain that a token of these claims made. */
async function stage(claims: Partial<TokenClaims>) {
  const domain = newDomain();
  const receiver = new Receiver();
  const { id } = await makeWebhook({ url: receiver.url, domain }, await bearer({ scope: ['read', 'write'], ...claims }));
  return { domain, receiver, id, alice: newStream('alice', domain) };
}

/** What is stored of a webhook: without asking it, since then it looks. */
const stored = (id: string) =>
  runInDurableObject(hookObject(id), (_, { storage }) => {
    const [hook] = storage.sql.exec<{ body: string }>('SELECT body FROM hook').toArray();
    const reasons = storage.sql.exec<{ reason: string | null }>('SELECT reason FROM events ORDER BY n').toArray();
    return [(JSON.parse(hook?.body ?? '{}') as { state?: string }).state, ...reasons.map(({ reason }) => reason)];
  });

const states = async (domain: string) =>
  (await okay<{ webhooks: { state: string }[] }>(await request(`/v1/webhooks?domain=${domain}`))).webhooks.map(
    ({ state }) => state,
  );

describe('Offhook webhooks of a token that is revoked', () => {
  const [jti, sub] = [crypto.randomUUID(), `Anna ${crypto.randomUUID()}`];

  it.each([
    ['a token', { jti }, { jti }],
    ['a subject', { sub }, { subject: sub }],
  ])('deliver nothing more; what waits is dead (%s)', async (_, claims, body) => {
    const { receiver, id, alice } = await stage(claims);
    const other = await stage({ jti: crypto.randomUUID(), sub: 'Bert' });
    await report([alice.next(say.online())]);
    await expect.poll(() => receiver.versions).toEqual([1]);
    await revoke(body);
    later();
    await report([alice.next(say.talking('c1')), other.alice.next(say.online())]);
    await due(id);
    await due(other.id);
    expect(await stored(id)).toEqual(['revoked', null, 'token-revoked']);
    await expect.poll(() => other.receiver.versions).toEqual([1]);
    // What comes afterwards is not even taken.
    await report([alice.next(say.idle('c1'))]);
    await evictDurableObject(hookObject(id));
    expect(await webhook(id)).toMatchObject({ state: 'revoked', deadLetters: 1, queue: { waiting: 0 } });
    expect(receiver.versions).toEqual([1]);
    expect(await states(other.domain)).toEqual(['active']);
  });

  it.each([false, true])('are told so in the list, though nothing has happened (evicted before: %s)', async (evicted) => {
    const id = crypto.randomUUID();
    const { domain, id: hook } = await stage({ jti: id });
    expect(await states(domain)).toEqual(['active']);
    await revoke({ jti: id });
    if (evicted) await evictDurableObject(hookObject(hook));
    else later();
    expect(await states(domain)).toEqual(['revoked']);
  });

  it('look once an hour, so that they know when the revocation is forgotten with its token', async () => {
    const id = crypto.randomUUID();
    const { id: hook } = await stage({ jti: id });
    await revoke({ jti: id, until: new Date(Date.now() - 1).toISOString() });
    await revoke({ jti: crypto.randomUUID() });
    later();
    await runInDurableObject(hookObject(hook), (_, { storage }) => void storage.sql.exec('UPDATE hook SET upkeep_at = 1'));
    await due(hook);
    expect(await stored(hook)).toEqual(['revoked']);
  });

  it('are those of who resumes them, until that token is revoked too', async () => {
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
    const { receiver, id, alice } = await stage({ jti: first });
    await revoke({ jti: first });
    later();
    await report([alice.next(say.online())]);
    await due(id);
    expect(await stored(id)).toEqual(['revoked', 'token-revoked']);
    const taken = await post(`/v1/webhooks/${id}/resume`, '', await bearer({ scope: ['read', 'write'], jti: second }));
    expect(await okay(taken)).toMatchObject({ state: 'active' });
    expect(await okay(await post(`/v1/webhooks/${id}/replay`, { deadLetters: true }))).toEqual({ replayed: 1 });
    await due(id);
    await expect.poll(() => receiver.versions).toEqual([1]);
    await revoke({ jti: second });
    later();
    await report([alice.next(say.talking('c1'))]);
    await due(id);
    expect(await stored(id)).toEqual(['revoked', null, 'token-revoked']);
    expect(receiver.versions).toEqual([1]);
  });

  it('hold what they have while nobody can say whether it is, and deliver it then', async () => {
    const { receiver, id, alice } = await stage({ jti: crypto.randomUUID() });
    await evictDurableObject(hookObject(id));
    const wake = await hang(env.ACCESS.getByName('access'), 'isRevoked');
    await report([alice.next(say.online())]);
    await expect.poll(() => stored(id), { timeout: 10_000 }).toEqual(['active', 'token-unknown']);
    expect(receiver.versions).toEqual([]);
    wake();
    vi.setSystemTime(Date.now() + 10_000);
    await due(id);
    await expect.poll(() => receiver.versions).toEqual([1]);
  });
});

describe('Offhook watches of a token that is revoked', () => {
  const path = (user: string) => `/v1/watches/${encodeURIComponent(user)}`;

  it.each([false, true])('make no callback, and are over (asked for before: %s)', async (asked) => {
    const [alice, jti, receiver] = [newStream('alice', newDomain()), crypto.randomUUID(), new Receiver()];
    const body = { until: 'available', callback: receiver.url };
    const made = await post(path(alice.user), body, await bearer({ scope: ['read', 'write'], jti }));
    const { id } = await made.json<{ id: string }>();
    await revoke({ jti });
    if (asked) expect(await problemOf(await request(`/v1/watches/${id}`))).toBe('404');
    await report([alice.next(say.online())]);
    await expect.poll(async () => (await request(`/v1/watches/${id}`)).status).toBe(404);
    expect(receiver.deliveries).toEqual([]);
  });

  it('are refused at the end, where they wait in a request', async () => {
    const [alice, jti] = [newStream('alice', newDomain()), crypto.randomUUID()];
    const waiting = post(path(alice.user), { until: 'available', wait: 30 }, await bearer({ scope: ['read'], jti }));
    const other = post(path(alice.user), { until: 'available', wait: 30 });
    await revoke({ jti });
    await report([alice.next(say.online())]);
    expect(await problemOf(await waiting)).toBe('401');
    expect((await other).status).toBe(200);
  });
});
