import { type RunningWorker, startWorker } from '../support/product.ts';
import { type Figure, type Measurement, median, round } from './figure.ts';
import { BATCH, BATCHES, post, updatesOf } from './posting.ts';

const RUNS = 3;
const FEW = 20;

/**
 * (b) Updates into the Worker over HTTP, one batch under way at a time, as the outbox sends them. The first run over many users makes
 * their objects, each with a database file of its own: that happens once in a user's life, and is told apart.
 */
export const updates: Measurement = {
  name: 'updates',
  async measure(say) {
    const worker = await startWorker();
    try {
      const many = await rates(worker, BATCH * BATCHES, say);
      const few = await rates(worker, FEW, say);
      const note = 'every update stored; one HTTP request at a time';
      const figure = (name: string, runs: readonly number[]): Figure => ({
        name: `updates into the Worker, batches of ${BATCH}, ${name}`,
        value: median(runs),
        unit: 'updates/s',
        ...(runs.length > 1 && { runs }),
        note,
      });
      return [
        figure('users never seen before', many.slice(0, 1)),
        figure(`${BATCH * BATCHES} users`, many.slice(1)),
        figure(`${FEW} users`, few.slice(1)),
      ];
    } finally {
      await worker.close();
    }
  },
};

/** The rate of the first run over users never seen before, then of RUNS more over the same; updates/s. */
async function rates(worker: RunningWorker, users: number, say: (text: string) => void): Promise<number[]> {
  const site = `site-${users}`;
  const make = updatesOf(site, users);
  const found: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    say(`updates of ${users} users, run ${run}`);
    found.push(round(await post(worker, site, make)));
  }
  return found;
}
