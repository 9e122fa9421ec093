import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeanCall } from '../support/lean-call.ts';
import { LeanPhones } from '../support/lean-phones.ts';
import { quietPort } from '../support/port.ts';
import { type RunningWorker, SILENT, startWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { type ShimProcess, startShimProcess } from '../support/shim-process.ts';
import { soon, until } from '../support/until.ts';
import { Watcher } from '../support/watcher.ts';

const DOMAIN = 'example.com';
const ROOT = join(import.meta.dirname, '../..');
/** Of the sites, seconds. */
const LEASE = 2;
const FLAGS = [`--domains=${DOMAIN}`, '--site=lost', '--backoff-min=50ms', '--min-expires=1s', '--on-stop=leave'];
const USERS = ['anna', 'bert', 'carl', 'dora'];
/** Registrations that run out while the shim is dead, seconds. */
const BRIEF = 2;

let worker: RunningWorker;
let shim: ShimProcess;
let port: number;
const calls: LeanCall[] = [];
let phones: LeanPhones;
let reader: Reader;
let watcher: Watcher;
/** When the brief registration ends, ms since 1970. */
let runOut = 0;

/** `available`, `talking stale` */
const seen = async (name: string) => {
  const document = await reader.presence(phones.aor(name));
  return document && `${document.status}${document.stale ? ' stale' : ''}`;
};

const everybody = async () => Promise.all(USERS.map(seen));

/** The product's own Worker, with a short lease. */
async function workerWithLease(): Promise<RunningWorker> {
  const toml = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  const file = join(tmpdir(), `offhook-lease-${process.pid}.toml`);
  const main = JSON.stringify(join(ROOT, 'worker/index.ts'));
  await writeFile(file, toml.replace(/^SITE_LEASE = .*$/m, `SITE_LEASE = "${LEASE}"`).replace(/^main = .*$/m, `main = ${main}`));
  return startWorker(SILENT, file);
}

beforeAll(async () => {
  worker = await workerWithLease();
  reader = new Reader(worker.url, await worker.token('read'));
  port = await quietPort();
  shim = await startShimProcess(worker, port, FLAGS);
  phones = await LeanPhones.open({ shim: shim.sip, domain: DOMAIN });
  await soon('registrations', Promise.all(USERS.map((name) => phones.register(name))));
  const arrived = Promise.withResolvers<void>();
  phones.onCall = (call) => void call.answer().then(() => arrived.resolve());
  calls.push(phones.call('anna', 'bert'));
  await calls[0]?.answered;
  await arrived.promise;
  await until('the call is seen', async () => (await everybody()).join() === 'talking,talking,available,available');
  watcher = await Watcher.connect(worker.url, await worker.token('read'), `domain=${DOMAIN}`);
}, 60_000);

afterAll(async () => {
  phones?.close();
  await shim?.stop();
  await worker?.close();
});

describe('Offhook faults: a site that is lost', { timeout: 40_000 }, () => {
  it('stays in touch while nothing happens there', async () => {
    const end = Date.now() + 2.5 * LEASE * 1000;
    await until('two leases have passed', async () => {
      expect(await everybody()).toEqual(['talking', 'talking', 'available', 'available']);
      return Date.now() > end;
    });
  });

  it('is known to be lost within its lease and 5 s after kill -9, to readers and to watchers, and its states stay', async () => {
    expect(await soon('a brief registration', phones.register('dora', BRIEF))).toBe(200);
    runOut = Date.now() + BRIEF * 1000;
    await shim.kill();
    const killed = Date.now();
    const stale = ['talking stale', 'talking stale', 'available stale', 'available stale'];
    await until('everybody is stale', async () => (await everybody()).join() === stale.join());
    expect(Date.now() - killed).toBeLessThan(LEASE * 1000 + 5000);
    for (const name of USERS) {
      const { staleSince = '' } = await watcher.next(phones.aor(name), 'is stale', (presence) => presence.stale);
      expect(Date.parse(staleSince) - killed).toBeLessThan(LEASE * 1000);
    }
    expect(Date.now() - killed).toBeLessThan(LEASE * 1000 + 5000);
  });

  it('is fresh again when a new incarnation has reconciled, with digests where nothing has changed', async () => {
    await until('the brief registration has run out', () => Date.now() > runOut);
    shim = await startShimProcess(worker, port, FLAGS);
    await until('everybody is fresh', async () => (await everybody()).join() === 'talking,talking,available,offline');
    for (const name of USERS) await watcher.next(phones.aor(name), 'is fresh', (presence) => !presence.stale);
    // Nothing was written about who is as before.
    expect((await reader.presence(phones.aor('carl')))?.version).toBe(1);
    expect((await reader.history(phones.aor('dora')))[0]).toMatchObject({ status: 'offline' });
  });

  it('tells in its own words how a call ended that began in the incarnation before', async () => {
    const caller = calls[0] as LeanCall;
    expect(await soon('the BYE is answered', caller.bye())).toBe(200);
    await until('nobody talks', async () => (await everybody()).join() === 'available,available,available,offline');
    await until('the call is over', async () => (await reader.presence(phones.aor('anna')))?.callStatus === 'idle');
    const [ended, ending] = await reader.history(phones.aor('anna'));
    expect([ended, ending]).toMatchObject([{ reason: { cause: 'bye' } }, { reason: { cause: 'bye' } }]);
  });

  it('leaves with --on-stop leave: what it told ends as stopped, and nobody is stale or unknown after its lease', async () => {
    expect(await shim.stop()).toBe(0);
    await until('everybody is off-line', async () => (await everybody()).every((status) => status === 'offline'));
    expect((await reader.history(phones.aor('carl')))[0]).toMatchObject({ reason: { cause: 'stopped' } });
    const end = Date.now() + LEASE * 1000 + 1000;
    await until('the lease has run out', async () => {
      expect(await everybody()).toEqual(USERS.map(() => 'offline'));
      return Date.now() > end;
    });
  });
});
