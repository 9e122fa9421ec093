import { join } from 'node:path';
import { LeanPhones } from '../support/lean-phones.ts';
import { soon } from '../support/until.ts';
import { Blast } from './blast.ts';
import type { Measurement } from './figure.ts';
import { round } from './figure.ts';
import { cpuSeconds, forkShim, quiet, type ShimReport } from './shim.ts';
import { startSink } from './sink.ts';

const BINDINGS = 100_000;
const DIALOGS = 10_000;
const MIB = 1024 * 1024;
/** Goals of issue 3: MB, MB, s. */
const GOALS = { bindings: 300, dialogs: 100, restart: 5 };
/** Until the outbox is empty and the transactions are over, ms. */
const QUIET_WITHIN = 120_000;

/**
 * (g) What 100,000 registered telephones and 10,000 open dialogs take, and how long a shim needs that finds both on its disk until it answers.
 * T1 is 50 ms, so that answered transactions are over in seconds, and the Worker is one that takes every update at once.
 */
export const scale: Measurement = {
  name: 'scale',
  async measure(say) {
    const worker = await startSink();
    const flags = ['--domains=example.com', '--t1=50ms', `--state-dir=${join(worker.folder, 'kept')}`];
    let shim = await forkShim(worker, flags);
    try {
      const empty = await shim.report();
      const blast = await Blast.open(shim.sip);
      say(`${BINDINGS} registrations`);
      const began = performance.now();
      await blast.register(BINDINGS);
      const registering = (performance.now() - began) / 1000;
      const bound = await quiet(shim, QUIET_WITHIN);
      say(`${DIALOGS} dialogs`);
      await blast.call(DIALOGS);
      const full = await quiet(shim, QUIET_WITHIN);
      blast.close();
      const { bindings, calls } = full.status;
      if (bindings !== BINDINGS || calls !== DIALOGS) throw new Error(`${bindings} bindings and ${calls} calls`);
      await shim.close();
      say('restart with both');
      const start = performance.now();
      shim = await forkShim(worker, flags);
      const phones = await LeanPhones.open({ shim: shim.sip, domain: 'example.com' });
      await soon('the restarted shim answers', phones.alive(), 60_000);
      const restart = (performance.now() - start) / 1000;
      const cpu = cpuSeconds(shim.pid) ?? Number.NaN;
      phones.close();
      const back = (await shim.report()).status;
      if (back.bindings !== BINDINGS || back.calls !== DIALOGS)
        throw new Error(`${back.bindings} bindings, ${back.calls} calls are back`);
      const rss = (a: ShimReport, b: ShimReport) => round((a.rss - b.rss) / MIB);
      const live = (a: ShimReport, b: ShimReport) => round((a.heapUsed + a.external - b.heapUsed - b.external) / MIB);
      const note = 'after garbage collection, what is free given back to the system';
      return [
        {
          name: `${BINDINGS} bindings, RSS of the whole shim`,
          value: round(bound.rss / MIB),
          unit: 'MiB',
          goal: { at: 'most', value: GOALS.bindings },
          note,
        },
        { name: `${BINDINGS} bindings above an empty shim, live`, value: live(bound, empty), unit: 'MiB' },
        {
          name: `${DIALOGS} open dialogs above the shim without, RSS`,
          value: rss(full, bound),
          unit: 'MiB',
          goal: { at: 'most', value: GOALS.dialogs },
          note,
        },
        { name: `${DIALOGS} open dialogs above the shim without, live`, value: live(full, bound), unit: 'MiB' },
        {
          name: 'from the start of the process to its first answer, both on disk',
          value: round(restart),
          unit: 's',
          goal: { at: 'most', value: GOALS.restart },
        },
        {
          name: 'processor time of that start',
          value: round(cpu),
          unit: 's',
          note: 'what it takes where nothing else runs on the machine',
        },
        {
          name: 'REGISTERs answered, each on disk first',
          value: Math.round(BINDINGS / registering),
          unit: '1/s',
          note: 'with the phones on the same machine',
        },
      ];
    } finally {
      await shim.close();
      await worker.close();
    }
  },
};
