import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { quietPort } from '../support/port.ts';
import { aorOf, openScene, type Scene } from './scene.ts';
import { startSipp } from './sipp.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
beforeEach(() => scene.mark());
afterAll(() => scene?.close());

/** The statuses that the watcher saw of a user since the mark, one for each change. */
const statuses = (user: string) =>
  scene.watcher.changes
    .slice(scene.marked)
    .filter(({ presence }) => presence.user === aorOf(user))
    .map(({ presence }) => presence.status)
    .filter((status, i, all) => status !== all[i - 1]);

async function expectAtRest(users: readonly string[]) {
  await scene.settled(users);
  for (const document of await scene.reader.query(users.map(aorOf))) {
    expect(document).toMatchObject({ status: 'available', terminalStatus: 'online', callStatus: 'idle', calls: [] });
  }
}

describe('RFC 3261 16.7 forking, by SIPp', () => {
  it('rings both telephones of a user; the one that answers talks, the other is cancelled, and the user is seen in one call', async () => {
    const [first, second, from] = [await quietPort(), await quietPort(), await quietPort()];
    await scene.register(['fa'], from);
    await scene.register(['fb'], first);
    await scene.register(['fb'], second);
    scene.mark();
    const loser = await startSipp('uas-cancel', { target: scene.product.sip, port: first });
    await loser.listening;
    await scene.call('uac', 'uas', second, { fields: [['fa', 'fb']] });
    expect(await loser.ended).toMatchObject({ code: 0, successful: 1 });
    await expectAtRest(['fa', 'fb']);
    expect(scene.callStatuses('fa')).toEqual(['calling', 'talking', 'terminating', 'idle']);
    expect(scene.callStatuses('fb')).toEqual(['ringing', 'talking', 'terminating', 'idle']);
  });
});

describe('RFC 3264 8.4 hold, by SIPp', () => {
  it('shows both sides held while the caller holds the call, and talking when it is resumed', async () => {
    const port = await quietPort();
    await scene.register(['ha', 'hb'], port);
    scene.mark();
    await scene.call('uac-hold', 'uas-hold', port, { fields: [['ha', 'hb']], hold: 300 });
    await expectAtRest(['ha', 'hb']);
    for (const [user, ringing] of [
      ['ha', 'calling'],
      ['hb', 'ringing'],
    ] as const) {
      expect(statuses(user)).toEqual([ringing, 'talking', 'held', 'talking', 'available']);
    }
  });
});

describe('RFC 3515, 3891 attended transfer, by SIPp', () => {
  it('leaves the transferor free, and the transferee and the target talking to each other until they hang up', async () => {
    const [bob, carol, alice] = [await quietPort(), await quietPort(), await quietPort()];
    await scene.register(['ta'], alice);
    await scene.register(['tb'], bob);
    await scene.register(['tc'], carol);
    scene.mark();
    const target = scene.product.sip;
    const far = [
      await startSipp('uas-refer', { target, port: bob }),
      await startSipp('uas-replaces', { target, port: carol, calls: 2, hold: 1500 }),
    ];
    await Promise.all(far.map(({ listening }) => listening));
    const toBob = await startSipp('uac-refer', { target, fields: [['ta', 'tb', 'tc', 'consult-1']], hold: 1200 });
    await scene.watcher.until('held', () => statuses('ta').includes('held'));
    const toCarol = await startSipp('uac-consult', { target, fields: [['ta', 'tc']], callId: 'consult-' });
    const confirmed = () => scene.watcher.latest(aorOf('ta'))?.calls.filter(({ state }) => state === 'confirmed');
    await scene.watcher.until('consulting', () => confirmed()?.length === 2);
    // One call held, one not: talking.
    expect(confirmed()?.map(({ held }) => held)).toEqual([true, false]);
    expect(scene.watcher.latest(aorOf('ta'))?.status).toBe('talking');
    const replacing = await startSipp('uac-replaces', { target, fields: [['tb', 'tc', 'consult-1']], hold: 2500 });
    await scene.watcher.until('transferred', () => scene.watcher.latest(aorOf('ta'))?.status === 'available');
    // The users' objects are told one after another.
    await scene.watcher.until('one call each', () =>
      ['tb', 'tc'].every((user) => scene.watcher.latest(aorOf(user))?.calls.length === 1),
    );
    const [b, c] = await scene.reader.query([aorOf('tb'), aorOf('tc')]);
    expect(b).toMatchObject({ status: 'talking', calls: [{ direction: 'outgoing', held: false, peer: { uri: aorOf('tc') } }] });
    expect(c).toMatchObject({ status: 'talking', calls: [{ direction: 'incoming', held: false, peer: { uri: aorOf('tb') } }] });
    for (const { ended } of [...far, toBob, toCarol, replacing]) expect(await ended).toMatchObject({ code: 0, failed: 0 });
    await expectAtRest(['ta', 'tb', 'tc']);
  });
});

describe('RFC 4028 session timer, by SIPp', () => {
  it('ends presence, and not the call, when the session is not refreshed in its time', async () => {
    const port = await quietPort();
    await scene.register(['sa', 'sb'], port);
    scene.mark();
    await scene.call('uac-vanish', 'uas-session-timer', port, { fields: [['sa', 'sb']] });
    await expectAtRest(['sa', 'sb']);
    for (const user of ['sa', 'sb']) {
      const [last] = await scene.reader.history(aorOf(user));
      expect(last).toMatchObject({ callStatus: 'idle', reason: { cause: 'session-timer' } });
      expect(scene.callStatuses(user).slice(-2)).toEqual(['terminating', 'idle']);
    }
  });
});
