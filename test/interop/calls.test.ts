import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { quietPort } from '../support/port.ts';
import { aorOf, openScene, type Scene } from './scene.ts';

let scene: Scene;
let port: number;
beforeAll(async () => {
  scene = await openScene();
  port = await quietPort();
  await scene.register(['alice', 'bob'], port);
});
beforeEach(() => scene.mark());
afterAll(() => scene?.close());

const WHOLE_CALLER = ['calling', 'talking', 'terminating', 'idle'];
const WHOLE_CALLEE = ['ringing', 'talking', 'terminating', 'idle'];

/** REST says the same as the last frame, and both that nobody is in a call. */
async function expectAtRest(users: readonly string[]) {
  const documents = await scene.reader.query(users.map(aorOf));
  expect(documents).toEqual(users.map((user) => scene.watcher.latest(aorOf(user))));
  for (const document of documents) {
    expect(document).toMatchObject({ status: 'available', terminalStatus: 'online', callStatus: 'idle', calls: [] });
  }
}

describe('RFC 3261 13 to 16 calls by SIPp', () => {
  const fields = [['alice', 'bob']];

  it('relays a call with the offer in the INVITE, Record-Route and Route in use; each transition is seen once', async () => {
    await scene.call('uac', 'uas', port, { fields });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('alice')).toEqual(WHOLE_CALLER);
    expect(scene.callStatuses('bob')).toEqual(WHOLE_CALLEE);
    await expectAtRest(['alice', 'bob']);
  });

  it('relays a call with a delayed offer: talking begins at the ACK', async () => {
    await scene.call('uac-delayed', 'uas-delayed', port, { fields });
    await scene.settled(['alice', 'bob']);
    // The callee answers as soon as it rings; the caller waits 300 ms before its ACK.
    const began = (status: string) => Date.parse(scene.changeTo('bob', status)?.since ?? '');
    expect(began('talking') - began('ringing')).toBeGreaterThanOrEqual(290);
    expect(scene.callStatuses('alice')).toEqual(WHOLE_CALLER);
    expect(scene.callStatuses('bob')).toEqual(WHOLE_CALLEE);
    await expectAtRest(['alice', 'bob']);
  });

  it('relays a CANCEL: the call is over without having been answered', async () => {
    await scene.call('uac-cancel', 'uas-cancel', port, { fields });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('alice')).toEqual(['calling', 'idle']);
    expect(scene.callStatuses('bob')).toEqual(['ringing', 'idle']);
    await expectAtRest(['alice', 'bob']);
  });

  it('relays refusals: a 486 at once is not seen at all, a 480 after ringing is', async () => {
    await scene.call('uac-busy', 'uas-busy', port, { fields });
    await scene.call('uac-noanswer', 'uas-noanswer', port, { fields });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('alice')).toEqual(['calling', 'idle']);
    expect(scene.callStatuses('bob')).toEqual(['ringing', 'idle']);
    await expectAtRest(['alice', 'bob']);
  });

  it('answers 404 for a user that is not registered', async () => {
    await scene.sipp('uac-unknown', { fields: [['alice', 'nobody']] });
    expect(await scene.reader.presence(aorOf('nobody'))).toBeUndefined();
    await expectAtRest(['alice']);
  });

  it('relays 100 calls at 50 a second, 180 at once; every one of 200 users is seen in each state once', async () => {
    const pairs = Array.from({ length: 100 }, (_, n) => [`caller${n}`, `callee${n}`] as const);
    await scene.register(pairs.flat(), port);
    scene.mark();
    await scene.call('uac', 'uas', port, { fields: pairs, rate: 50 });
    await scene.settled(pairs.flat());
    for (const [caller, callee] of pairs) {
      expect(scene.callStatuses(caller), caller).toEqual(WHOLE_CALLER);
      expect(scene.callStatuses(callee), callee).toEqual(WHOLE_CALLEE);
    }
    await expectAtRest(pairs.flat());
  });

  it('relays a call between two telephones on TCP', async () => {
    await scene.register(['carol', 'dave'], port, { transport: 'tcp' });
    scene.mark();
    await scene.call('uac', 'uas', port, { fields: [['carol', 'dave']], transport: 'tcp' });
    await scene.settled(['carol', 'dave']);
    expect(scene.callStatuses('carol')).toEqual(WHOLE_CALLER);
    expect(scene.callStatuses('dave')).toEqual(WHOLE_CALLEE);
    await expectAtRest(['carol', 'dave']);
  });
});
