import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aorOf, openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
beforeEach(() => scene.mark());
afterAll(() => scene?.close());

const PORT = 7300;
const terminals = (user: string) =>
  scene.watcher.changes.filter(({ presence }) => presence.user === aorOf(user)).map(({ presence }) => presence.terminalStatus);

describe('RFC 3261 10 registration by SIPp', () => {
  it('shows a user on-line at the first REGISTER, with the Contact and its port', async () => {
    await scene.sipp('register', { fields: [['r1', PORT, 3600]], callId: 'r1-', cseq: 1 });
    const seen = await scene.watcher.next(aorOf('r1'), 'online', (p) => p.terminalStatus === 'online');
    expect(seen.terminals.map(({ contact }) => contact)).toEqual([`sip:r1@127.0.0.1:${PORT};transport=UDP`]);
    expect(await scene.reader.presence(aorOf('r1'))).toEqual(seen);
  });

  it('is silent about a refresh, and shows de-registration', async () => {
    const options = { fields: [['r2', PORT, 3600]], callId: 'r2-' };
    await scene.sipp('register', { ...options, cseq: 1 });
    await scene.sipp('register', { ...options, cseq: 2 });
    await scene.sipp('deregister', { ...options, cseq: 3 });
    await scene.watcher.next(aorOf('r2'), 'offline', (p) => p.terminalStatus === 'offline');
    expect(terminals('r2')).toEqual(['online', 'offline']);
    expect((await scene.reader.presence(aorOf('r2')))?.status).toBe('offline');
  });

  it('refuses 5 seconds with 423 and grants what its Min-Expires says', async () => {
    await scene.sipp('register-brief', { fields: [['r3', PORT]] });
    await scene.watcher.next(aorOf('r3'), 'online', (p) => p.terminalStatus === 'online');
    expect(terminals('r3')).toEqual(['online']);
  });

  it('keeps several Contacts, and stays on-line until the last is gone', async () => {
    const options = { fields: [['r4', PORT, 3600]], callId: 'r4-' };
    await scene.sipp('register-several', { ...options, cseq: 1 });
    await scene.watcher.next(aorOf('r4'), 'two terminals', (p) => p.terminals.length === 2);
    await scene.sipp('deregister-all', { ...options, cseq: 2 });
    await scene.watcher.next(aorOf('r4'), 'offline', (p) => p.terminalStatus === 'offline');
    expect(new Set(terminals('r4'))).toEqual(new Set(['online', 'offline']));
    expect((await scene.reader.presence(aorOf('r4')))?.terminals).toEqual([]);
  });

  it('takes 200 users a second', async () => {
    const users = Array.from({ length: 200 }, (_, n) => `many${n}`);
    await scene.register(users, PORT);
    await scene.watcher.until('all on-line', () => users.every((user) => scene.watcher.latest(aorOf(user))));
    const documents = await scene.reader.query(users.map(aorOf));
    expect(documents.map((document) => document?.status)).toEqual(users.map(() => 'available'));
  });

  it('takes REGISTER over TCP', async () => {
    await scene.sipp('register', { fields: [['r5', PORT, 3600]], transport: 'tcp', callId: 'r5-', cseq: 1 });
    const seen = await scene.watcher.next(aorOf('r5'), 'online', (p) => p.terminalStatus === 'online');
    expect(seen.terminals[0]?.contact).toBe(`sip:r5@127.0.0.1:${PORT};transport=TCP`);
  });
});
