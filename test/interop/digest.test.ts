import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { quietPort } from '../support/port.ts';
import { aorOf, openScene, type Scene } from './scene.ts';
import { credentials } from './sipp.ts';
import { usersFile } from './users.ts';

let scene: Scene;
let users: Awaited<ReturnType<typeof usersFile>>;
beforeAll(async () => {
  users = await usersFile(['alice', 'bob'], 'secret');
  // SIPp answers no challenge but MD5's, and none where it sees another before it.
  scene = await openScene('--auth=digest', '--auth-algorithms=MD5', `--users-file=${users.file}`);
});
beforeEach(() => scene.mark());
afterAll(async () => {
  await scene?.close();
  await users?.remove();
});

describe('RFC 3261 22, RFC 8760 digest authentication, by SIPp', () => {
  it('registers and calls with the right password, and with no other', async () => {
    const port = await quietPort();
    // SIPp writes the address of the server into uri, whatever it asks for, as some phones do.
    const register = (user: string, password: string) => {
      const fields = [[user, port, 3600, credentials(user, password)]];
      return scene.sipp('register-auth', { fields });
    };
    await expect(register('alice', 'wrong')).rejects.toThrow('401');
    await expect(register('nobody', 'secret')).rejects.toThrow('401');
    await register('alice', 'secret');
    await register('bob', 'secret');
    await scene.watcher.until('both on-line', () =>
      ['alice', 'bob'].every((user) => scene.watcher.latest(aorOf(user))?.terminalStatus === 'online'),
    );
    await scene.call('uac-auth', 'uas', port, { fields: [['alice', 'bob', credentials('alice', 'secret')]] });
    await scene.settled(['alice', 'bob']);
    expect(scene.callStatuses('alice')).toEqual(['calling', 'talking', 'terminating', 'idle']);
    expect(scene.callStatuses('bob')).toEqual(['ringing', 'talking', 'terminating', 'idle']);
    // Bob's password does not make a call Alice's.
    scene.mark();
    const borrowed = [['alice', 'bob', credentials('bob', 'secret')]];
    await expect(scene.sipp('uac-auth', { fields: borrowed })).rejects.toThrow(/40[37]/);
    expect(scene.callStatuses('alice')).toEqual([]);
    expect(await scene.reader.presence(aorOf('nobody'))).toBeUndefined();
  });
});
