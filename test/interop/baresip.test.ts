import { afterEach, describe, expect, it } from 'vitest';
import { pathOf } from '../support/certificates.ts';
import { quietPort } from '../support/port.ts';
import { type Baresip, type BaresipOptions, startBaresip } from './baresip.ts';
import { aorOf, DOMAIN, openScene, type Scene } from './scene.ts';
import { usersFile } from './users.ts';

let scene: Scene | undefined;
const phones: Baresip[] = [];
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.kill();
  await scene?.close();
  scene = undefined;
});

async function phone(user: string, of: Scene, transport: string, more: Partial<BaresipOptions> = {}, at = of.product.sip.port) {
  const [address, port] = [of.product.sip.address, at];
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

describe('RFC 3261 26.3, RFC 5922, RFC 8760 a telephone over TLS with a password: baresip', () => {
  it('checks the certificate, registers by digest, calls, and is called over its connection', async () => {
    const tls = await quietPort();
    const certificate = [`--tls-certificate=${pathOf('local.pem')}`, `--tls-key=${pathOf('local.key.pem')}`];
    const users = await usersFile(['alice', 'bob'], 'secret');
    // This baresip knows MD5 alone, and gives up where it sees another challenge before it.
    const digest = ['--auth=digest', '--auth-algorithms=MD5', `--users-file=${users.file}`];
    scene = await openScene(`--tls-port=${tls}`, ...certificate, ...digest);
    const config = [`sip_cafile ${pathOf('authority.pem')}`];
    const secure = { password: 'secret', config };
    const alice = await phone('alice', scene, 'tls', secure, tls);
    await phone('bob', scene, 'tls', { ...secure, answers: true }, tls);
    expect(scene.watcher.latest(aorOf('bob'))?.terminals[0]?.contact).toMatch(/transport=tls$/i);
    await alice.command('dial', `sip:bob@${DOMAIN}`);
    await inStatus(scene, 'talking', 'alice', 'bob');
    await alice.command('hangup');
    await inStatus(scene, 'available', 'alice', 'bob');
    await users.remove();
  });
});

describe('RFC 3261 12.2 a telephone that is gone in mid-call: baresip, killed', () => {
  it('is asked whether it lives, more than once, and the call is over in presence within the stated time', async () => {
    const probing = ['--probe-interval=10s', '--probe-tries=2', '--probe-retry=1s', '--t1=50ms'];
    scene = await openScene(...probing);
    const alice = await phone('alice', scene, 'udp');
    const bob = await phone('bob', scene, 'udp', { answers: true });
    await alice.command('dial', `sip:bob@${DOMAIN}`);
    await inStatus(scene, 'talking', 'alice', 'bob');
    await bob.kill();
    await scene.watcher.until(
      'the call over',
      () => ['alice', 'bob'].every((user) => scene?.watcher.latest(aorOf(user))?.callStatus === 'idle'),
      40_000,
    );
    // Nobody ended the call of the one that is still there.
    expect(alice.output()).not.toMatch(/session closed/i);
    for (const user of ['alice', 'bob']) {
      const ends = (await scene.reader.history(aorOf(user))).find(({ callStatus }) => callStatus === 'idle');
      expect(ends).toMatchObject({ reason: { cause: 'probe' } });
    }
  });
});
