import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeanCall } from '../support/lean-call.ts';
import { LeanPhones } from '../support/lean-phones.ts';
import { quietPort } from '../support/port.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { type ShimProcess, startShimProcess } from '../support/shim-process.ts';
import { soon, until } from '../support/until.ts';

const DOMAIN = 'example.com';
const FLAGS = [`--domains=${DOMAIN}`, '--site=killed', '--min-expires=1s', '--backoff-min=50ms'];
/** Registrations that run out while the shim is dead, seconds. */
const BRIEF = 2;

/** What becomes of each of the 50 calls, from `from` on. */
const PLAN = {
  callerHangsUp: { from: 0, count: 14 },
  calleeHangsUp: { from: 14, count: 14 },
  hungUpWhileDead: { from: 28, count: 8 },
  callerRunsOut: { from: 36, count: 2 },
  answered: { from: 38, count: 6 },
  answeredWhileDead: { from: 44, count: 3 },
  refused: { from: 47, count: 3 },
} as const;
const CALLS = 50;
const RINGING = PLAN.answered.from;

let worker: RunningWorker;
let shim: ShimProcess;
let phones: LeanPhones;
let reader: Reader;
/** Each call's two sides. */
const calls: { readonly caller: LeanCall; readonly callee: LeanCall }[] = [];
/** BYEs that were sent to a dead shim. */
let sentWhileDead: Promise<number>[] = [];

const part = (name: keyof typeof PLAN) => calls.slice(PLAN[name].from, PLAN[name].from + PLAN[name].count);
const users = (name: keyof typeof PLAN) => part(name).flatMap(({ caller, callee }) => [caller.user, callee.user]);

/** `alice talking`: status and call status of each, once all are as expected. */
async function expectUsers(expected: Record<string, string>): Promise<void> {
  const names = Object.keys(expected);
  let found: Record<string, string> = {};
  const same = async () => {
    const documents = await reader.query(names.map((name) => phones.aor(name)));
    found = Object.fromEntries(names.map((name, i) => [name, `${documents[i]?.status} ${documents[i]?.callStatus}`]));
    return names.every((name) => found[name] === expected[name]);
  };
  await until('users as expected', same).catch(() => {});
  expect(found).toEqual(expected);
}

const all = (names: readonly string[], state: string) => Object.fromEntries(names.map((name) => [name, state]));

/** Sets a call up as far as its part of the plan says. */
async function setUp(i: number): Promise<void> {
  const arrived = Promise.withResolvers<LeanCall>();
  arriving.set(`callee${i}`, arrived.resolve);
  const caller = phones.call(`caller${i}`, `callee${i}`);
  const callee = await arrived.promise;
  callee.ring();
  await caller.rang;
  if (i < RINGING) await Promise.all([callee.answer(), caller.answered]);
  calls[i] = { caller, callee };
}

const arriving = new Map<string, (call: LeanCall) => void>();

beforeAll(async () => {
  worker = await startWorker();
  reader = new Reader(worker.url, await worker.token('read'));
  shim = await startShimProcess(worker, await quietPort(), FLAGS);
  phones = await LeanPhones.open({ shim: shim.sip, domain: DOMAIN });
  phones.onCall = (call) => arriving.get(call.user)?.(call);
  const indices = Array.from({ length: CALLS }, (_, i) => i);
  const names = [...indices.flatMap((i) => [`caller${i}`, `callee${i}`]), 'anna', 'bert'];
  const registered = await soon('all phones are registered', Promise.all(names.map((name) => phones.register(name))));
  expect(new Set(registered)).toEqual(new Set([200]));
  await soon('50 calls', Promise.all(indices.map(setUp)));
  await expectUsers({
    ...all(
      indices.slice(0, RINGING).flatMap((i) => [`caller${i}`, `callee${i}`]),
      'talking talking',
    ),
    ...all(
      indices.slice(RINGING).map((i) => `caller${i}`),
      'calling calling',
    ),
    ...all(
      indices.slice(RINGING).map((i) => `callee${i}`),
      'ringing ringing',
    ),
  });
  const brief = [...part('callerRunsOut').map(({ caller }) => caller.user), 'carl'];
  const statuses = await soon('brief registrations', Promise.all(brief.map((name) => phones.register(name, BRIEF))));
  const runOut = Date.now() + BRIEF * 1000;
  expect(statuses).toEqual(brief.map(() => 200));
  await expectUsers({ carl: 'available idle' });

  const { pid, sip } = shim;
  await shim.kill();
  sentWhileDead = part('hungUpWhileDead').map(({ caller, callee }, i) => (i % 2 === 0 ? caller : callee).bye());
  for (const { callee } of part('answeredWhileDead')) void callee.answer();
  await until('the brief registrations have run out', () => Date.now() > runOut);
  shim = await startShimProcess(worker, sip.port, FLAGS);
  expect(shim.pid).not.toBe(pid);
}, 60_000);

afterAll(async () => {
  phones?.close();
  expect(await shim?.stop()).toBe(0);
  await worker?.close();
});

describe('Offhook faults: kill -9 of the shim during 50 calls', { timeout: 20_000 }, () => {
  it('answers a BYE that was sent while it was dead, and relays it', async () => {
    expect(new Set(await soon('answers to BYE', Promise.all(sentWhileDead)))).toEqual(new Set([200]));
    for (const { caller, callee } of part('hungUpWhileDead')) expect([caller.state, callee.state]).toEqual(['over', 'over']);
    await expectUsers(all(users('hungUpWhileDead'), 'available idle'));
  });

  it('brings the answer to a call that was answered while it was dead', async () => {
    const answers = part('answeredWhileDead').flatMap(({ caller, callee }) => [caller.answered, callee.answered]);
    expect(new Set(await soon('200 and ACK', Promise.all(answers)))).toEqual(new Set([200]));
    await expectUsers(all(users('answeredWhileDead'), 'talking talking'));
  });

  it('still shows every call that goes on', async () => {
    const ringing = [...part('answered'), ...part('refused')];
    await expectUsers({
      ...all([...users('callerHangsUp'), ...users('calleeHangsUp')], 'talking talking'),
      ...all(
        ringing.map(({ caller }) => caller.user),
        'calling calling',
      ),
      ...all(
        ringing.map(({ callee }) => callee.user),
        'ringing ringing',
      ),
    });
  });

  it('lets a call be answered that rang, and refused', async () => {
    for (const { callee } of part('refused')) callee.refuse();
    const refused = await soon('refusals', Promise.all(part('refused').map(({ caller }) => caller.answered)));
    expect(refused).toEqual([486, 486, 486]);
    const answered = part('answered').flatMap(({ caller, callee }) => [callee.answer(), caller.answered]);
    expect(new Set(await soon('200 and ACK', Promise.all(answered)))).toEqual(new Set([200]));
    await expectUsers({ ...all(users('answered'), 'talking talking'), ...all(users('refused'), 'available idle') });
  });

  it('turns off-line whose registration ran out meanwhile, and waits with those who still talk (FIG. 8)', async () => {
    await expectUsers({
      carl: 'offline idle',
      ...all(
        part('callerRunsOut').map(({ caller }) => caller.user),
        'offline-waiting talking',
      ),
      ...all(
        part('callerRunsOut').map(({ callee }) => callee.user),
        'talking talking',
      ),
    });
  });

  it('reaches a phone by the binding from before, with no new REGISTER', async () => {
    const arrived = Promise.withResolvers<LeanCall>();
    arriving.set('bert', arrived.resolve);
    const caller = phones.call('anna', 'bert');
    const callee = await soon('the call arrives', arrived.promise);
    await soon('200 and ACK', Promise.all([callee.answer(), caller.answered]));
    await expectUsers({ anna: 'talking talking', bert: 'talking talking' });
    expect(await soon('answer to BYE', callee.bye())).toBe(200);
    await expectUsers({ anna: 'available idle', bert: 'available idle' });
  });

  it('relays the BYE of either side, and leaves everybody as they are', async () => {
    const byes = [
      ...part('callerHangsUp').map(({ caller, callee }) => [caller, callee]),
      ...part('calleeHangsUp').map(({ caller, callee }) => [callee, caller]),
      ...part('callerRunsOut').map(({ caller, callee }) => [callee, caller]),
      ...part('answered').map(({ caller, callee }, i) => (i % 2 === 0 ? [caller, callee] : [callee, caller])),
      ...part('answeredWhileDead').map(({ caller, callee }, i) => (i % 2 === 0 ? [caller, callee] : [callee, caller])),
    ] as [LeanCall, LeanCall][];
    const over = byes.flatMap(([one, other]) => [one.bye(), other.ended]);
    const statuses = await soon('BYE relayed and answered', Promise.all(over));
    expect(statuses.filter((status) => status !== undefined)).toEqual(byes.map(() => 200));
    const away = part('callerRunsOut').map(({ caller }) => caller.user);
    const everybody = calls.flatMap(({ caller, callee }) => [caller.user, callee.user]);
    await expectUsers({ ...all(everybody, 'available idle'), ...all(away, 'offline idle'), carl: 'offline idle' });
  });

  it('logs no error', () => {
    expect(shim.log.filter((line) => / error /.test(line))).toEqual([]);
  });
});
