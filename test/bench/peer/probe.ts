import type { LeanCall } from '../../support/lean-call.ts';
import { LeanPhones } from '../../support/lean-phones.ts';
import { soon, until } from '../../support/until.ts';
import type { Server, Watch } from './server.ts';

const DOMAIN = '127.0.0.1';
const PAIRS = 50;
/** Calls a second. */
export const PROBED = 10;
/** Calls begin so much of their interval later each, so that what the server does at even times meets them at all its moments: the golden ratio. */
const SHIFT = 0.618;
/** From the INVITE to the 180 and from that to the 200, and how long a call then holds, ms: as the scenarios of SIPp. */
const TIMES = { ring: 50, answer: 200, hold: 500 };
/** Nothing of a call is awaited for longer, and no frame after the last call, ms. */
const PATIENCE = 10_000;
/** The Worker knows all these telephones, ms. */
const SETTLED_WITHIN = 60_000;
const FRAMES_WITHIN = 5000;

export interface Lags {
  /** From the moment before the callee's 200 is sent to the watcher's frame or NOTIFY that says so, of both parties, ms. */
  readonly lags: readonly number[];
  readonly calls: number;
  readonly failed: readonly string[];
}

const caller = (n: number) => `p${String(n % PAIRS).padStart(3, '0')}`;
const callee = (n: number) => `q${String(n % PAIRS).padStart(3, '0')}`;

const USERS = Array.from({ length: PAIRS }, (_, n) => [caller(n), callee(n)]).flat();

/** So long each pair has had a call, s. */
export const ROUND = PAIRS / PROBED;

/** Telephones and their watcher in this process: one clock reads when a call is answered and when that is seen. */
export class Probe {
  readonly #phones: LeanPhones;
  readonly #watch: Watch;
  /** When the 200 was sent, by Call-ID. */
  readonly #answered = new Map<string, number>();
  #lags: number[] = [];

  /** Registers the telephones and watches them. */
  static async open(server: Server): Promise<Probe> {
    const phones = await LeanPhones.open({ shim: server.sip, domain: DOMAIN });
    for (const user of USERS) {
      const status = await soon(`${user} registers`, phones.register(user), PATIENCE);
      if (status !== 200) throw new Error(`${user} was answered ${status} to its REGISTER`);
    }
    const waiting = await server.settled(SETTLED_WITHIN);
    if (waiting.length > 0) throw new Error(waiting.join(', '));
    return new Probe(phones, await server.watch(USERS));
  }

  private constructor(phones: LeanPhones, watch: Watch) {
    this.#phones = phones;
    this.#watch = watch;
    watch.seen.onUp = (_, callId) => {
      const from = this.#answered.get(callId);
      if (from !== undefined) this.#lags.push(performance.now() - from);
    };
    phones.onCall = (call) => {
      setTimeout(() => call.ring(), TIMES.ring);
      setTimeout(() => {
        this.#answered.set(call.callId, performance.now());
        void call.answer();
      }, TIMES.ring + TIMES.answer);
    };
  }

  /** De-registers the telephones: a server that keeps its bindings would go on to call those that are gone. */
  async close(): Promise<void> {
    this.#watch.close();
    for (const user of USERS) await soon(`${user} de-registers`, this.#phones.register(user, 0), PATIENCE).catch(() => {});
    this.#phones.close();
  }

  /** Calls for so many seconds. Resolves when all are over and seen, or, so many ms after the last one, it is late for that. */
  async run(seconds: number, within = FRAMES_WITHIN): Promise<Lags> {
    this.#lags = [];
    const count = PROBED * seconds;
    const expected = new Map<string, string[]>();
    const failed: string[] = [];
    const one = async (n: number) => {
      await pause(((n + ((n * SHIFT) % 1)) * 1000) / PROBED);
      const call = this.#phones.call(caller(n), callee(n));
      for (const user of [caller(n), callee(n)]) expected.set(user, [...(expected.get(user) ?? []), call.callId]);
      await held(call).catch((error: Error) => failed.push(error.message));
    };
    await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
    const missing = () => this.#watch.seen.missing(expected);
    await until('all is seen', () => missing().up + missing().over === 0, within).catch(() => {});
    const { up, over } = missing();
    if (up + over > 0) failed.push(`${up} answers and ${over} ends of ${count} calls were not told to the watcher`);
    this.#watch.seen.forget();
    return { lags: this.#lags, calls: count, failed };
  }
}

async function held(call: LeanCall): Promise<void> {
  const status = await soon('a call of the lag probe is answered', call.answered, PATIENCE);
  if (status !== 200) throw new Error(`a call of the lag probe was answered ${status}`);
  await pause(TIMES.hold);
  const ended = await soon('a BYE of the lag probe is answered', call.bye(), PATIENCE);
  if (ended !== 200) throw new Error(`a BYE of the lag probe was answered ${ended}`);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
