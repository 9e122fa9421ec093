import { join } from 'node:path';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { type Figure, type Measurement, median, round } from './figure.ts';
import { BATCH, BATCHES, post, updatesOf } from './posting.ts';

const USERS = 1000;
const RUNS = 3;
const READS = 4000;
/** Reads under way at once. */
const WINDOW = 32;
/** Of the rate of bare objects, at least (issue 4). */
const GOALS = { updates: 0.6, reads: 0.5 };

/**
 * (i) The Worker beside bare objects on the same workerd version, in turns in one run: updates (each one commit, batches over 1,000 users)
 * against objects that commit one row each, and reads of one user's document against objects that read one row.
 */
export const floor: Measurement = {
  name: 'floor',
  async measure(say) {
    const bare = await startWorker(undefined, join(import.meta.dirname, 'worker/floor.toml'));
    const worker = await startWorker();
    try {
      const site = 'floor';
      const make = updatesOf(site, USERS);
      const names = Array.from({ length: USERS }, (_, n) => `u${n}`);
      const found = { commits: [] as number[], updates: [] as number[], bare: [] as number[], reads: [] as number[] };
      const users = names.map((name) => `/v1/presence/${encodeURIComponent(`sip:${name}@${site}.example.com`)}`);
      // The first run makes the objects.
      for (let run = 0; run <= RUNS; run++) {
        say(`run ${run} of ${RUNS}`);
        found.commits.push(await commits(bare, names));
        found.updates.push(await post(worker, site, make));
        found.bare.push(await reads(bare, names));
        found.reads.push(await reads(worker, users));
      }
      const figure = (name: string, runs: readonly number[]): Figure => ({
        name,
        value: round(median(runs.slice(1))),
        unit: '/s',
        runs: runs.slice(1).map((value) => round(value)),
      });
      const ratio = (name: string, ours: readonly number[], theirs: readonly number[], goal: number): Figure => {
        const runs = ours.slice(1).map((value, i) => round(value / (theirs[i + 1] as number)));
        return { name, value: median(runs), unit: '', runs, goal: { at: 'least', value: goal } };
      };
      return [
        figure(`bare objects, one row committed each, batches of ${BATCH}`, found.commits),
        figure(`updates of ${USERS} users into the Worker, batches of ${BATCH}`, found.updates),
        ratio('updates over bare commits', found.updates, found.commits, GOALS.updates),
        figure('bare objects, one row read each', found.bare),
        figure('GET /v1/presence/{user}', found.reads),
        ratio('reads over bare reads', found.reads, found.bare, GOALS.reads),
      ];
    } finally {
      await worker.close();
      await bare.close();
    }
  },
};

/** As many commits as `post` has updates, in as many requests; commits/s. */
async function commits(bare: RunningWorker, names: readonly string[]): Promise<number> {
  const body = 'x'.repeat(600);
  const began = performance.now();
  for (let batch = 0; batch < BATCHES; batch++) {
    const group = Array.from({ length: BATCH }, (_, i) => names[(batch * BATCH + i) % names.length]);
    const response = await fetch(bare.url, {
      method: 'POST',
      body: JSON.stringify({ names: group.map((name) => `/${name}`), body }),
    });
    if (response.status !== 204) throw new Error(`bare objects: ${response.status}`);
  }
  return (BATCH * BATCHES * 1000) / (performance.now() - began);
}

/** GETs of these paths in turn, so many at once; requests/s. */
async function reads(worker: RunningWorker, paths: readonly string[]): Promise<number> {
  const headers = { authorization: `Bearer ${await worker.token('read')}` };
  let next = 0;
  const began = performance.now();
  const reader = async () => {
    while (next < READS) {
      const path = paths[next++ % paths.length] as string;
      const response = await fetch(new URL(path, worker.url), { headers });
      if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, reader));
  return (READS * 1000) / (performance.now() - began);
}
