import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryEntry, OnlineUpdate, PresenceDocument, UpdateAnswer } from '#protocol';
import { type RunningShim, startShim } from '../../shim/shim.ts';
import { killWorker } from '../support/kill.ts';
import type { LeanCall } from '../support/lean-call.ts';
import { LeanPhones } from '../support/lean-phones.ts';
import { seeded } from '../support/mutate.ts';
import { type Address, type RunningWorker, SILENT, shimSettings, startWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { soon, until } from '../support/until.ts';
import { UpdateStream } from '../support/update-stream.ts';
import { killCampaign } from './kill-campaign.ts';

let worker: RunningWorker;
let reader: Reader;
let headers: Record<string, string>;

beforeAll(async () => {
  worker = await startWorker();
  reader = new Reader(worker.url, await worker.token('read'));
  headers = { authorization: `Bearer ${await worker.token('read', 'ingest')}`, 'content-type': 'application/json' };
}, 30_000);
afterAll(() => worker?.close());

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${worker.url}${path}`, { headers });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

describe('Offhook faults: kill -9 of the Worker again and again under load', { timeout: 60_000 }, () => {
  it('loses nothing acknowledged, and boards and watchers soon know what the users know (more: npm run campaign:kill)', async () => {
    const report = await killCampaign(worker, 3, seeded(1));
    expect(report.wrong).toEqual([]);
    expect(report.updates).toBeGreaterThan(1000);
    expect(report.repeated).toBeGreaterThan(0);
  });
});

describe('Offhook faults: kill -9 of the Worker during a stream of updates', { timeout: 40_000 }, () => {
  it('turns users off-line by their deadlines, passed meanwhile or yet to come, without anybody asking (FIG. 7)', async () => {
    const begin = Date.now();
    const users = Array.from({ length: 40 }, (_, i) => `sip:alarm${i}@alarms.example`);
    // From well before the kill to well after the restart.
    const expiries = users.map((_, i) => begin + 300 + 50 * i);
    const updates = users.map((user, i): OnlineUpdate => {
      const terminal = { contact: `${user}:5060`, since: begin, expires: expiries[i] as number };
      return { user, epoch: begin, sequence: i + 1, previous: 0, at: begin, status: 'online', terminal };
    });
    const body = JSON.stringify({ version: 1, site: 'alarms', sentAt: Date.now(), updates });
    const answer = await fetch(`${worker.url}/v1/updates`, { method: 'POST', headers, body });
    const { results } = (await answer.json()) as UpdateAnswer;
    expect(results.filter(({ verdict }) => verdict === 'accepted')).toHaveLength(users.length);
    // The listing is made by boards: to ask them wakes no user's object, which would settle what is due by itself.
    const listed = async () => (await get<{ users: PresenceDocument[] }>('/v1/domains/alarms.example/presence')).users;
    const off = async () => (await listed()).filter(({ status }) => status === 'offline').length;
    await until('the first are off-line', async () => (await off()) >= 3);
    await killWorker(worker);
    await until('everybody is off-line', async () => (await off()) === users.length);
    const { entries } = await get<{ entries: HistoryEntry[] }>(`/v1/presence/${users.at(-1)}/history`);
    expect(entries[0]).toMatchObject({ status: 'offline', cause: { by: 'deadline', what: 'terminal-expired' } });
  });

  it('loses nothing that it acknowledged, and takes once what it is told twice', async () => {
    const token = await worker.token('ingest');
    const streams = ['north', 'south', 'east', 'west'].map((site) => {
      const users = Array.from({ length: 6 }, (_, i) => `sip:${site}${i}@example.com`);
      return new UpdateStream(worker.url, token, site, users);
    });
    const total = () => streams.reduce((sum, stream) => sum + stream.total, 0);
    const running = Promise.all(streams.map((stream) => stream.run(40)));
    running.catch(() => {});
    const users = streams.flatMap(({ acknowledged }) => [...acknowledged]);
    for (const kills of [1, 2]) {
      await until(`updates before kill ${kills}`, () => total() > 300 * kills, 20_000);
      const before = users.map(([, { version }]) => version);
      await killWorker(worker);
      const found = await reader.query(users.map(([user]) => user));
      users.forEach(([user], i) => {
        expect(found[i]?.version, user).toBeGreaterThanOrEqual(before[i] as number);
      });
    }
    await soon('the streams end', running, 20_000);
    // Without a request that was cut, nothing has been shown.
    expect(streams.reduce((sum, { repeated }) => sum + repeated, 0)).toBeGreaterThan(0);

    const documents = await reader.query(users.map(([user]) => user));
    for (const [i, [user, { version, callStatus, versions }]] of users.entries()) {
      expect(documents[i], user).toMatchObject({ version, callStatus });
      const { entries } = await get<{ entries: HistoryEntry[] }>(`/v1/presence/${user}/history?limit=200`);
      const told = entries.flatMap(({ cause, version }) => (cause.by === 'update' ? [[cause.sequence, version] as const] : []));
      expect(
        told.toSorted(([a], [b]) => a - b),
        user,
      ).toEqual([...versions]);
    }
  });

  it('is caught up with by the shim, whose calls go on meanwhile', async () => {
    const flags = ['--domains=example.com', '--site=survivor', '--backoff-min=20ms'];
    const shim = await startShim(await shimSettings(worker, flags), SILENT);
    const phones = await LeanPhones.open({ shim: udpOf(shim), domain: 'example.com' });
    try {
      await story(shim, phones);
    } finally {
      phones.close();
      await shim.close();
    }
  });

  /** Calls go up and down all the time while the Worker is killed; the last ones stay up. */
  async function story(shim: RunningShim, phones: LeanPhones): Promise<void> {
    const PAIRS = 10;
    const pairs = Array.from({ length: PAIRS }, (_, i) => [`amy${i}`, `ben${i}`] as const);
    expect(new Set(await Promise.all(pairs.flat().map((user) => phones.register(user))))).toEqual(new Set([200]));
    phones.onCall = (call) => {
      call.ring();
      void call.answer();
      callees.set(call.callId, call);
    };
    const callees = new Map<string, LeanCall>();
    let restarted = false;
    let ended = 0;
    const talk = async ([from, to]: readonly [string, string], i: number) => {
      for (let last = false; ; ) {
        const call = phones.call(from, to);
        if ((await call.answered) !== 200) throw new Error(`${from} did not reach ${to}`);
        if (last && i % 2 === 0) return;
        if ((await (ended % 2 === 0 ? call : (callees.get(call.callId) as LeanCall)).bye()) !== 200)
          throw new Error('no 200 to BYE');
        ended += 1;
        if (last) return;
        last = restarted;
      }
    };
    const talking = Promise.all(pairs.map(talk));
    talking.catch(() => {});
    await until('calls before the kill', () => ended >= PAIRS);
    const before = ended;
    await killWorker(worker);
    expect(ended).toBeGreaterThan(before);
    restarted = true;
    await soon('the last calls', talking);
    await until('nothing waits', () => shim.status().outbox.pending === 0);
    const documents = await reader.query(pairs.flat().map((user) => phones.aor(user)));
    expect(documents.map((document) => `${document?.status} ${document?.callStatus}`)).toEqual(
      pairs.flatMap((_, i) => (i % 2 === 0 ? ['talking talking', 'talking talking'] : ['available idle', 'available idle'])),
    );
    // A gap would be an update acknowledged and lost.
    const counters = shim.status().counters.outbox as { failures: number };
    expect(counters).toMatchObject({ gap: 0, stale: 0, rejected: 0, coalesced: 0, overflow: 0 });
    expect(counters.failures).toBeGreaterThan(0);
  }
});

function udpOf(shim: RunningShim): Address {
  const found = shim.addresses.find(({ transport }) => transport === 'udp');
  if (found === undefined) throw new Error('the shim listens at no UDP address');
  return found;
}
