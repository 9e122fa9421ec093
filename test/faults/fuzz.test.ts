import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../shim/log.ts';
import { type RunningShim, startShim } from '../../shim/shim.ts';
import { type Fence, fence } from '../support/fence.ts';
import { FuzzMessages } from '../support/fuzz-messages.ts';
import { hugeMessages } from '../support/huge-messages.ts';
import type { LeanCall } from '../support/lean-call.ts';
import { LeanPhones } from '../support/lean-phones.ts';
import { seeded } from '../support/mutate.ts';
import { type Address, type RunningWorker, shimSettings, startWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { soon, until } from '../support/until.ts';

const DOMAIN = 'example.com';
const MESSAGES = 10_000;
/** Another seed finds other messages: `FUZZ_SEED=7 npx vitest run test/faults/fuzz.test.ts`. */
const SEED = Number(process.env.FUZZ_SEED ?? 3261);
/** Datagrams between two looks at whether the shim is still there: no more than a socket's buffer holds. */
const BURST = 40;
/** A message may end its connection, so that those after it are not read: few on each, and many connections. */
const PER_CONNECTION = 4;
const CONNECTIONS = 8;
/** As large as a datagram can be. */
const HUGE = 65_507;

let guard: Fence;
let worker: RunningWorker;
let shim: RunningShim;
let sip: Address;
let reader: Reader;
const errors: string[] = [];
let phones: LeanPhones;
let attacker: LeanPhones;

beforeAll(async () => {
  guard = fence();
  worker = await startWorker();
  guard.ports.add(worker.embedded.port);
  reader = new Reader(worker.url, await worker.token('read'));
  const log = createLog('error', (line) => errors.push(line), Date.now);
  shim = await startShim(await shimSettings(worker, [`--domains=${DOMAIN}`, '--site=fuzzed', '--backoff-min=50ms']), log);
  sip = shim.addresses[0] as Address;
  guard.ports.add(sip.port);
}, 30_000);

afterAll(async () => {
  await shim?.close();
  await worker?.close();
  guard?.remove();
});

/** Calls one after the other, each looked at over REST, until told to stop. */
function legitimateCalls(from: string, to: string) {
  const users = [phones.aor(from), phones.aor(to)];
  const seen = (state: string) =>
    until(`${from} and ${to} are ${state}`, async () => {
      const documents = await reader.query(users);
      return documents.every((document) => `${document?.status} ${document?.callStatus}` === state);
    });
  let stopped = false;
  let callee: LeanCall | undefined;
  phones.onCall = (call) => {
    callee = call;
    call.ring();
    void call.answer();
  };
  const run = async () => {
    let calls = 0;
    for (; !stopped; calls += 1) {
      const caller = phones.call(from, to);
      expect(await soon(`${to} answers`, caller.answered)).toBe(200);
      await seen('talking talking');
      const [one, other] = (calls % 2 === 0 ? [caller, callee] : [callee, caller]) as [LeanCall, LeanCall];
      expect(await soon('answer to BYE', one.bye())).toBe(200);
      await soon('BYE', other.ended);
      await seen('available idle');
    }
    return calls;
  };
  const running = run();
  running.catch(() => {});
  /** Resolves with the number of calls. */
  return () => {
    stopped = true;
    return running;
  };
}

/** Attacks while legitimate calls go on. Then nothing has gone wrong that should not. */
async function underAttack(transport: 'UDP' | 'TCP', attack: (messages: FuzzMessages) => Promise<void>): Promise<void> {
  const settings = { shim: sip, domain: DOMAIN, transport };
  phones = await LeanPhones.open(settings);
  attacker = await LeanPhones.open(settings);
  guard.ports.add(phones.local.port).add(attacker.local.port);
  try {
    const [from, to, user] = [`first-${transport}`, `second-${transport}`, `fuzz-${transport}`] as const;
    for (const name of [from, to]) expect(await phones.register(name)).toBe(200);
    expect(await attacker.register(user)).toBe(200);
    const messages = new FuzzMessages({ ...settings, local: attacker.local, user }, seeded(SEED));
    attacker.onText = (text) => messages.receive(text);
    const stop = legitimateCalls(from, to);
    await attack(messages);
    expect(await stop()).toBeGreaterThan(0);
  } finally {
    phones.close();
    attacker.close();
  }
  expect(shim.status().counters.element).toMatchObject({ defects: 0 });
  expect(shim.status().counters.network).toMatchObject({ handlerErrors: 0 });
  expect(errors).toEqual([]);
}

/** Each text on its own or with a few others on a connection, which is closed by us at the latest. */
async function overConnections(count: number, next: () => string, perConnection: number): Promise<void> {
  let left = count;
  const one = async () => {
    while (left > 0) {
      const texts = Array.from({ length: Math.min(perConnection, left) }, next);
      left -= texts.length;
      const socket = connect({ host: sip.address, port: sip.port });
      socket.on('error', () => {});
      socket.resume();
      // An abrupt end of a connection ends the messages that are still in it: one text in a while is cut in two instead.
      for (const [i, text] of texts.entries()) {
        const half = i === 0 ? text.length >> 1 : text.length;
        socket.write(text.slice(0, half), 'latin1');
        socket.write(text.slice(half), 'latin1');
      }
      socket.end();
      if (!socket.closed) await once(socket, 'close');
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
}

const huge = (transport: 'UDP' | 'TCP') =>
  hugeMessages(HUGE, {
    id: transport,
    via: `${transport} ${attacker.local.address}:${attacker.local.port}`,
    to: `sip:fuzz-${transport}@${DOMAIN}`,
    contact: `sip:fuzz-${transport}@${attacker.local.address}:${attacker.local.port}`,
    shim: `${sip.address}:${sip.port}`,
  });

describe('Offhook faults: damaged and huge messages against a running shim', { timeout: 60_000 }, () => {
  it(`takes ${MESSAGES} damaged messages over UDP, and calls go on`, async () => {
    await underAttack('UDP', async (messages) => {
      const before = received();
      for (let sent = 0; sent < MESSAGES; sent += BURST) {
        for (let i = 0; i < BURST; i += 1) attacker.raw(messages.next());
        await soon('the shim answers', attacker.alive());
      }
      expect(received() - before).toBeGreaterThanOrEqual(MESSAGES);
    });
  });

  it(`takes ${MESSAGES} damaged messages over TCP, and calls go on`, async () => {
    await underAttack('TCP', async (messages) => {
      await soon(
        'all connections end',
        overConnections(MESSAGES, () => messages.next(), PER_CONNECTION),
        30_000,
      );
      await soon('the shim answers', attacker.alive());
    });
  });

  it('takes packets of 64 kB over UDP, and calls go on', async () => {
    await underAttack('UDP', async () => {
      for (const [name, text] of huge('UDP')) {
        attacker.raw(text.slice(0, HUGE));
        await soon(`the shim answers after ${name}`, attacker.alive());
      }
    });
  });

  it('takes messages of 64 kB over TCP, and calls go on', async () => {
    await underAttack('TCP', async () => {
      const texts = huge('TCP').map(([, text]) => text);
      await soon(
        'all connections end',
        overConnections(texts.length, () => texts.pop() as string, 1),
        30_000,
      );
      await soon('the shim answers', attacker.alive());
    });
  });
});

/** Messages that came in, keep-alives among them. */
function received(): number {
  const { received: messages, pings, ignored } = shim.status().counters.network as Record<string, number>;
  return (messages as number) + (pings as number) + (ignored as number);
}
