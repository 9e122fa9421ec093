import type { PresenceDocument } from '#protocol';
import { killWorker } from '../support/kill.ts';
import type { RunningWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { until } from '../support/until.ts';
import { UpdateStream } from '../support/update-stream.ts';
import { Watcher } from '../support/watcher.ts';

const DOMAIN = 'kills.example';
const SITES = ['north', 'south', 'east', 'west'];
const USERS = 12;
/** Steps that each user's calls take around a kill. */
const STEPS = 12;
/** A kill comes within so long after the updates began, ms. */
const LATEST = 500;
/** Boards and watchers are right within so long after the last update was acknowledged, ms. */
const RIGHT_WITHIN = 10_000;

export interface KillReport {
  kills: number;
  /** Acknowledged. */
  updates: number;
  /** Batches that a kill cut off, and that came again. */
  repeated: number;
  /** The longest time from a restart to boards and watchers that know all, with the updates that came meanwhile, ms. */
  slowest: number;
  readonly wrong: string[];
}

/**
 * Kills workerd so many times while four sites report: nothing acknowledged may be lost, and soon after each restart the boards and a
 * watcher must know what the users' objects know. `random` gives numbers from 0 to 1.
 */
export async function killCampaign(worker: RunningWorker, kills: number, random: () => number): Promise<KillReport> {
  const reader = new Reader(worker.url, await worker.token('read'));
  const token = await worker.token('ingest');
  const streams = SITES.map((site) => {
    const users = Array.from({ length: USERS }, (_, n) => `sip:${site}${n}@${DOMAIN}`);
    return new UpdateStream(worker.url, token, site, users);
  });
  const acknowledged = () => streams.flatMap((stream) => [...stream.acknowledged]);
  const report: KillReport = { kills: 0, updates: 0, repeated: 0, slowest: 0, wrong: [] };
  for (; report.kills < kills; report.kills++) {
    const running = Promise.all(streams.map((stream) => stream.run(STEPS)));
    running.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, random() * LATEST));
    await killWorker(worker);
    const restarted = performance.now();
    const watcher = await Watcher.connect(worker.url, await worker.token('read'), `domain=${DOMAIN}`);
    try {
      await running;
      const wrong = (text: string) => report.wrong.push(`kill ${report.kills + 1}: ${text}`);
      const documents = await reader.query(acknowledged().map(([user]) => user));
      for (const [n, [user, { version, callStatus }]] of acknowledged().entries()) {
        const found = documents[n];
        if (found?.version === version && found.callStatus === callStatus) continue;
        wrong(`${user}: ${found?.version} ${found?.callStatus}, acknowledged ${version} ${callStatus}`);
      }
      const known = () => sameOnBoards(worker, documents as PresenceDocument[], watcher);
      await until('boards and watchers know all', known, RIGHT_WITHIN).catch((error: Error) => wrong(error.message));
      report.slowest = Math.max(report.slowest, Math.round(performance.now() - restarted));
    } finally {
      watcher.close();
    }
  }
  report.updates = streams.reduce((sum, { total }) => sum + total, 0);
  report.repeated = streams.reduce((sum, { repeated }) => sum + repeated, 0);
  return report;
}

async function sameOnBoards(worker: RunningWorker, documents: readonly PresenceDocument[], watcher: Watcher): Promise<boolean> {
  const headers = { authorization: `Bearer ${await worker.token('read')}` };
  const response = await fetch(`${worker.url}/v1/domains/${DOMAIN}/presence?limit=500`, { headers });
  const { users } = (await response.json()) as { users: PresenceDocument[] };
  const listed = new Map(users.map((document) => [document.user, document.version]));
  return documents.every(({ user, version }) => listed.get(user) === version && watcher.latest(user)?.version === version);
}
