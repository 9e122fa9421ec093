import { rm } from 'node:fs/promises';
import type { PresenceDocument } from '#protocol';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { type Measurement, median, round } from './figure.ts';
import { updatesOf } from './posting.ts';
import { benchModule, workerVariant } from './worker-variant.ts';

const USERS = 20_000;
/** Users that are put on the boards by one request. */
const BATCH = 1000;
const PAGE = 500;
const RUNS = 5;
const SITE = 'listed';
/** Goals of issue 4, ms. */
const GOALS = { first: 50, whole: 5_000 };

/**
 * (l) The list of a domain of 20,000 users: its first page (of 100), and the whole by pages of 500, one after the other. Lists are made by
 * boards alone, so users have no objects: boards are told of them as by batches of updates, with the document that an update made.
 */
export const listing: Measurement = {
  name: 'listing',
  async measure(say) {
    const { file, folder } = await workerVariant(({ main }) => [
      `export * from ${JSON.stringify(main)};`,
      `import { fetchListed } from ${benchModule('listed.ts')};`,
      'export default { fetch: fetchListed };',
    ]);
    const worker = await startWorker(undefined, file);
    try {
      const headers = { authorization: `Bearer ${await worker.token('ingest', 'read')}`, 'content-type': 'application/json' };
      await fill(worker, headers, say);
      const list = async (query: string) => {
        const response = await fetch(`${worker.url}/v1/domains/${SITE}.example.com/presence?${query}`, { headers });
        if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
        return (await response.json()) as { users: PresenceDocument[]; cursor?: string };
      };
      const [firsts, wholes]: [number[], number[]] = [[], []];
      for (let run = 0; run < RUNS; run++) {
        say(`run ${run + 1} of ${RUNS}`);
        let began = performance.now();
        await list('');
        firsts.push(round(performance.now() - began));
        began = performance.now();
        const seen = new Set<string>();
        for (let cursor: string | undefined = ''; cursor !== undefined; ) {
          const page: { users: PresenceDocument[]; cursor?: string } = await list(
            `limit=${PAGE}${cursor && `&cursor=${cursor}`}`,
          );
          for (const { user } of page.users) seen.add(user);
          cursor = page.cursor;
        }
        wholes.push(round(performance.now() - began));
        if (seen.size !== USERS) throw new Error(`${seen.size} users instead of ${USERS}`);
      }
      const of = `the list of a domain of ${USERS} users`;
      const figure = (name: string, runs: readonly number[], goal: number) => ({
        name: `${of}: ${name}`,
        value: median(runs),
        unit: 'ms',
        runs,
        goal: { at: 'most' as const, value: goal },
      });
      return [
        figure('the first page, of 100', firsts, GOALS.first),
        figure(`the whole, by pages of ${PAGE}`, wholes, GOALS.whole),
      ];
    } finally {
      await worker.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Makes one user by an update, and lists all by that user's document. */
async function fill(worker: RunningWorker, headers: Record<string, string>, say: (text: string) => void): Promise<void> {
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(worker.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const update = updatesOf(SITE, 1)();
  await ask('POST', '/v1/updates', { version: 1, site: SITE, sentAt: Date.now(), updates: [update] });
  const document = await (await ask('GET', `/v1/presence/${update.user}`)).text();
  const { version, status } = JSON.parse(document) as PresenceDocument;
  const change = (_: unknown, n: number) => {
    const text = document.replaceAll('u0@', `u${n}@`);
    return { user: `sip:u${n}@${SITE}.example.com`, version, status, text, visible: true, sites: `|${SITE}|` };
  };
  const changes = Array.from({ length: USERS }, change);
  for (let done = 0; done < USERS; done += BATCH) {
    if (done % 5000 === 0) say(`${done} of ${USERS} users`);
    await ask('PUT', '/listed', changes.slice(done, done + BATCH));
  }
}
