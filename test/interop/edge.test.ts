import { afterEach, describe, expect, it } from 'vitest';
import { quietPort } from '../support/port.ts';
import { type Kamailio, startKamailio } from './kamailio.ts';
import { aorOf, openScene, type Scene } from './scene.ts';
import { credentials } from './sipp.ts';

let scene: Scene | undefined;
let pbx: Kamailio | undefined;
afterEach(async () => {
  await scene?.close();
  await pbx?.close();
  scene = undefined;
  pbx = undefined;
});

describe('RFC 3327 the shim at the edge of a PBX: Kamailio', () => {
  it.each([
    { way: 'Path', usePath: 1, rewrite: 'off' },
    { way: 'rewritten Contacts', usePath: 0, rewrite: 'on' },
  ])('learns registrations and calls through $way, while Kamailio asks for the passwords', async ({ usePath, rewrite }) => {
    pbx = await startKamailio({ cfg: 'edge', address: '127.0.0.2', defines: { USE_PATH: usePath } });
    const upstream = `--upstream=sip:${pbx.sip.address}:${pbx.sip.port}`;
    scene = await openScene('--mode=edge', upstream, `--contact-rewrite=${rewrite}`);
    const { watcher, reader } = scene;
    const [a, b] = [await quietPort(), await quietPort()];
    await scene.sipp('register-auth', { fields: [['alice', a, 3600, credentials('alice', 'secret')]] });
    await scene.sipp('register-auth', { fields: [['bob', b, 900, credentials('bob', 'secret')]] });
    await watcher.until('both on-line', () =>
      ['alice', 'bob'].every((user) => watcher.latest(aorOf(user))?.terminalStatus === 'online'),
    );
    // A wrong password is Kamailio's to refuse, and nobody is on-line by it.
    await expect(scene.sipp('register-auth', { fields: [['mallory', a, 900, credentials('mallory', 'wrong')]] })).rejects.toThrow(
      'register-auth',
    );
    expect(await reader.presence(aorOf('mallory'))).toBeUndefined();
    scene.mark();
    await scene.call('uac-auth', 'uas', b, { fields: [['alice', 'bob', credentials('alice', 'secret')]], hold: 500 });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('alice')).toEqual(['calling', 'talking', 'terminating', 'idle']);
    expect(scene.callStatuses('bob')).toEqual(['ringing', 'talking', 'terminating', 'idle']);
    expect(scene.changeTo('bob', 'talking')?.calls).toMatchObject([{ direction: 'incoming', peer: { uri: aorOf('alice') } }]);
    for (const user of ['alice', 'bob']) {
      expect(await reader.presence(aorOf(user))).toMatchObject({ status: 'available', calls: [], terminals: [{}] });
    }
  });
});
