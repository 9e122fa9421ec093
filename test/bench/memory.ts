import { runSipp } from '../interop/sipp.ts';
import { quietPort } from '../support/port.ts';
import { type Measurement, round } from './figure.ts';
import { forkShim, quiet, type ShimReport } from './shim.ts';
import { startSink } from './sink.ts';

const BINDINGS = 10_000;
const MIB = 1024 * 1024;
/** Goal of issue 2, MB. */
const GOAL = 60;
/** Until the outbox is empty and the transactions are over, ms. */
const QUIET_WITHIN = 60_000;

/**
 * (f) What 10,000 registered telephones take, in a process of their own. T1 is 50 ms here, so that the answered transactions, which
 * timer J keeps for 64*T1, are over in seconds, and the Worker is one that takes
 * every update at once: what is measured is bindings.
 */
export const memory: Measurement = {
  name: 'memory',
  async measure(say) {
    const worker = await startSink();
    const shim = await forkShim(worker, ['--domains=example.com', '--t1=50ms']);
    try {
      const empty = await shim.report();
      say(`${BINDINGS} registrations`);
      const port = await quietPort();
      const fields = Array.from({ length: BINDINGS }, (_, n) => [`phone${n}`, port, 3600]);
      const result = await runSipp('register', { target: shim.sip, fields, rate: 1000, timeout: 60 });
      if (result.code !== 0) throw new Error(`registration failed: ${result.errors}`);
      const full = await quiet(shim, QUIET_WITHIN);
      if (full.status.bindings !== BINDINGS) throw new Error(`${full.status.bindings} bindings instead of ${BINDINGS}`);
      const above = (of: (report: ShimReport) => number) => round((of(full) - of(empty)) / MIB);
      return [
        { name: 'empty shim, RSS', value: round(empty.rss / MIB), unit: 'MiB' },
        {
          name: `${BINDINGS} bindings above an empty shim, RSS`,
          value: above(({ rss }) => rss),
          unit: 'MiB',
          goal: { at: 'most', value: GOAL },
          note: 'after garbage collection, what is free given back to the system',
        },
        {
          name: `${BINDINGS} bindings above an empty shim, live`,
          value: above(({ heapUsed, external }) => heapUsed + external),
          unit: 'MiB',
        },
      ];
    } finally {
      await shim.close();
      await worker.close();
    }
  },
};
