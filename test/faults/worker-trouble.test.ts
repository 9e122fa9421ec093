import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Update } from '#protocol';
import { readSettings, SHIM_SETTINGS, showProblems } from '../../shim/config.ts';
import type { ShimStatus } from '../../shim/shim.ts';
import { startShim } from '../../shim/shim.ts';
import { BadWorker, type Manner } from '../io/sender/site.ts';
import type { LeanCall } from '../support/lean-call.ts';
import { LeanPhones } from '../support/lean-phones.ts';
import { quietPort } from '../support/port.ts';
import { type Address, SILENT } from '../support/product.ts';
import { soon, until } from '../support/until.ts';

const DOMAIN = 'example.com';
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A shim that reports to a Worker of the test's, and phones. */
async function start() {
  const worker = new BadWorker();
  closing.push(() => worker.close());
  const port = await quietPort();
  const url = await worker.listen(port);
  const folder = await mkdtemp(join(tmpdir(), 'offhook-trouble-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const flags = ['--sip-port=0', `--state-dir=${folder}`, `--worker-url=${url}`, `--domains=${DOMAIN}`, '--site=here'];
  const pace = ['--backoff-min=20ms', '--backoff-max=1s', '--request-timeout=1s'];
  const settings = readSettings(SHIM_SETTINGS, [...flags, ...pace], { OFFHOOK_TOKEN: 'a.b.c' });
  if (!settings.ok) throw new Error(showProblems(settings.problems));
  const shim = await startShim(settings.settings, SILENT);
  closing.push(() => shim.close());
  const phones = await LeanPhones.open({ shim: shim.addresses[0] as Address, domain: DOMAIN });
  closing.push(() => phones.close());
  return { worker, port, shim, phones };
}

const failures = (status: ShimStatus) => (status.counters.outbox as { failures: number }).failures;

/** A call of each kind: set up while the Worker is in trouble, and answered by the phones as ever. Resolves when all is done. */
async function calls(phones: LeanPhones): Promise<void> {
  const arrive = (user: string) => {
    const { promise, resolve } = Promise.withResolvers<LeanCall>();
    arriving.set(user, resolve);
    return promise;
  };
  const arriving = new Map<string, (call: LeanCall) => void>();
  phones.onCall = (call) => {
    call.ring();
    arriving.get(call.user)?.(call);
  };
  const talk = async (from: string, to: string): Promise<[LeanCall, LeanCall]> => {
    const arrived = arrive(to);
    const caller = phones.call(from, to);
    const callee = await arrived;
    await caller.rang;
    await callee.answer();
    expect(await caller.answered).toBe(200);
    return [caller, callee];
  };
  const early = async (from: string, to: string): Promise<[LeanCall, LeanCall]> => {
    const arrived = arrive(to);
    const caller = phones.call(from, to);
    const callee = await arrived;
    await caller.rang;
    return [caller, callee];
  };
  const hangUp = async (one: LeanCall, other: LeanCall) => {
    expect(await one.bye()).toBe(200);
    await other.ended;
  };
  await Promise.all([
    talk('a1', 'a2').then(([caller, callee]) => hangUp(caller, callee)),
    talk('b1', 'b2').then(([caller, callee]) => hangUp(callee, caller)),
    talk('c1', 'c2'),
    early('d1', 'd2').then(async ([caller, callee]) => {
      callee.refuse();
      expect(await caller.answered).toBe(486);
    }),
    early('e1', 'e2').then(async ([caller]) => {
      expect(await caller.cancel()).toBe(200);
      expect(await caller.answered).toBe(487);
    }),
    // Registration needs no Worker either.
    phones.register('late').then((status) => expect(status).toBe(200)),
    phones.register('gone', 0).then((status) => expect(status).toBe(200)),
  ]);
}

const WHOLE = ['online', 'early', 'talking', 'terminating', 'idle'];
const UNANSWERED = ['online', 'early', 'idle'];
/** What each user's updates are, in order, trouble or not. */
const EXPECTED: Record<string, string[]> = {
  ...Object.fromEntries(['a1', 'a2', 'b1', 'b2'].map((user) => [user, WHOLE])),
  ...Object.fromEntries(['d1', 'd2', 'e1', 'e2'].map((user) => [user, UNANSWERED])),
  ...Object.fromEntries(['c1', 'c2'].map((user) => [user, ['online', 'early', 'talking']])),
  late: ['online'],
  gone: ['online', 'offline'],
};
const USERS = Object.keys(EXPECTED).filter((user) => user !== 'late');
const WAITING = Object.values(EXPECTED).flat().length - USERS.length;

const always =
  (status: number, body: string, headers: Record<string, string> = {}): Manner =>
  ({ res }) => {
    res.writeHead(status, headers).end(body);
    return true;
  };
const cut =
  (taken: boolean): Manner =>
  ({ batch, req, worker }) => {
    if (taken) worker.take(batch.updates);
    req.socket.destroy();
    return true;
  };
/** Takes the updates, and lets the shim wait for the verdicts until it waits no longer. */
const slow: Manner = ({ batch, worker }) => {
  worker.take(batch.updates);
  return true;
};

describe('Offhook faults: a Worker in trouble, at the level of the whole shim', { timeout: 30_000 }, () => {
  it.each<[string, Manner | 'down']>([
    ['is down', 'down'],
    ['takes updates and answers too late', slow],
    ['answers 500', always(500, 'oops')],
    ['answers 429 with Retry-After', always(429, '', { 'retry-after': '1' })],
    ['answers garbage', always(200, '<html>sign in</html>')],
    ['cuts the connection before it takes updates', cut(false)],
    ['cuts the connection after it took updates', cut(true)],
  ])('sets calls up while the Worker %s; then all is told in order and once', async (_, trouble) => {
    const { worker, port, shim, phones } = await start();
    const { effects } = worker.worker;
    const statuses = await soon('registrations', Promise.all(USERS.map((user) => phones.register(user))));
    expect(new Set(statuses)).toEqual(new Set([200]));
    await until('all are told of', () => effects.length === USERS.length && shim.status().outbox.pending === 0);

    if (trouble === 'down') await worker.close();
    else worker.manners.push(...Array.from({ length: 1000 }, () => trouble));
    await soon('calls without the Worker', calls(phones));
    await until('the trouble is felt', () => failures(shim.status()) > 0);
    // What a Worker took and did not say so waits all the same.
    await until('every update of the calls waits', () => shim.status().outbox.pending === WAITING);

    if (trouble === 'down') await worker.listen(port);
    else worker.manners.length = 0;
    await until('nothing waits', () => shim.status().outbox.pending === 0);
    expect(byUser(effects)).toEqual(EXPECTED);
    for (const user of Object.keys(EXPECTED)) {
      // Each one after the one before it: a chain without a gap, nothing twice.
      const own = effects.filter((update) => update.user === `sip:${user}@${DOMAIN}`);
      expect(own.map(({ previous }) => previous)).toEqual([0, ...own.map(({ sequence }) => sequence)].slice(0, own.length));
    }
    expect(shim.status().counters.outbox).toMatchObject({ gap: 0, stale: 0, rejected: 0, coalesced: 0, overflow: 0 });
    expect(shim.status().counters.element).toMatchObject({ defects: 0 });
  });
});

/** `alice -> online, early, ...` */
function byUser(updates: readonly Update[]): Record<string, string[]> {
  const told: Record<string, string[]> = {};
  for (const { user, status } of updates) {
    const name = user.slice('sip:'.length, user.indexOf('@'));
    told[name] = [...(told[name] ?? []), status];
  }
  return told;
}
