import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { newStream, okay, presence, report, request, say } from './support/client.ts';
import { boardObject, hang, userObject } from './support/objects.ts';

describe('FIG. 8 in the object of a user', () => {
  it.each([false, true])('holds the whole story of a call (evicted after each update: %s)', async (evicted) => {
    const alice = newStream('alice');
    const told: string[] = [];
    const story = [say.online(), say.early('c1'), say.talking('c1'), say.offline(), say.terminating('c1'), say.idle('c1')];
    for (const word of story) {
      expect(await report([alice.next(word)])).toMatchObject([{ verdict: 'accepted' }]);
      if (evicted) await evictDurableObject(userObject(alice.user));
      const { terminalStatus, callStatus } = await presence(alice.user);
      told.push(`${terminalStatus}/${callStatus}`);
    }
    expect(told).toEqual([
      'online/idle',
      'online/ringing',
      'online/talking',
      'offline-waiting/talking',
      'offline/terminating',
      'offline/idle',
    ]);
  });

  it('answers duplicate, stale and gap from storage', async () => {
    const alice = newStream('alice');
    const updates = [say.online(), say.talking('c1'), say.offline(), say.idle('c1')].map((word) => alice.next(word));
    await report(updates.slice(0, 2));
    await evictDurableObject(userObject(alice.user));
    const verdicts = await report([updates[0], updates[3], { ...updates[0], epoch: 1 }]);
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['duplicate', 'gap', 'stale']);
  });

  it('applies an update once that is sent twice at the same time', async () => {
    const alice = newStream('alice');
    const update = alice.next(say.online());
    const verdicts = (await Promise.all([report([update]), report([update])])).flat().map(({ verdict }) => verdict);
    expect(verdicts.sort()).toEqual(['accepted', 'duplicate']);
    expect(await presence(alice.user)).toMatchObject({ version: 1 });
  });

  it('corrects the times of a site whose clock is an hour ahead', async () => {
    const ahead = Date.now() + 3_600_000;
    const alice = newStream('alice');
    await report([{ ...alice.next(say.online('sip:a@1', { since: ahead })), at: ahead }], 'site-a', ahead);
    const { since, terminals } = await presence(alice.user);
    for (const time of [since, terminals[0]?.since ?? '']) expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
  });
});

describe('Offhook storage of a user', () => {
  it('writes the record once and a history row a visible change, for a whole group of updates', async () => {
    const alice = newStream('alice');
    const updates = [say.online(), say.talking('c1'), say.talking('c1'), say.idle('c1')].map((word) => alice.next(word));
    await report(updates);
    await runInDurableObject(userObject(alice.user), (_, { storage }) => {
      expect(storage.sql.exec('SELECT count(*) AS n FROM record').one()).toEqual({ n: 1 });
      expect(storage.sql.exec('SELECT slot, version FROM history').toArray()).toEqual([
        { slot: 0, version: 1 },
        { slot: 1, version: 2 },
        { slot: 2, version: 3 },
      ]);
    });
  });

  it('writes nothing for duplicates', async () => {
    const alice = newStream('alice');
    const update = alice.next(say.online());
    await report([update]);
    const body = () =>
      runInDurableObject(userObject(alice.user), (_, { storage }) => storage.sql.exec('SELECT body FROM record').one());
    const before = await body();
    expect(await report([update, update])).toMatchObject([{ verdict: 'duplicate' }, { verdict: 'duplicate' }]);
    expect(await body()).toEqual(before);
  });

  it('creates nothing for a user who is only asked for', async () => {
    const { user } = newStream('nobody');
    expect((await request(`/v1/presence/${user}`)).status).toBe(404);
    expect((await request(`/v1/presence/${user}/history`)).status).toBe(404);
    const tables = await runInDurableObject(userObject(user), (_, { storage }) =>
      storage.sql.exec('SELECT name FROM sqlite_master').toArray(),
    );
    expect(tables.filter(({ name }) => !String(name).startsWith('_cf'))).toEqual([]);
  });

  it('has what is stored back after memory was lost', async () => {
    const alice = newStream('alice');
    await report([alice.next(say.online())]);
    await runInDurableObject(userObject(alice.user), (_, { storage }) => {
      const { body } = storage.sql.exec<{ body: string }>('SELECT body FROM record').one();
      storage.sql.exec('UPDATE record SET body = ?', body.replace('"version":1', '"version":41'));
    });
    expect(await presence(alice.user)).toMatchObject({ version: 1 });
    await evictDurableObject(userObject(alice.user));
    expect(await presence(alice.user)).toMatchObject({ version: 41 });
  });

  it('keeps a bounded history, newest first, by page', async () => {
    const alice = newStream('alice');
    const kept = 200;
    const total = kept + 10;
    await report([alice.next(say.online())]);
    for (let told = 1; told < total; ) {
      const some = Array.from({ length: Math.min(100, total - told) }, (_, i) =>
        alice.next((told + i) % 2 ? say.talking('c1') : say.idle('c1')),
      );
      await report(some);
      told += some.length;
    }
    await evictDurableObject(userObject(alice.user));
    const versions: number[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const path: string = `/v1/presence/${alice.user}/history?limit=90${cursor && `&cursor=${cursor}`}`;
      const page: { entries: { version: number }[]; cursor?: string } = await okay(await request(path));
      versions.push(...page.entries.map(({ version }) => version));
      cursor = page.cursor;
    }
    expect(versions).toEqual(Array.from({ length: kept }, (_, i) => total - i));
  });
});

describe('Offhook alarm of a user', () => {
  const alarmOf = (user: string) => runInDurableObject(userObject(user), (_, { storage }) => storage.getAlarm());

  it.each([false, true])('ends what has passed its deadline, though nobody asks (evicted before: %s)', async (evicted) => {
    const alice = newStream('alice');
    const expires = Date.now() + 50;
    await report([alice.next(say.online('sip:a@1', { expires })), alice.next(say.talking('c1'))]);
    if (evicted) await evictDurableObject(userObject(alice.user));
    const stored = () =>
      runInDurableObject(userObject(alice.user), (_, { storage }) => {
        const { body } = storage.sql.exec<{ body: string }>('SELECT body FROM record').one();
        return (JSON.parse(body) as { terminalStatus: string }).terminalStatus;
      });
    await expect.poll(stored, { timeout: 5_000, interval: 20 }).toBe('offline-waiting');
    const { entries } = await okay<{ entries: object[] }>(await request(`/v1/presence/${alice.user}/history?limit=1`));
    expect(entries).toMatchObject([{ cause: { by: 'deadline', what: 'terminal-expired' }, reason: 'expired' }]);
  });

  it('is not waited for by a reader: what has passed its deadline is never shown', async () => {
    const alice = newStream('alice');
    const expires = Date.now() + 50;
    await report([alice.next(say.online('sip:a@1', { expires }))]);
    await runInDurableObject(userObject(alice.user), (_, { storage }) => storage.deleteAlarm());
    await expect.poll(async () => (await presence(alice.user)).terminalStatus, { timeout: 5_000, interval: 20 }).toBe('offline');
  });

  it('does nothing when it comes early, and is set again', async () => {
    const alice = newStream('alice');
    const expires = Date.now() + 3_600_000;
    await report([alice.next(say.online('sip:a@1', { expires }))]);
    expect(await runDurableObjectAlarm(userObject(alice.user))).toBe(true);
    expect(await presence(alice.user)).toMatchObject({ terminalStatus: 'online', version: 1 });
    expect(await alarmOf(alice.user)).toBe(expires);
  });

  it('is not moved to the next deadline before the board has been told of this one', async () => {
    const alice = newStream('alice');
    const expires = Date.now() + 60_000;
    await report([alice.next(say.online('sip:a@1', { expires })), alice.next(say.talking('c1'))]);
    await runInDurableObject(userObject(alice.user), (_, { storage }) => {
      const { body } = storage.sql.exec<{ body: string }>('SELECT body FROM record').one();
      storage.sql.exec('UPDATE record SET body = ?', body.replace(String(expires), '1'));
    });
    await evictDurableObject(userObject(alice.user));
    const wake = await hang(boardObject(alice.user), 'put');
    const handled = runDurableObjectAlarm(userObject(alice.user));
    const stored = () =>
      runInDurableObject(userObject(alice.user), (_, { storage }) =>
        String(storage.sql.exec('SELECT body FROM record').one().body).includes('"terminalStatus":"offline-waiting"'),
      );
    await expect.poll(stored).toBe(true);
    // Should all memory be lost now, the alarm that is being handled comes again; one set anew would be the call's, hours later.
    expect(await alarmOf(alice.user)).toBeNull();
    wake();
    await handled;
    expect(await alarmOf(alice.user)).toBeGreaterThan(Date.now() + 3_600_000);
  });

  it('is set only where it would come too late', async () => {
    const alice = newStream('alice');
    const now = Date.now();
    await report([alice.next(say.online('sip:a@1', { expires: now + 60_000 }))]);
    await report([alice.next(say.online('sip:a@1', { expires: now + 120_000 }))]);
    expect(await alarmOf(alice.user)).toBe(now + 60_000);
    await evictDurableObject(userObject(alice.user));
    await report([alice.next(say.talking('c1', { deadline: now + 30_000 }))]);
    expect(await alarmOf(alice.user)).toBe(now + 30_000);
  });

  it('is set for the end of the history alone where nothing else ends by itself', async () => {
    const alice = newStream('alice');
    const at = Date.now();
    await report([{ ...alice.next(say.online()), at }]);
    expect(await alarmOf(alice.user)).toBe(at + 31 * 24 * 3_600_000);
  });

  it('may come twice, late and early: what it does is done once', async () => {
    const alice = newStream('alice');
    const at = Date.now() - 60_000;
    const call = { startedAt: at, deadline: at + 30_000 };
    await userObject(alice.user).apply(alice.user, 'site-a', [
      { ...alice.next(say.online('sip:a@1', { since: at, expires: Date.now() + 3_600_000 })), at },
    ]);
    await runInDurableObject(userObject(alice.user), async (instance) => {
      const { apply } = instance;
      await apply.call(instance, alice.user, 'site-a', [{ ...alice.next(say.talking('c1', call)), at }]);
      for (let again = 0; again < 3; again++) await instance.alarm();
    });
    await evictDurableObject(userObject(alice.user));
    await runDurableObjectAlarm(userObject(alice.user));
    const { entries } = await okay<{ entries: { version: number; cause: { by: string } }[] }>(
      await request(`/v1/presence/${alice.user}/history`),
    );
    expect(entries.map(({ version, cause }) => [version, cause.by])).toEqual([
      [3, 'deadline'],
      [2, 'update'],
      [1, 'update'],
    ]);
  });

  it('is set anew before it fails for the last time, so that no deadline is left without one', async () => {
    const alice = newStream('alice');
    const expires = Date.now() + 3_600_000;
    await report([alice.next(say.online('sip:a@1', { expires }))]);
    await runInDurableObject(userObject(alice.user), async (instance, { storage }) => {
      const { body } = storage.sql.exec<{ body: string }>('SELECT body FROM record').one();
      storage.sql.exec('UPDATE record SET body = ?', body.replace(String(expires), '1'));
      void instance;
    });
    await evictDurableObject(userObject(alice.user));
    await runInDurableObject(userObject(alice.user), async (instance, { storage }) => {
      // As of a disk that is full: what the deadline changes cannot be stored.
      storage.sql.exec('ALTER TABLE history RENAME TO away');
      const failing = (retryCount: number) => instance.alarm({ isRetry: retryCount > 0, retryCount, scheduledTime: 0 });
      for (const early of [0, 3]) await expect(failing(early)).rejects.toThrow('history');
      // An alarm that rings is set no more.
      await storage.deleteAlarm();
      const before = Date.now();
      await failing(OBJECT_LIMITS.alarmRetries);
      const after = Date.now();
      const at = (await storage.getAlarm()) ?? Infinity;
      expect(at).toBeGreaterThanOrEqual(before + OBJECT_LIMITS.alarmAgain);
      expect(at).toBeLessThanOrEqual(after + OBJECT_LIMITS.alarmAgain);
      storage.sql.exec('ALTER TABLE away RENAME TO history');
    });
    await runDurableObjectAlarm(userObject(alice.user));
    expect(await presence(alice.user)).toMatchObject({ terminalStatus: 'offline', version: 2 });
  });
});
