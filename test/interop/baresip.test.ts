import { afterEach, describe, expect, it } from 'vitest';
import { type Baresip, startBaresip } from './baresip.ts';
import { aorOf, DOMAIN, openScene, type Scene } from './scene.ts';

let scene: Scene | undefined;
const phones: Baresip[] = [];
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.kill();
  await scene?.close();
  scene = undefined;
});

async function phone(user: string, of: Scene, transport: string, more: { readonly answers?: boolean } = {}): Promise<Baresip> {
  const { address, port } = of.product.sip;
  const one = await startBaresip({ aor: `${user}@${DOMAIN}`, proxy: `${address}:${port};transport=${transport}`, ...more });
  phones.push(one);
  await of.watcher.until(`${user} on-line`, () => of.watcher.latest(aorOf(user))?.terminalStatus === 'online');
  return one;
}

const inStatus = (of: Scene, status: string, ...users: string[]) =>
  of.watcher.until(`${users} ${status}`, () => users.every((user) => of.watcher.latest(aorOf(user))?.status === status));

describe('RFC 3261, 3264 a telephone: baresip', () => {
  it.each(['udp', 'tcp'])('registers, calls, holds, resumes, hangs up and de-registers over %s', async (transport) => {
    scene = await openScene();
    const alice = await phone('alice', scene, transport);
    const bob = await phone('bob', scene, transport, { answers: true });
    expect(scene.watcher.latest(aorOf('alice'))?.terminals).toMatchObject([{ type: 'softphone' }]);
    await alice.command('dial', `sip:bob@${DOMAIN}`);
    await inStatus(scene, 'talking', 'alice', 'bob');
    const talking = await scene.reader.presence(aorOf('bob'));
    expect(talking?.calls).toMatchObject([
      { direction: 'incoming', peer: { uri: aorOf('alice') }, media: [{ type: 'audio', codec: 'PCMU' }], session: 'voice' },
    ]);
    await alice.command('hold');
    await inStatus(scene, 'held', 'alice', 'bob');
    await alice.command('resume');
    await inStatus(scene, 'talking', 'alice', 'bob');
    await bob.command('hangup');
    await inStatus(scene, 'available', 'alice', 'bob');
    await bob.close();
    await inStatus(scene, 'offline', 'bob');
    expect(await scene.reader.presence(aorOf('bob'))).toMatchObject({ terminals: [], calls: [] });
    expect(await scene.reader.presence(aorOf('alice'))).toMatchObject({ status: 'available', calls: [] });
  });
});
