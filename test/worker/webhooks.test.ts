import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bearer, newDomain, newStream, okay, post, problemOf, report, request, say } from './support/client.ts';
import { documentText } from './support/document.ts';
import { boardObject, boardObjects } from './support/objects.ts';
import { hookObject, makeWebhook, Receiver, type Webhook, webhook } from './support/receiver.ts';

const HOUR = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

/** A domain, somebody in it, and a webhook of the whole domain. */
async function stage(body: object = {}) {
  const domain = newDomain();
  const receiver = new Receiver();
  const made = await makeWebhook({ url: receiver.url, domain, ...body });
  return { domain, receiver, id: made.id, made, alice: newStream('alice', domain), bob: newStream('bob', domain) };
}

/** Waits until a webhook has nothing under way and nothing that is due. */
async function settled(id: string): Promise<Webhook> {
  await expect.poll(async () => (await webhook(id)).queue.waiting).toBe(0);
  return webhook(id);
}

/** Lets time pass, and what is due by then happen. */
async function pass(id: string, ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await runDurableObjectAlarm(hookObject(id));
}

describe('Offhook webhooks', () => {
  it.each([false, true])('tell each change of a domain, as the documents are (evicted before: %s)', async (evicted) => {
    const { receiver, id, alice, bob } = await stage();
    if (evicted) {
      await evictDurableObject(hookObject(id));
      await evictDurableObject(boardObject(alice.user));
    }
    await report([alice.next(say.online()), bob.next(say.online())]);
    await report([alice.next(say.talking('c1'))]);
    await settled(id);
    const told = receiver.deliveries.map(({ event }) => [event.type, event.data.user, event.data.status]);
    expect(told.filter(([, user]) => user === alice.user)).toEqual([
      ['presence.changed', alice.user, 'available'],
      ['presence.changed', alice.user, 'talking'],
    ]);
    expect(told).toHaveLength(3);
    expect(new Set(receiver.deliveries.map((delivery) => delivery.id)).size).toBe(3);
    expect(receiver.deliveries[0]?.redirect).toBe('manual');
  });

  it('tell nothing of what was before they were made, of others, or of other domains', async () => {
    const domain = newDomain();
    const [alice, bob, carol] = [newStream('alice', domain), newStream('bob', domain), newStream('carol', newDomain())];
    await report([alice.next(say.online())]);
    const receiver = new Receiver();
    const { id } = await makeWebhook({ url: receiver.url, users: [alice.user] });
    await report([bob.next(say.online()), carol.next(say.online())]);
    await report([alice.next(say.talking('c1'))]);
    await expect.poll(() => receiver.versions).toEqual([2]);
    await settled(id);
    expect(receiver.deliveries).toHaveLength(1);
  });

  it('tell only changes into the statuses that were asked for, and only those of the word where that was asked for', async () => {
    const { receiver, id, alice } = await stage({ statuses: ['talking', 'available'], changes: 'status' });
    for (const word of [
      say.online(),
      say.online('sip:second@192.0.2.2'),
      say.early('c1'),
      say.talking('c1'),
      say.talking('c2'),
    ]) {
      await report([alice.next(word)]);
      await evictDurableObject(hookObject(id));
    }
    await settled(id);
    expect(receiver.deliveries.map(({ event }) => event.data.status)).toEqual(['available', 'talking']);
  });

  it.each([false, true])('try again in the order of each user, while others go on (evicted between: %s)', async (evicted) => {
    const { receiver, id, alice, bob } = await stage();
    let down = true;
    receiver.answer = ({ event }) => (down && event.data.user === alice.user ? 500 : 200);
    await report([alice.next(say.online())]);
    await report([alice.next(say.talking('c1')), bob.next(say.online())]);
    await expect.poll(async () => (await webhook(id)).queue).toMatchObject({ waiting: 2, retrying: 1, lastFailure: 'HTTP 500' });
    await expect.poll(() => receiver.deliveries.length).toBe(2);
    const first = receiver.deliveries.find(({ event }) => event.data.user === alice.user);
    if (evicted) await evictDurableObject(hookObject(id));
    down = false;
    await pass(id, 10_000);
    expect((await settled(id)).deadLetters).toBe(0);
    const hers = receiver.deliveries.filter(({ event }) => event.data.user === alice.user);
    expect(hers.map(({ event }) => event.data.version)).toEqual([1, 1, 2]);
    // Stable over retries: the receiver drops doubles by it.
    expect(hers[1]).toMatchObject({ id: first?.id, text: first?.text });
    expect(hers[1]?.timestamp).toBeGreaterThan(first?.timestamp as number);
  });

  it('give up after 24 hours; dead letters are listed by page, and replayed with the ids that they had', async () => {
    const { receiver, id, alice, bob } = await stage();
    receiver.answer = () => 503;
    await report([alice.next(say.online()), bob.next(say.online())]);
    await expect.poll(async () => (await webhook(id)).queue.retrying).toBe(2);
    for (let i = 0; i < 40; i++) await pass(id, HOUR);
    expect(await webhook(id)).toMatchObject({ deadLetters: 2, queue: { waiting: 0 } });
    await evictDurableObject(hookObject(id));
    type Page = { deadLetters: { id: string; user: string; reason: string; attempts: number }[]; cursor?: string };
    const first = await okay<Page>(await request(`/v1/webhooks/${id}/dead-letters?limit=1`));
    const second = await okay<Page>(await request(`/v1/webhooks/${id}/dead-letters?limit=1&cursor=${first.cursor}`));
    const dead = [...first.deadLetters, ...second.deadLetters];
    expect(dead).toMatchObject([{ reason: 'HTTP 503' }, { reason: 'HTTP 503' }]);
    expect(second.cursor).toBeUndefined();
    expect(new Set(dead.map(({ user }) => user))).toEqual(new Set([alice.user, bob.user]));
    receiver.answer = () => 200;
    const before = receiver.deliveries.length;
    expect(await okay(await post(`/v1/webhooks/${id}/replay`, { deadLetters: true }))).toEqual({ replayed: 2 });
    await runDurableObjectAlarm(hookObject(id));
    expect((await settled(id)).deadLetters).toBe(0);
    expect(new Set(receiver.deliveries.slice(before).map((one) => one.id))).toEqual(new Set(dead.map((one) => one.id)));
  });

  it('replay what was delivered, from an event on', async () => {
    const { receiver, id, alice } = await stage();
    for (const word of [say.online(), say.early('c1'), say.talking('c1')]) await report([alice.next(word)]);
    await settled(id);
    const from = receiver.deliveries[1]?.id;
    expect(await okay(await post(`/v1/webhooks/${id}/replay`, { from }))).toEqual({ replayed: 2 });
    await settled(id);
    expect(receiver.versions).toEqual([1, 2, 3, 2, 3]);
    expect(await problemOf(await post(`/v1/webhooks/${id}/replay`, { from: 'msg_none' }))).toBe('404 from');
    expect(await problemOf(await post(`/v1/webhooks/${id}/replay`, {}))).toBe('422 from');
  });

  it('wait while they are paused, and go on in order, also after eviction', async () => {
    const { receiver, id, alice } = await stage();
    expect(await okay(await post(`/v1/webhooks/${id}/pause`, ''))).toMatchObject({ state: 'paused' });
    for (const word of [say.online(), say.talking('c1')]) await report([alice.next(word)]);
    await expect.poll(async () => (await webhook(id)).queue.waiting).toBe(2);
    await evictDurableObject(hookObject(id));
    await runDurableObjectAlarm(hookObject(id));
    expect(receiver.deliveries).toEqual([]);
    expect(await okay(await post(`/v1/webhooks/${id}/resume`, ''))).toMatchObject({ state: 'active' });
    await settled(id);
    expect(receiver.versions).toEqual([1, 2]);
  });

  it('are disabled by 410 Gone; what waited is dead, and is replayed after they were resumed', async () => {
    const { receiver, id, alice } = await stage();
    receiver.answer = () => 410;
    await report([alice.next(say.online())]);
    await expect.poll(async () => (await webhook(id)).state).toBe('disabled');
    await evictDurableObject(hookObject(id));
    await report([alice.next(say.talking('c1'))]);
    expect(await webhook(id)).toMatchObject({ state: 'disabled', deadLetters: 1, queue: { waiting: 0 } });
    receiver.answer = () => 200;
    await post(`/v1/webhooks/${id}/resume`, '');
    await report([alice.next(say.idle('c1'))]);
    await post(`/v1/webhooks/${id}/replay`, { deadLetters: true });
    await settled(id);
    expect(receiver.versions.toSorted()).toEqual([1, 1, 3]);
  });

  it('follow no redirect', async () => {
    const { receiver, id, alice } = await stage();
    receiver.answer = () => new Response(null, { status: 302, headers: { location: 'https://hooks.example.com/elsewhere' } });
    await report([alice.next(say.online())]);
    await expect.poll(async () => (await webhook(id)).queue.lastFailure).toBe('HTTP 302');
    expect(receiver.deliveries).toHaveLength(1);
  });

  it('tell it when a receiver cannot be reached', async () => {
    const { receiver, id, alice } = await stage();
    receiver.answer = () => {
      throw new TypeError('Network connection lost');
    };
    await report([alice.next(say.online())]);
    await expect.poll(async () => (await webhook(id)).queue.lastFailure).toBe('unreachable');
  });
});

describe('Offhook webhooks: nothing is lost', () => {
  it('an alarm that comes twice, early or late does nothing more', async () => {
    const { receiver, id, alice } = await stage();
    await report([alice.next(say.online())]);
    await settled(id);
    for (const ms of [0, 0, 100 * HOUR]) await pass(id, ms);
    await runInDurableObject(hookObject(id), async (instance) => {
      await Promise.all([instance.alarm(), instance.alarm()]);
    });
    expect(receiver.versions).toEqual([1]);
  });

  it('what was taken is delivered after a loss of memory, by the alarm', async () => {
    const { receiver, id, alice } = await stage();
    const { promise, resolve } = Promise.withResolvers<number>();
    receiver.answer = () => promise;
    await report([alice.next(say.online())]);
    await expect.poll(() => receiver.deliveries.length).toBe(1);
    // As after a kill: the row waits still, whoever was asked.
    const state = await runInDurableObject(hookObject(id), (_, { storage }) =>
      storage.sql.exec('SELECT state FROM events').toArray(),
    );
    expect(state).toEqual([{ state: 'waiting' }]);
    resolve(200);
    await settled(id);
  });

  it('a board that could not reach a webhook tells it by alarm, also after eviction, once', async () => {
    for (const evicted of [false, true]) {
      const { receiver, id, alice } = await stage();
      const patch = (value: unknown) =>
        runInDurableObject(hookObject(id), (instance) => void Object.assign(instance, { take: value }));
      await patch('out of order');
      await report([alice.next(say.online())]);
      await report([alice.next(say.talking('c1'))]);
      await runInDurableObject(hookObject(id), (instance) => void Reflect.deleteProperty(instance, 'take'));
      const board = boardObject(alice.user);
      if (evicted) await evictDurableObject(board);
      await runDurableObjectAlarm(board);
      await settled(id);
      // With the memory went the change between: the newest document stands for it.
      expect(receiver.versions).toEqual(evicted ? [2] : [1, 2]);
      await evictDurableObject(board);
      await runDurableObjectAlarm(board);
      await report([alice.next(say.idle('c1'))]);
      await settled(id);
      expect(receiver.versions.at(-1)).toBe(3);
      expect(receiver.versions).toHaveLength(evicted ? 2 : 3);
    }
  });

  it('what a board tells twice is taken once', async () => {
    const { receiver, id, alice } = await stage();
    const news = [{ seq: 5, user: alice.user, text: documentText(alice.user, 1) }];
    for (const repeated of [false, true]) {
      if (repeated) await evictDurableObject(hookObject(id));
      expect(await hookObject(id).take('board', news)).toBe('taken');
      await settled(id);
    }
    expect(receiver.versions).toEqual([1]);
  });

  it('more than there is room for is left out visibly, the newest of each user last', async () => {
    const { id, alice } = await stage();
    await post(`/v1/webhooks/${id}/pause`, '');
    const news = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        seq: from + i,
        user: alice.user,
        text: JSON.stringify({ user: alice.user, status: 'available', version: from + i }),
      }));
    for (let from = 1; from < 10_000; from += 1_000) await hookObject(id).take('board', news(from, 1_000));
    expect((await webhook(id)).queue).toMatchObject({ waiting: 10_000, overflow: null });
    await hookObject(id).take('board', news(10_001, 3));
    expect((await webhook(id)).queue).toMatchObject({ waiting: 10_000, overflow: { superseded: 3, dead: 0 } });
  });
});

describe('Offhook webhooks: management', () => {
  it('are listed by domain, told one by one, and deleted with all that they held', async () => {
    const { domain, id, made, alice, receiver } = await stage({ description: 'CRM' });
    expect(made).toMatchObject({ state: 'active', detail: 'full', domain, description: 'CRM' });
    const second = await makeWebhook({ url: receiver.url, users: [alice.user], detail: 'busy-only' });
    const listed = await okay<{ webhooks: Webhook[] }>(await request(`/v1/webhooks?domain=${domain}`));
    expect(listed.webhooks.map((one) => one.id)).toEqual([id, second.id]);
    expect(JSON.stringify([listed, await webhook(id)])).not.toContain('whsec_');
    expect((await request(`/v1/webhooks/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await problemOf(await request(`/v1/webhooks/${id}`))).toBe('404');
    await report([alice.next(say.online())]);
    await settled(second.id);
    expect(receiver.deliveries).toHaveLength(1);
    for (const object of [hookObject(id), ...boardObjects(domain)]) {
      const rows = await runInDurableObject(object as DurableObjectStub, (_, { storage }) =>
        storage.sql
          .exec(`SELECT name FROM sqlite_master WHERE name IN ('hook', 'hooks')`)
          .toArray()
          .flatMap(({ name }) => storage.sql.exec(`SELECT id FROM ${name}`).toArray()),
      );
      expect(rows.map((row) => row.id)).not.toContain(id);
    }
  });

  it('a question for one that does not exist leaves nothing behind', async () => {
    for (const id of ['wh_AAAAAAAAAAAAAAAAAAAAAA', 'nothing', 'wh_..']) {
      expect(await problemOf(await request(`/v1/webhooks/${id}`))).toBe('404');
      expect(await problemOf(await post(`/v1/webhooks/${id}/test`, ''))).toBe('404');
    }
    const tables = await runInDurableObject(hookObject('wh_AAAAAAAAAAAAAAAAAAAAAA'), (_, { storage }) =>
      storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
    );
    expect(tables.filter(({ name }) => !String(name).startsWith('_cf'))).toEqual([]);
  });

  it('are no more than the limit for each domain', async () => {
    const { domain, receiver } = await stage();
    const first = boardObjects(domain)[0];
    for (let i = 1; i < 100; i++) await first?.attachHook({ id: `wh_${i}`, board: `${domain}#0`, kind: 'webhook', users: [] });
    expect(await problemOf(await post('/v1/webhooks', { url: receiver.url, domain }))).toBe('409');
    expect(await first?.listHooks()).toHaveLength(100);
  });

  it.each([
    ['url', { url: 'nothing' }],
    ['url', { url: 'http://hooks.example.com/' }],
    ['url', { url: 'https://user:secret@hooks.example.com/' }],
    ['url', { url: 'ftp://hooks.example.com/' }],
    ['url', { url: 'https://127.1/' }],
    ['url', { url: 'https://[::ffff:169.254.169.254]/latest/meta-data' }],
    ['url', { url: 'https://localhost/' }],
    ['url', { url: 1 }],
    ['domain', { domain: undefined }],
    ['domain', { users: ['alice@example.com'] }],
    ['users[0]', { domain: undefined, users: ['nobody'] }],
    ['users', { domain: undefined, users: ['a@one.test', 'b@two.test'] }],
    ['statuses[0]', { statuses: ['asleep'] }],
    ['detail', { detail: 'everything' }],
    ['', { secret: 'whsec_mine' }],
  ])('refuses a bad %s (%j)', async (field, wrong) => {
    const body = { url: 'https://hooks.example.com/', domain: 'example.com', ...wrong };
    expect(await problemOf(await post('/v1/webhooks', body))).toBe(`422 ${field}`);
  });
});

describe('Offhook webhooks: access', () => {
  it('need the scopes read and write, or admin', async () => {
    const body = { url: 'https://hooks.example.com/', domain: newDomain() };
    for (const scope of [['read'], ['write'], ['ingest']] as const) {
      expect(await problemOf(await post('/v1/webhooks', body, await bearer({ scope: [...scope] })))).toBe('403');
    }
    await makeWebhook(body, await bearer({ scope: ['read', 'write'] }));
  });

  it('what the token may not see is not in what is delivered, whatever the token was when it was made', async () => {
    const headers = await bearer({ scope: ['read', 'write'], detail: 'direction' });
    const { receiver, id, alice } = await (async () => {
      const domain = newDomain();
      const receiver = new Receiver();
      const { id, detail } = await makeWebhook({ url: receiver.url, domain }, headers);
      expect(detail).toBe('direction');
      return { receiver, id, alice: newStream('alice', domain) };
    })();
    await report([alice.next(say.talking('c1'))]);
    await settled(id);
    expect(receiver.deliveries[0]?.event.data).toMatchObject({ status: 'talking', calls: [{ direction: 'incoming' }] });
    expect(receiver.deliveries[0]?.text).not.toMatch(/bob|PCMA|c1@/);
    const more = { url: receiver.url, domain: newDomain(), detail: 'full' };
    expect(await problemOf(await post('/v1/webhooks', more, headers))).toBe('403 detail');
  });

  it('a token for single users makes webhooks of these alone, and sees no other', async () => {
    const { domain, id, alice, bob } = await stage();
    const receiver = new Receiver();
    const headers = await bearer({ scope: ['read', 'write'], domain, users: [alice.user] });
    const made = await makeWebhook({ url: receiver.url, domain }, headers);
    await report([bob.next(say.online()), alice.next(say.online())]);
    await settled(made.id);
    expect(receiver.deliveries.map(({ event }) => event.data.user)).toEqual([alice.user]);
    expect(await problemOf(await post('/v1/webhooks', { url: receiver.url, users: [bob.user] }, headers))).toBe('403');
    expect(await problemOf(await request(`/v1/webhooks/${id}`, { headers }))).toBe('404');
    const listed = await okay<{ webhooks: Webhook[] }>(await request(`/v1/webhooks?domain=${domain}`, { headers }));
    expect(listed.webhooks.map((one) => one.id)).toEqual([made.id]);
    const watch = { until: 'available', wait: 1 };
    expect(await problemOf(await post(`/v1/watches/${bob.user}`, watch, headers))).toBe('403');
  });

  it('what is done to them is in the audit', async () => {
    const { domain, id } = await stage();
    for (const act of ['pause', 'resume', 'secret']) await post(`/v1/webhooks/${id}/${act}`, '');
    await post(`/v1/webhooks/${id}/replay`, { deadLetters: true });
    await request(`/v1/webhooks/${id}`, { method: 'DELETE' });
    const headers = await bearer({ domain });
    const { entries } = await okay<{ entries: { act: string; target: string }[] }>(await request('/v1/audit', { headers }));
    const acts = entries.filter(({ target }) => target === id).map(({ act }) => act.replace('webhook.', ''));
    expect(acts).toEqual(['delete', 'replay', 'rotate', 'change', 'change', 'create']);
  });

  it('one that shows more than a token may see does not exist for it', async () => {
    const { domain, id } = await stage();
    for (const claims of [{ domain: 'other.test' }, { domain, detail: 'busy-only' as const }]) {
      const headers = await bearer(claims);
      expect(await problemOf(await request(`/v1/webhooks/${id}`, { headers }))).toBe('404');
      expect(await problemOf(await post(`/v1/webhooks/${id}/secret`, '', headers))).toBe('404');
      expect(await problemOf(await request(`/v1/webhooks/${id}`, { method: 'DELETE', headers }))).toBe('404');
    }
    const hidden = await request(`/v1/webhooks?domain=${domain}`, { headers: await bearer({ detail: 'busy-only' }) });
    expect(await okay(hidden)).toEqual({ webhooks: [] });
    const foreign = await bearer({ domain: 'other.test' });
    expect(await problemOf(await request(`/v1/webhooks?domain=${domain}`, { headers: foreign }))).toBe('403');
    expect(await problemOf(await post('/v1/webhooks', { url: 'https://hooks.example.com/', domain }, foreign))).toBe('403');
  });
});
