import { LeanPhones } from '../support/lean-phones.ts';
import { startWorker } from '../support/product.ts';
import { Watcher } from '../support/watcher.ts';
import { type Figure, type Measurement, quantile, round } from './figure.ts';
import { forkShim } from './shim.ts';

const DOMAIN = 'example.com';
const RATE = 10;
const SECONDS = 30;
const PAIRS = 50;
/** How long it rings and how long a call then holds, ms. */
const RINGING = 50;
const HOLD = 500;
/** Nothing is awaited for longer after the last call, ms. */
const PATIENCE = 5000;
const GOALS = [
  [0.5, 10],
  [0.99, 50],
] as const;

/**
 * (c) From the moment before the callee's socket gets its 200 to the arrival of the watcher's frame `talking`, both read off one clock
 * in this process. In it: the 200's way to the shim, scan, transaction, dialog, outbox, HTTP, two objects, WebSocket, and this
 * process's own event loop. Both parties' frames count. Shim and workerd are processes of their own.
 */
export const lag: Measurement = {
  name: 'lag',
  async measure(say) {
    const worker = await startWorker();
    const shim = await forkShim(worker, [`--domains=${DOMAIN}`]);
    const phones = await LeanPhones.open({ shim: shim.sip, domain: DOMAIN });
    const watcher = await Watcher.connect(worker.url, await worker.token('read'), `domain=${DOMAIN}`);
    try {
      for (let n = 0; n < PAIRS; n++) await Promise.all([phones.register(`caller${n}`), phones.register(`callee${n}`)]);
      const lags: number[] = [];
      const answeredAt = new Map<string, number>();
      watcher.onChange = ({ presence }) => {
        const from = presence.status === 'talking' ? answeredAt.get(presence.user) : undefined;
        if (from === undefined) return;
        lags.push(performance.now() - from);
        answeredAt.delete(presence.user);
      };
      phones.onCall = (call) => {
        call.ring();
        setTimeout(() => {
          const now = performance.now();
          answeredAt.set(phones.aor(call.user), now);
          answeredAt.set(phones.aor(call.user.replace('callee', 'caller')), now);
          void call.answer();
        }, RINGING);
      };
      say(`${RATE * SECONDS} calls at ${RATE}/s`);
      await Promise.all(Array.from({ length: RATE * SECONDS }, (_, n) => oneCall(phones, n)));
      const calls = RATE * SECONDS;
      await watcher.until('the last frames', () => lags.length === 2 * calls, PATIENCE);
      return GOALS.map(
        ([part, goal]): Figure => ({
          name: `200 to INVITE -> frame talking, p${part * 100}, ${RATE} calls/s`,
          value: round(quantile(lags, part)),
          unit: 'ms',
          goal: { at: 'most', value: goal },
          note: `${lags.length} frames; from the sending of the 200`,
        }),
      );
    } finally {
      watcher.close();
      phones.close();
      await shim.close();
      await worker.close();
    }
  },
};

/** The nth call, at its time. */
async function oneCall(phones: LeanPhones, n: number): Promise<void> {
  await pause((n * 1000) / RATE);
  const call = phones.call(`caller${n % PAIRS}`, `callee${n % PAIRS}`);
  const status = await call.answered;
  if (status !== 200) throw new Error(`a call was answered ${status}`);
  await pause(HOLD);
  await call.bye();
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
