import type { Update, UpdateAnswer, UpdateBatch } from '#protocol';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { type Figure, type Measurement, median, round } from './figure.ts';

const BATCH = 100;
const BATCHES = 40;
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

/** Posts BATCHES batches; updates/s. */
async function post(worker: RunningWorker, site: string, make: () => Update): Promise<number> {
  const headers = { authorization: `Bearer ${await worker.token('ingest')}`, 'content-type': 'application/json' };
  const batches = Array.from({ length: BATCHES }, () => Array.from({ length: BATCH }, make));
  const began = performance.now();
  for (const batch of batches) {
    const body: UpdateBatch = { version: 1, site, sentAt: Date.now(), updates: batch };
    const response = await fetch(`${worker.url}/v1/updates`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`POST /v1/updates: ${response.status} ${await response.text()}`);
    const { results } = (await response.json()) as UpdateAnswer;
    const bad = results.find(({ verdict }) => verdict !== 'accepted');
    if (bad) throw new Error(`an update was not accepted: ${JSON.stringify(bad)}`);
  }
  return (BATCH * BATCHES * 1000) / (performance.now() - began);
}

/** The next update of the site, users in turn: on-line, then early, talking, terminating, idle again and again. */
function updatesOf(site: string, users: number): () => Update {
  const epoch = Date.now();
  const told: { count: number; previous: number }[] = Array.from({ length: users }, () => ({ count: 0, previous: 0 }));
  let sequence = 0;
  return () => {
    const index = sequence % users;
    const own = told[index] ?? { count: 0, previous: 0 };
    const user = `sip:u${index}@${site}.example.com`;
    const head = { user, epoch, sequence: ++sequence, previous: own.previous, at: Date.now() };
    told[index] = { count: own.count + 1, previous: sequence };
    if (own.count === 0) {
      const terminal = { contact: `sip:u${index}@192.0.2.1`, since: head.at, expires: null };
      return { ...head, status: 'online', terminal };
    }
    const step = (own.count - 1) % 4;
    const id = `call-${Math.floor((own.count - 1) / 4)}`;
    if (step === 3) return { ...head, status: 'idle', call: id, reason: { cause: 'bye' } };
    return {
      ...head,
      status: (['early', 'talking', 'terminating'] as const)[step] ?? 'early',
      call: {
        id,
        callId: `${id}@192.0.2.1`,
        direction: 'incoming',
        state: (['early', 'confirmed', 'terminating'] as const)[step] ?? 'early',
        held: false,
        peer: { uri: 'sip:peer@example.com' },
        media: [],
        session: 'voice',
        startedAt: head.at,
        answeredAt: step === 0 ? null : head.at,
        deadline: head.at + 14_400_000,
      },
    };
  };
}
