import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { newDomain, newStream, presence, report, request, say } from './support/client.ts';
import { boardObject, hang, userObject } from './support/objects.ts';

const path = (user: string) => `/v1/presence/${encodeURIComponent(user)}`;

/** What a user's board lists of them. */
const listed = async (user: string) => (await boardObject(user).list('', 10)).map(({ text }) => JSON.parse(text).status);

/** In how many ms the object wakes up by itself; Infinity where it does not. */
async function wakesIn(user: string): Promise<number> {
  const at = await runInDurableObject(userObject(user), (_, { storage }) => storage.getAlarm());
  return at === null ? Infinity : at - Date.now();
}

/** Asks for something, and does not wait until the board, which hangs, was told of it; then all memory is lost, as by a kill. */
async function cutOff(user: string, method: string, ask: () => Promise<Response>, stored: () => Promise<boolean>) {
  const release = await hang(boardObject(user), method);
  const asked = ask().catch(() => undefined);
  await expect.poll(stored).toBe(true);
  const soon = await wakesIn(user);
  release();
  await asked;
  return soon;
}

describe('Offhook the object of a user that is killed before its board was told', () => {
  it('of an override wakes up by itself, tells the board, and ends the override in time', async () => {
    const { user } = newStream('alice', newDomain());
    const body = JSON.stringify({ activity: 'dnd', expiresIn: 3600 });
    const rows = () =>
      runInDurableObject(userObject(user), (_, { storage }) => storage.sql.exec('SELECT name FROM sqlite_master').toArray());
    const soon = await cutOff(
      user,
      'put',
      () => request(`${path(user)}/override`, { method: 'PUT', body }),
      async () => (await rows()).some(({ name }) => name === 'record'),
    );
    expect(soon).toBeLessThanOrEqual(5_000);
    expect(await listed(user)).toEqual(['dnd']);
    await evictDurableObject(userObject(user));
    await runDurableObjectAlarm(userObject(user));
    expect(await presence(user)).toMatchObject({ status: 'dnd' });
    expect(Math.abs((await wakesIn(user)) - 3_600_000)).toBeLessThan(60_000);
  });

  it('of a deletion wakes up by itself, and takes the user off the board', async () => {
    const alice = newStream('alice', newDomain());
    await report([alice.next(say.online('sip:a@1', { expires: null }))]);
    const { user } = alice;
    const gone = () =>
      runInDurableObject(
        userObject(user),
        (_, { storage }) => storage.sql.exec('SELECT * FROM forgotten').toArray().length === 1,
      );
    const soon = await cutOff(user, 'forget', () => request(path(user), { method: 'DELETE' }), gone);
    expect(soon).toBeLessThanOrEqual(5_000);
  });

  it('of a deletion takes the user off when it wakes up, and does not wait for the second time', async () => {
    const alice = newStream('alice', newDomain());
    const { handover } = await userObject(alice.user).apply(alice.user, 'site-a', [alice.next(say.online())]);
    await request(path(alice.user), { method: 'DELETE' });
    await boardObject(alice.user).put(handover?.changes ?? []);
    await evictDurableObject(userObject(alice.user));
    await runDurableObjectAlarm(userObject(alice.user));
    expect(await listed(alice.user)).toEqual([]);
    expect(await wakesIn(alice.user)).toBeLessThanOrEqual(15_000);
  });
});
