import { afterEach, describe, expect, it } from 'vitest';
import type { HistoryEntry } from '#protocol';
import { quietPort } from '../support/port.ts';
import { type Chain, openChain } from './chain.ts';
import { aorOf, openScene, type Scene } from './scene.ts';

/** The pause that the scenarios make before the ACK and before the 200 to the BYE, ms; less what a clock may lose. */
const PAUSE = 290;

const [ALICE, BOB] = [aorOf('alice'), aorOf('bob')];
let scene: Scene | undefined;
afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

interface Told {
  readonly status: string;
  readonly site: string;
  /** When its site saw it, ms since 1970. */
  readonly at: number;
}

/** What the sites told of a user, oldest first. */
function told(entries: readonly HistoryEntry[]): Told[] {
  return entries
    .toReversed()
    .flatMap(({ cause, at }) => (cause.by === 'update' ? [{ status: cause.status, site: cause.site, at: Date.parse(at) }] : []));
}

/** A call from A to B through S1, S2 and S3; what was told of each. */
async function callThroughChain(flags: readonly string[], caller: string, callee: string) {
  const chain: Chain = await openChain(...flags);
  scene = chain;
  const [a, b] = [await quietPort(), await quietPort()];
  await chain.register(['alice'], a, { target: chain.near });
  await chain.register(['bob'], b, { target: chain.far });
  chain.mark();
  await chain.call(caller, callee, b, { fields: [['alice', 'bob']] });
  await chain.settled(['alice', 'bob']);
  for (const user of [ALICE, BOB]) {
    expect(await chain.reader.presence(user)).toMatchObject({ status: 'available', terminalStatus: 'online', calls: [] });
  }
  const [alice, bob] = [told(await chain.reader.history(ALICE)), told(await chain.reader.history(BOB))];
  // FIG. 11: each reports the user who is registered there, and the one in the middle nobody.
  expect(new Set(alice.map(({ site }) => site))).toEqual(new Set(['s1']));
  expect(new Set(bob.map(({ site }) => site))).toEqual(new Set(['s3']));
  const at = (list: readonly Told[], status: string) => list.find((one) => one.status === status)?.at ?? Number.NaN;
  return { alice: (status: string) => at(alice, status), bob: (status: string) => at(bob, status) };
}

describe('FIG. 3 talking at the 200, through three shims, by SIPp', () => {
  it('is told by the far end, then by the near end, long before the ACK', async () => {
    const { alice, bob } = await callThroughChain(['--talking=on-answer'], 'uac-slow-ack', 'uas');
    expect(bob('talking')).toBeLessThanOrEqual(alice('talking'));
    // The telephone answers 100 ms after it rings, and the ACK comes 300 ms after that.
    expect(alice('talking') - alice('early')).toBeLessThan(100 + PAUSE);
  });
});

describe('FIG. 4 talking at the ACK, through three shims, by SIPp', () => {
  it('is told by the near end, then by the far end, when the ACK comes', async () => {
    const { alice, bob } = await callThroughChain(['--talking=on-ack'], 'uac-slow-ack', 'uas');
    expect(alice('talking')).toBeLessThanOrEqual(bob('talking'));
    expect(alice('talking') - alice('early')).toBeGreaterThanOrEqual(90 + PAUSE);
  });

  it('is told at the ACK without being asked to where the offer is in the 200', async () => {
    const { alice, bob } = await callThroughChain([], 'uac-delayed', 'uas-delayed');
    expect(alice('talking')).toBeLessThanOrEqual(bob('talking'));
    expect(bob('talking') - bob('early')).toBeGreaterThanOrEqual(PAUSE);
  });
});

describe('FIG. 5 terminating at the BYE, through three shims, by SIPp', () => {
  it('is told by the near end, then by the far end, and the answer ends the call', async () => {
    const { alice, bob } = await callThroughChain(['--terminating=on-bye'], 'uac', 'uas-slow-bye');
    expect(alice('terminating')).toBeLessThanOrEqual(bob('terminating'));
    expect(alice('idle') - alice('terminating')).toBeGreaterThanOrEqual(PAUSE);
    expect(bob('idle') - bob('terminating')).toBeGreaterThanOrEqual(PAUSE);
  });
});

describe('FIG. 6 terminating at the 200 to the BYE, through three shims, by SIPp', () => {
  it('is told by the far end, then by the near end', async () => {
    const { alice, bob } = await callThroughChain(['--terminating=on-bye-answer'], 'uac', 'uas-slow-bye');
    expect(bob('terminating')).toBeLessThanOrEqual(alice('terminating'));
    expect(bob('idle') - bob('terminating')).toBeLessThan(PAUSE);
    // The call holds for 200 ms, and goes on until the answer to its BYE.
    expect(bob('terminating') - bob('talking')).toBeGreaterThanOrEqual(190 + PAUSE);
  });
});

describe('FIG. 7, 8 on-line, expiry in a call and off-line, by SIPp', () => {
  it('shows off-line when the registration runs out', async () => {
    scene = await openScene('--min-expires=1s');
    await scene.sipp('register', { fields: [['alice', 7300, 1]] });
    await scene.watcher.next(ALICE, 'on-line', (p) => p.terminalStatus === 'online');
    await scene.watcher.next(ALICE, 'off-line', (p) => p.terminalStatus === 'offline');
    expect((await scene.reader.history(ALICE))[0]).toMatchObject({ terminalStatus: 'offline', reason: 'expired' });
  });

  it('shows a user whose registration runs out in a call as off-line waiting, and off-line when it ends', async () => {
    scene = await openScene('--min-expires=1s');
    const port = await quietPort();
    await scene.register(['alice'], port);
    await scene.sipp('register', { fields: [['bob', port, 2]] });
    await scene.call('uac', 'uas', port, { fields: [['alice', 'bob']], hold: 3000 });
    await scene.settled(['alice', 'bob']);
    await scene.watcher.until('bob off-line', () => scene?.watcher.latest(BOB)?.terminalStatus === 'offline');
    expect(scene.changeTo('bob', 'offline-waiting')).toMatchObject({ callStatus: 'talking', terminals: [] });
    expect(scene.callStatuses('bob')).toEqual(['ringing', 'talking', 'terminating', 'idle']);
    expect(await scene.reader.presence(ALICE)).toMatchObject({ status: 'available' });
    expect(await scene.reader.presence(BOB)).toMatchObject({ status: 'offline', callStatus: 'idle' });
  });
});
