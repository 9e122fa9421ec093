import { connect } from 'node:net';
import { join } from 'node:path';
import { type ForkedShim, forkShim } from '../bench/shim.ts';
import { FuzzMessages } from '../support/fuzz-messages.ts';
import { hugeMessages } from '../support/huge-messages.ts';
import type { LeanCall } from '../support/lean-call.ts';
import { LeanPhones } from '../support/lean-phones.ts';
import { pick } from '../support/mutate.ts';
import { quietPort } from '../support/port.ts';
import { type Address, startWorker } from '../support/product.ts';
import { soon } from '../support/until.ts';
import type { Budget, Outcome } from './engine.ts';
import { closed, overWebSocket } from './websocket.ts';

export const RUNNING = 'running';

const DOMAIN = 'example.com';
/** Datagrams between two looks at whether the shim is still there: no more than a socket's buffer holds. */
const BURST = 40;
const CONNECTIONS = 4;
/** As large as a datagram can be. */
const HUGE = 65_507;
/** A call is made between two others' so often, ms. */
const CALL_EVERY = 1000;
/** The shim is asked for its memory and counters so often, ms. */
const REPORT_EVERY = 3000;
/** What a shim that is attacked for an hour may hold, bytes. */
const MAX_RSS = 400 * 2 ** 20;
/** An answer that takes longer has not come, ms. */
const PATIENCE = 5000;
/** Messages before a failure that are kept with it. */
const KEPT = 200;

/** Attacks a shim that runs in a process of its own, over UDP, TCP and WebSocket, while a call is made every second. Ends at the first failure. */
export async function fuzzRunning(
  chance: () => number,
  { inputs: most = Number.POSITIVE_INFINITY, over = () => false }: Budget,
): Promise<Outcome> {
  const began = performance.now();
  const scene = await open(chance);
  let [inputs, slowest] = [0, 0];
  const last: string[] = [];
  const next = (): string => {
    const text = chance() < 0.01 ? pick(chance, scene.huge())[1] : scene.messages.next();
    last.push(text);
    if (last.length > KEPT) last.shift();
    inputs += 1;
    return text;
  };
  let reason: string | undefined;
  try {
    let [called, reported] = [0, 0];
    while (inputs < most && !over()) {
      const way = chance();
      if (way < 0.7) for (let i = 0; i < BURST; i++) scene.attacker.raw(next().slice(0, HUGE));
      else if (way < 0.85) await overTcp(scene.sip, Array.from({ length: BURST }, next));
      else await overWebSocket(scene.ws, Array.from({ length: BURST }, next), chance, PATIENCE);
      const sent = performance.now();
      await soon('the shim answers', scene.attacker.alive(), PATIENCE);
      slowest = Math.max(slowest, performance.now() - sent);
      if (performance.now() - called > CALL_EVERY) {
        await scene.call();
        called = performance.now();
      }
      if (performance.now() - reported > REPORT_EVERY) {
        await isWell(scene.shim);
        reported = performance.now();
      }
    }
    await isWell(scene.shim);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  await scene.close();
  const seconds = (performance.now() - began) / 1000;
  const findings = reason === undefined ? [] : [{ reason, input: JSON.stringify(last) }];
  return { target: RUNNING, inputs, corpus: scene.calls, slowest, seconds, findings };
}

/** A Worker, a shim before it behind its fence, two phones that call each other, and the attacker. */
async function open(chance: () => number) {
  const worker = await startWorker();
  const sip: Address = { address: '127.0.0.1', port: await quietPort() };
  const phones = await LeanPhones.open({ shim: sip, domain: DOMAIN });
  const attacker = await LeanPhones.open({ shim: sip, domain: DOMAIN });
  const ws = await quietPort();
  const ports = [sip.port, ws, phones.local.port, attacker.local.port, worker.embedded.port].join(',');
  const program = { path: join(import.meta.dirname, 'fenced-shim.ts'), env: { FUZZ_PORTS: ports } };
  const shim = await forkShim(
    worker,
    [`--domains=${DOMAIN}`, `--sip-port=${sip.port}`, `--ws-port=${ws}`, '--log-level=error'],
    program,
  );
  const [user, id] = ['fuzz', 'h'];
  for (const name of ['first', 'second']) await soon('REGISTER', phones.register(name));
  await soon('REGISTER', attacker.register(user));
  const messages = new FuzzMessages({ transport: 'UDP', local: attacker.local, shim: sip, domain: DOMAIN, user }, chance);
  attacker.onText = (text) => messages.receive(text);
  let callee: LeanCall | undefined;
  phones.onCall = (call) => {
    callee = call;
    call.ring();
    void call.answer();
  };
  const calls: string[] = [];
  const via = `UDP ${attacker.local.address}:${attacker.local.port}`;
  const surroundings = {
    via,
    to: attacker.aor(user),
    contact: attacker.contact(user).slice(1, -1),
    shim: `${sip.address}:${sip.port}`,
  };
  return {
    ...{ shim, sip, ws, messages, attacker, calls },
    huge: () => hugeMessages(HUGE, { id: `${id}${calls.length}`, ...surroundings }),
    /** A call that is answered and ended as any other. */
    async call() {
      const caller = phones.call('first', 'second');
      const status = await soon('a call is answered', caller.answered, PATIENCE);
      if (status !== 200) throw new Error(`a call was answered ${status}`);
      const ended = await soon('a BYE is answered', caller.bye(), PATIENCE);
      if (ended !== 200) throw new Error(`a BYE was answered ${ended}`);
      await soon('the BYE arrives', callee?.ended ?? Promise.resolve(), PATIENCE);
      calls.push(caller.callId);
    },
    async close() {
      phones.close();
      attacker.close();
      await shim.close().catch(() => {});
      await worker.close();
    },
  };
}

async function isWell(shim: ForkedShim): Promise<void> {
  const { rss, status } = await soon('the shim tells of itself', shim.report(), PATIENCE);
  if (rss > MAX_RSS) throw new Error(`the shim holds ${Math.round(rss / 2 ** 20)} MB`);
  const { element, network } = status.counters as Record<string, Record<string, number>>;
  if (element?.defects !== 0) throw new Error(`${element?.defects} defects were counted`);
  if (network?.handlerErrors !== 0) throw new Error(`${network?.handlerErrors} errors in handlers were counted`);
}

/** Each text cut in two, a few on a connection: a message may end its connection. */
async function overTcp(sip: Address, texts: readonly string[]): Promise<void> {
  const one = async (own: readonly string[]) => {
    const socket = connect({ host: sip.address, port: sip.port });
    socket.on('error', () => {});
    socket.resume();
    for (const text of own) {
      socket.write(text.slice(0, text.length >> 1), 'latin1');
      socket.write(text.slice(text.length >> 1), 'latin1');
    }
    socket.end();
    await soon('a connection ends', closed(socket), PATIENCE);
  };
  const each = Math.ceil(texts.length / CONNECTIONS);
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => one(texts.slice(i * each, (i + 1) * each))));
}

/** Sends those messages to a running shim, as when one of them or their sum broke it. Rejects where it is not well afterwards. */
export async function replayRunning(texts: readonly string[]): Promise<void> {
  const scene = await open(() => 0.5);
  try {
    for (const text of texts) {
      scene.attacker.raw(text.slice(0, HUGE));
      await soon('the shim answers', scene.attacker.alive(), PATIENCE);
    }
    await scene.call();
    await isWell(scene.shim);
  } finally {
    await scene.close();
  }
}
