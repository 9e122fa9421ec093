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
