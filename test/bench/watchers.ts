import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { until } from '../support/until.ts';
import { type Figure, type Measurement, quantile, round } from './figure.ts';
import { updatesOf } from './posting.ts';

const WATCHERS = 500;
const USERS = 200;
const RATE = 50;
const SECONDS = 20;
/** Goal of issue 4, ms. */
const GOAL = 250;
const PAGE = 4096;
/** What a frame of a change begins with. */
const START = '{"type":"change","presence":{"user":"';
const SITE = 'watched';
const DOMAIN = `${SITE}.example.com`;

/**
 * (k) 500 watchers of a domain by WebSocket, over all of its boards, and 50 changes a second, each posted by itself. The lag is from the
 * moment before the POST to the frame at each watcher; all watchers and the poster are this one process, and its own event loop is in it.
 * Idle watchers: how much larger workerd's resident memory is with so many that are told nothing.
 */
export const watchers: Measurement = {
  name: 'watchers',
  async measure(say) {
    const worker = await startWorker();
    const sockets: WebSocket[] = [];
    try {
      const make = updatesOf(SITE, USERS);
      const headers = { authorization: `Bearer ${await worker.token('ingest', 'read')}`, 'content-type': 'application/json' };
      const post = async (count: number) => {
        const updates = Array.from({ length: count }, make);
        const body = JSON.stringify({ version: 1, site: SITE, sentAt: Date.now(), updates });
        const response = await fetch(`${worker.url}/v1/updates`, { method: 'POST', headers, body });
        if (!response.ok) throw new Error(`POST /v1/updates: ${response.status} ${await response.text()}`);
        return updates;
      };
      await post(USERS);
      const address = `${worker.url.replace('http', 'ws')}/v1/watch`;

      const empty = await rss(worker);
      say(`${WATCHERS} idle watchers of one user each`);
      for (let n = 0; n < WATCHERS; n++) sockets.push(await open(`${address}?user=u${n % USERS}@${DOMAIN}`, headers, () => {}));
      const single = (await rss(worker)) - empty;
      for (const socket of sockets.splice(0)) socket.close();

      say(`${WATCHERS} watchers of the domain`);
      const lags: number[] = [];
      const posted = new Map<string, number>();
      const before = await rss(worker);
      const take = (text: string) => {
        // The version stands last in a document, and the user first: nothing is parsed.
        const user = text.slice(START.length, text.indexOf('"', START.length));
        const version = /"version":(\d+)\}/.exec(text.slice(-120))?.[1];
        const at = posted.get(`${user} ${version}`);
        if (at !== undefined) lags.push(performance.now() - at);
      };
      for (let n = 0; n < WATCHERS; n++) sockets.push(await open(`${address}?domain=${DOMAIN}`, headers, take));
      const whole = (await rss(worker)) - before;

      say(`${RATE} changes/s for ${SECONDS} s`);
      const versions = new Map<string, number>();
      const begin = performance.now();
      const running: Promise<unknown>[] = [];
      for (let n = 0; n < RATE * SECONDS; n++) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, begin + (n * 1000) / RATE - performance.now())));
        const user = `sip:u${n % USERS}@${DOMAIN}`;
        const version = (versions.get(user) ?? 1) + 1;
        versions.set(user, version);
        posted.set(`${user} ${version}`, performance.now());
        running.push(post(1));
      }
      await Promise.all(running);
      const due = WATCHERS * RATE * SECONDS;
      await until('the last frames', () => lags.length === due, 10_000).catch(() => {});
      const of = `${WATCHERS} watchers of a domain, ${RATE} changes/s`;
      return [
        {
          name: `${of}: frames that did not come`,
          value: due - lags.length,
          unit: 'frames',
          goal: { at: 'most', value: 0 },
          note: `of ${due}`,
        },
        lag(of, lags, 0.5),
        { ...lag(of, lags, 0.99), goal: { at: 'most', value: GOAL } },
        memory('an idle watcher of one user', single),
        memory('an idle watcher of a domain, over its 4 boards', whole),
      ];
    } finally {
      for (const socket of sockets) socket.terminate();
      await worker.close();
    }
  },
};

const lag = (of: string, lags: readonly number[], part: number): Figure => ({
  name: `${of}: POST -> frame, p${part * 100}`,
  value: round(quantile(lags, part)),
  unit: 'ms',
});

const memory = (name: string, bytes: number): Figure => ({
  name: `${name}, of workerd's resident memory`,
  value: round(bytes / WATCHERS / 1024),
  unit: 'KiB',
  note: `from ${WATCHERS} of them`,
});

/** A watcher whose snapshot is complete. It answers what it is asked. */
function open(address: string, headers: Record<string, string>, take: (text: string) => void): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address, { headers, perMessageDeflate: false });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('latin1');
      if (text.startsWith('{"type":"change"')) take(text);
      else if (text.startsWith('{"type":"check"')) socket.send('ack');
      else if (text.includes('"more":false')) resolve(socket);
    });
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`closed: ${code} ${reason}`)));
  });
}

/** Resident memory of workerd, bytes, where the system tells it. */
async function rss(worker: RunningWorker): Promise<number> {
  const statm = await readFile(`/proc/${worker.embedded.pid()}/statm`, 'utf8').catch(() => '');
  return Number(statm.split(' ')[1] ?? Number.NaN) * PAGE;
}
