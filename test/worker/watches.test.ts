import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { bearer, newDomain, newStream, okay, post, problemOf, report, request, say } from './support/client.ts';
import { boardObject, userObject } from './support/objects.ts';
import { hookObject, Receiver } from './support/receiver.ts';

const { waitersByToken } = OBJECT_LIMITS;
afterEach(() => {
  vi.useRealTimers();
  Object.assign(OBJECT_LIMITS, { waitersByToken });
});

interface Watch {
  readonly id: string;
  readonly secret: string;
}

const path = (user: string) => `/v1/watches/${encodeURIComponent(user)}`;

async function makeWatch(user: string, body: object): Promise<Watch> {
  const response = await post(path(user), body);
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

const statusOf = async (id: string) => (await request(`/v1/watches/${id}`)).status;

describe('Offhook watches that wait', () => {
  it('are answered with the document as soon as the user is free', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    const waiting = post(path(alice.user), { until: 'available', wait: 30 });
    await report([alice.next(say.terminating('c1'))]);
    expect(await okay(await waiting)).toMatchObject({ user: alice.user, status: 'available' });
  });

  it('are answered at once where it is so already, and with 204 where the time passes', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online())]);
    expect(await okay(await post(path(alice.user), { until: ['talking', 'available'], wait: 30 }))).toMatchObject({ version: 1 });
    expect((await post(path(alice.user), { until: 'talking', wait: 1 })).status).toBe(204);
  });

  it('may wait for users never seen, and leave nothing behind where they do not come', async () => {
    const alice = newStream('alice', newDomain());
    const waiting = post(path(alice.user), { until: 'available', wait: 30 });
    await report([alice.next(say.online())]);
    expect(await okay(await waiting)).toMatchObject({ version: 1 });
    expect((await post(path(newStream('x', newDomain()).user), { until: 'available', wait: 1 })).status).toBe(204);
  });

  it('are answered at once where it is so already, and the board has not heard of the user yet', async () => {
    const receiver = new Receiver();
    for (const how of [{ wait: 30 }, { callback: receiver.url }]) {
      const alice = newStream('alice', newDomain());
      await userObject(alice.user).apply(alice.user, 'site-a', [alice.next(say.online())]);
      expect(await okay(await post(path(alice.user), { until: 'available', ...how }))).toMatchObject({ version: 1 });
    }
    expect(receiver.deliveries).toEqual([]);
  });

  it('of one token leave room for those of others', async () => {
    Object.assign(OBJECT_LIMITS, { waitersByToken: 2 });
    const alice = newStream('alice', newDomain());
    const ask = async (jti: string) =>
      post(path(alice.user), { until: 'available', wait: 30 }, await bearer({ scope: ['read'], jti }));
    const [own, other] = [crypto.randomUUID(), crypto.randomUUID()];
    const waiting = [ask(own), ask(own), ask(own)];
    expect(await problemOf((await Promise.race(waiting)).clone() as Response)).toBe('503');
    waiting.push(ask(other));
    await report([alice.next(say.online())]);
    expect((await Promise.all(waiting)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 503]);
  });

  it('go on where the board restarts meanwhile', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.talking('c1'))]);
    const waiting = post(path(alice.user), { until: 'offline', wait: 30 });
    const abort = runInDurableObject(boardObject(alice.user), (_, state) => state.abort('restarted'));
    await expect(abort).rejects.toThrow('restarted');
    await report([alice.next(say.idle('c1')), alice.next(say.offline())]);
    expect(await okay(await waiting)).toMatchObject({ user: alice.user, status: 'offline' });
  });

  it('show no more than the token may see', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.talking('c1'))]);
    const headers = await bearer({ scope: ['read'], detail: 'busy-only' });
    expect(await okay(await post(path(alice.user), { until: 'talking', wait: 1 }, headers))).toMatchObject({ calls: [] });
    const foreign = await bearer({ domain: 'other.test' });
    expect(await problemOf(await post(path(alice.user), { until: 'talking', wait: 1 }, foreign))).toBe('403');
  });

  it.each([
    ['until', { until: 'asleep' }],
    ['until', {}],
    ['wait', { until: 'available' }],
    ['wait', { until: 'available', wait: 61 }],
    ['wait', { until: 'available', wait: 1, callback: 'https://hooks.example.com/' }],
    ['callback', { until: 'available', callback: 'https://10.0.0.1/' }],
    ['expiresIn', { until: 'available', wait: 1, expiresIn: 60 }],
    ['expiresIn', { until: 'available', callback: 'https://hooks.example.com/', expiresIn: 8 * 86_400 }],
  ])('a bad %s is refused (%j)', async (field, body) => {
    expect(await problemOf(await post(path('alice@example.com'), body))).toBe(`422 ${field}`);
  });
});

describe('Offhook watches that call back', () => {
  it.each([false, true])('tell once, signed, and are over then (evicted before: %s)', async (evicted) => {
    const alice = newStream('alice', newDomain());
    const receiver = new Receiver();
    await report([alice.next(say.online()), alice.next(say.talking('c1'))]);
    const { id, secret } = await makeWatch(alice.user, { until: 'available', callback: receiver.url });
    expect(secret).toMatch(/^whsec_/);
    expect(await statusOf(id)).toBe(200);
    if (evicted) {
      await evictDurableObject(hookObject(id));
      await evictDurableObject(boardObject(alice.user));
    }
    for (const word of [say.talking('c2'), say.idle('c1'), say.idle('c2'), say.talking('c3'), say.idle('c3')]) {
      await report([alice.next(word)]);
    }
    await expect.poll(() => statusOf(id)).toBe(404);
    expect(receiver.deliveries.map(({ event }) => [event.type, event.data.status])).toEqual([['watch.fulfilled', 'available']]);
    expect(receiver.deliveries[0]?.signature).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
  });

  it('are answered at once where it is so already, and call nobody', async () => {
    const alice = newStream('alice', newDomain());
    const receiver = new Receiver();
    await report([alice.next(say.online())]);
    const response = await post(path(alice.user), { until: 'available', callback: receiver.url });
    expect(await okay(response)).toMatchObject({ user: alice.user, status: 'available' });
    await report([alice.next(say.talking('c1'))]);
    await report([alice.next(say.idle('c1'))]);
    expect(receiver.deliveries).toEqual([]);
  });

  it('are tried again where the receiver fails, and are over when it has answered', async () => {
    const alice = newStream('alice', newDomain());
    const receiver = new Receiver();
    receiver.answer = () => (receiver.deliveries.length === 1 ? 500 : 200);
    const { id } = await makeWatch(alice.user, { until: 'available', callback: receiver.url });
    await report([alice.next(say.online())]);
    await expect.poll(() => receiver.deliveries.length).toBe(1);
    await evictDurableObject(hookObject(id));
    vi.setSystemTime(Date.now() + 60_000);
    await runDurableObjectAlarm(hookObject(id));
    expect(receiver.deliveries).toHaveLength(2);
    expect(await statusOf(id)).toBe(404);
  });

  it.each([false, true])('end by their expiry (evicted before: %s)', async (evicted) => {
    const alice = newStream('alice', newDomain());
    const receiver = new Receiver();
    const { id } = await makeWatch(alice.user, { until: 'available', callback: receiver.url, expiresIn: 60 });
    if (evicted) await evictDurableObject(hookObject(id));
    vi.setSystemTime(Date.now() + 61_000);
    await runDurableObjectAlarm(hookObject(id));
    expect(await statusOf(id)).toBe(404);
    await report([alice.next(say.online())]);
    expect(receiver.deliveries).toEqual([]);
  });

  it('are cancelled by whoever covers their user', async () => {
    const alice = newStream('alice', newDomain());
    const receiver = new Receiver();
    const { id } = await makeWatch(alice.user, { until: 'available', callback: receiver.url });
    const foreign = await bearer({ domain: 'other.test' });
    expect(await problemOf(await request(`/v1/watches/${id}`, { method: 'DELETE', headers: foreign }))).toBe('404');
    expect((await request(`/v1/watches/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await problemOf(await request(`/v1/watches/${id}`, { method: 'DELETE' }))).toBe('404');
    await report([alice.next(say.online())]);
    expect(receiver.deliveries).toEqual([]);
  });

  it('need the scope write besides read, and are no webhooks', async () => {
    const body = { until: 'available', callback: 'https://hooks.example.com/' };
    expect(await problemOf(await post(path('a@example.com'), body, await bearer({ scope: ['read'] })))).toBe('403');
    const { id } = await makeWatch(newStream('alice', newDomain()).user, body);
    expect(await problemOf(await request(`/v1/webhooks/${id}`))).toBe('404');
  });
});
