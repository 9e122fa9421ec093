import type { PresenceDocument } from '#protocol';
import { startWorker } from '../support/product.ts';
import { type Measurement, median, round } from './figure.ts';
import { updatesOf } from './posting.ts';

const USERS = 20_000;
const BATCH = 500;
const PAGE = 500;
const RUNS = 5;
const SITE = 'listed';
/** Goals of issue 4, ms. */
const GOALS = { first: 50, whole: 5_000 };

/** (l) The list of a domain of 20,000 users: its first page (of 100), and the whole by pages of 500, one after the other. */
export const listing: Measurement = {
  name: 'listing',
  async measure(say) {
    const worker = await startWorker();
    try {
      const headers = { authorization: `Bearer ${await worker.token('ingest', 'read')}`, 'content-type': 'application/json' };
      const make = updatesOf(SITE, USERS);
      for (let done = 0; done < USERS; done += BATCH) {
        if (done % 5000 === 0) say(`${done} of ${USERS} users`);
        const updates = Array.from({ length: BATCH }, make);
        const body = JSON.stringify({ version: 1, site: SITE, sentAt: Date.now(), updates });
        const response = await fetch(`${worker.url}/v1/updates`, { method: 'POST', headers, body });
        if (!response.ok) throw new Error(`POST /v1/updates: ${response.status} ${await response.text()}`);
      }
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
      return [
        {
          name: `${of}: the first page, of 100`,
          value: median(firsts),
          unit: 'ms',
          runs: firsts,
          goal: { at: 'most', value: GOALS.first },
        },
        {
          name: `${of}: the whole, by pages of ${PAGE}`,
          value: median(wholes),
          unit: 'ms',
          runs: wholes,
          goal: { at: 'most', value: GOALS.whole },
        },
      ];
    } finally {
      await worker.close();
    }
  },
};
