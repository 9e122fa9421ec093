import type { Update, UpdateAnswer, UpdateBatch } from '#protocol';
import type { RunningWorker } from '../support/product.ts';

export const BATCH = 100;
export const BATCHES = 40;

/** Posts BATCHES batches, one after the other; updates/s. */
export async function post(worker: RunningWorker, site: string, make: () => Update): Promise<number> {
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
export function updatesOf(site: string, users: number): () => Update {
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
