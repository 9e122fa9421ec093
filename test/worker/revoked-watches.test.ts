import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ACCESS_LIMITS } from '../../worker/access/index.ts';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import type { TokenClaims } from '../../worker/protocol/index.ts';
import { bearer, newDomain, newStream, post, problemOf, report, say } from './support/client.ts';
import { boardObject, boardObjects } from './support/objects.ts';
import { TestWatcher, upgrade } from './support/watcher.ts';

const REVOKED = { code: 1008, reason: 'the token was revoked' };
const access = () => env.ACCESS.getByName('access');
const revoke = async (body: object) => expect((await post('/v1/tokens/revocations', body)).status).toBe(201);

/** A watch of a user of its own with a token of these claims. */
async function watch(claims: Partial<TokenClaims>) {
  const stream = newStream('alice', newDomain());
  const watcher = await TestWatcher.open(`user=${stream.user}`, await bearer({ scope: ['read'], ...claims }));
  return { stream, watcher, board: boardObject(stream.user), closed: () => watcher.until(() => watcher.closed !== undefined) };
}

/** When a board's alarm is set to go off. */
const alarmOf = (board: ReturnType<typeof boardObject>) => runInDurableObject(board, (_, { storage }) => storage.getAlarm());

/** Lets the alarm come that looks after a watch was opened. */
const settle = async (board: ReturnType<typeof boardObject>) => {
  await evictDurableObject(board);
  expect(await runDurableObjectAlarm(board)).toBe(true);
};

describe('Offhook revocation of tokens: open watches', () => {
  const cases: [string, Partial<TokenClaims>, object][] = [];
  const [jti, sub] = [crypto.randomUUID(), `Anna \u00fc ${crypto.randomUUID()}`];
  cases.push(['a token', { jti }, { jti }], ['a subject', { sub }, { subject: sub }]);

  it.each(cases)('of %s that is revoked are closed at once, and others stay', async (_, claims, body) => {
    const [revoked, kept] = [await watch(claims), await watch({ jti: crypto.randomUUID(), sub: 'Bert' })];
    for (const { board } of [revoked, kept]) await settle(board);
    await evictDurableObject(revoked.board);
    await revoke(body);
    await revoked.closed();
    expect(revoked.watcher.closed).toEqual(REVOKED);
    await report([kept.stream.next(say.online())]);
    expect((await kept.watcher.changes(1)).map(({ user }) => user)).toEqual([kept.stream.user]);
    kept.watcher.socket.close();
  });

  it('that were opened a moment before or after are found by an alarm soon after', async () => {
    const id = crypto.randomUUID();
    const { watcher, board, closed } = await watch({ jti: id });
    const at = (await alarmOf(board)) as number;
    expect([at > Date.now(), at <= Date.now() + ACCESS_LIMITS.sweepAfterOpening]).toEqual([true, true]);
    await revoke({ jti: id });
    await settle(board);
    await closed();
    expect(watcher.closed).toEqual(REVOKED);
  });

  it('over several boards end as one', async () => {
    const [domain, id] = [newDomain(), crypto.randomUUID()];
    const watcher = await TestWatcher.open(`domain=${domain}`, await bearer({ scope: ['read'], jti: id }));
    for (const board of boardObjects(domain)) await settle(board);
    await revoke({ jti: id });
    await watcher.until(() => watcher.closed !== undefined);
    expect(watcher.closed?.code).toBe(1008);
  });

  it('of a token that expires are closed by an alarm, though nothing changes', async () => {
    const { watcher, board, closed } = await watch({ exp: Math.floor(Date.now() / 1000) + 100 });
    await settle(board);
    expect(Math.abs(((await alarmOf(board)) as number) - Date.now() - 100_000)).toBeLessThan(20_000);
    await runInDurableObject(board, (_, state) => {
      for (const socket of state.getWebSockets()) {
        const attachment = socket.deserializeAttachment() as { until: number };
        socket.serializeAttachment({ ...attachment, until: Date.now() - 1 });
      }
    });
    await settle(board);
    await closed();
    expect(watcher.closed).toEqual({ code: 1008, reason: 'the token has expired' });
  });

  it('cost no alarm while nothing happens', async () => {
    const { watcher, board } = await watch({});
    await settle(board);
    expect(await alarmOf(board)).toBeNull();
    watcher.socket.close();
  });

  it('at a board that cannot be told at first are closed when it can', async () => {
    const id = crypto.randomUUID();
    const { watcher, board, closed } = await watch({ jti: id });
    await settle(board);
    await runInDurableObject(board, (instance) => {
      const prototype = Object.getPrototypeOf(instance) as { sweep(): Promise<number> };
      const { sweep } = prototype;
      let calls = 0;
      prototype.sweep = async function (this: object) {
        if (this === instance && calls++ === 0) throw new Error('restarting');
        return sweep.call(this);
      };
    });
    await revoke({ jti: id });
    await expect
      .poll(() => runInDurableObject(access(), (_, { storage }) => storage.getAlarm()))
      .toBeLessThan(Date.now() + ACCESS_LIMITS.sweepRetry);
    expect(watcher.closed).toBeUndefined();
    await evictDurableObject(access());
    await runDurableObjectAlarm(access());
    await closed();
    expect(watcher.closed).toEqual(REVOKED);
  });

  it('that are gone leave nothing behind', async () => {
    const { stream, watcher, board } = await watch({});
    await settle(board);
    const known = () =>
      runInDurableObject(
        access(),
        (_, { storage }) =>
          storage.sql.exec('SELECT board FROM watched WHERE board LIKE ?', `${stream.user.split('@')[1]}#%`).toArray().length,
      );
    expect(await known()).toBe(1);
    watcher.socket.close(1000);
    await expect.poll(() => runInDurableObject(board, (_, state) => state.getWebSockets().length)).toBe(0);
    await revoke({ jti: crypto.randomUUID() });
    await expect.poll(known).toBe(0);
  });

  it('of one token are so many at a board, and no more', async () => {
    const { user } = newStream('alice', newDomain());
    const [full, other] = [crypto.randomUUID(), crypto.randomUUID()];
    await runInDurableObject(boardObject(user), (_, state) => {
      const value = (tag?: string) => (tag === `token ${full}` ? new Array(OBJECT_LIMITS.watchersByToken) : []);
      Object.defineProperty(state, 'getWebSockets', { value, configurable: true });
    });
    expect(await problemOf(await upgrade(`user=${user}`, await bearer({ jti: full })))).toBe('503');
    const response = await upgrade(`user=${user}`, await bearer({ jti: other }));
    expect(response.status).toBe(101);
    response.webSocket?.accept();
    response.webSocket?.close();
  });
});
