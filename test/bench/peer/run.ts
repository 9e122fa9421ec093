import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { quietPort } from '../../support/port.ts';
import { type RunningWorker, startWorker } from '../../support/product.ts';
import { chartsOf } from './charts.ts';
import type { Context } from './context.ts';
import { allSeries, cpuRows, halfOf, highestRows } from './cpu.ts';
import { lagRows } from './lag.ts';
import { memoryRows } from './memory.ts';
import { missing } from './needs.ts';
import { DISTURBED, type PeerResults } from './page.ts';
import { FULL, type Group, groupsOf, QUICK } from './plan.ts';
import { raceRows } from './race.ts';
import { registerRows } from './registers.ts';
import { restartRows } from './restart.ts';
import { failuresOf, type Row, ratioOf, verdictOf } from './row.ts';
import type { Ports } from './server.ts';
import { textTable } from './table.ts';
import { writtenRows } from './written.ts';
import { wrongRows } from './wrong.ts';

/** A run that takes longer is ended, as failed, s. */
const LIMIT = { quick: 20 * 60, full: 60 * 60 };
/** Where the highest rates were not looked for, the lag is measured at this one, calls/s. */
const HALF = 200;

export interface PeerOptions {
  /** Words of `--rows`: names of groups, by commas. */
  readonly rows: readonly string[];
  readonly quick: boolean;
}

/** `npm run bench -- --peer kamailio`: both in turn; the exit code. 2: it cannot begin; 1: a row failed. */
export async function runPeer(options: PeerOptions, folder: string): Promise<number> {
  const { groups, unknown } = groupsOf(options.rows);
  if (unknown.length > 0) {
    process.stderr.write(`--rows: no such rows: ${unknown.join(', ')}\n`);
    return 2;
  }
  const lacking = missing();
  if (lacking !== undefined) {
    process.stderr.write(lacking);
    return 2;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const limit = options.quick ? LIMIT.quick : LIMIT.full;
  setTimeout(() => {
    process.stderr.write(`not done within ${limit} s\n`);
    process.exit(1);
  }, limit * 1000).unref();

  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  let worker: Promise<RunningWorker> | undefined;
  let disturbed = 0;
  const context: Context = {
    plan: options.quick ? QUICK : FULL,
    ports: await ports(),
    worker: () => (worker ??= startWorker()),
    others: (cores) => {
      disturbed = Math.max(disturbed, cores);
    },
    say: (text) => process.stderr.write(`  ${String(seconds()).padStart(5)} s  ${text.trimEnd()}\n`),
  };
  const { rows, svg } = await measured(groups, context);
  await (await worker)?.close();
  const at = new Date().toISOString();
  const machine = { node: process.version, linux: release(), cores: availableParallelism(), cpu: cpus()[0]?.model };
  mkdirSync(folder, { recursive: true });
  for (const row of rows) {
    const line = {
      at,
      measurement: 'beside kamailio',

      quick: options.quick,
      ...row,
      ratio: ratioOf(row),
      verdict: verdictOf(row),
      machine,
    };
    appendFileSync(join(folder, `${at.slice(0, 10)}.jsonl`), `${JSON.stringify(line)}\n`);
  }
  const results: PeerResults = { at, quick: options.quick, machine, took: seconds(), others: disturbed, rows };
  writeFileSync(join(folder, 'peer.json'), `${JSON.stringify(results, undefined, 1)}\n`);
  if (svg !== undefined) writeFileSync(join(folder, 'peer.svg'), svg);
  process.stdout.write(`${textTable(rows)}\n`);
  if (disturbed > DISTURBED) process.stdout.write(`Others took up to ${disturbed.toFixed(1)} cores of this machine meanwhile.\n`);
  return rows.some((row) => failuresOf(row).length > 0) ? 1 : 0;
}

async function ports(): Promise<Ports> {
  const [server = 0, callers = 0, callees = 0, registering = 0] = await Promise.all(Array.from({ length: 4 }, quietPort));
  return { server, callers, callees, registering };
}

/** Group by group. What breaks off fails all rows of its group, and the others go on. */
async function measured(groups: readonly Group[], context: Context): Promise<{ rows: Row[]; svg: string | undefined }> {
  const rows: Row[] = [];
  let svg: string | undefined;
  let half: number | undefined;
  const wants = (group: Group) => groups.includes(group);
  const take = async (group: Group, work: () => Promise<Row[]>) => {
    try {
      rows.push(...(await work()));
    } catch (error) {
      const failed = [(error as Error).message];
      rows.push({ group, name: `all of ${group}`, unit: '', ours: { value: Number.NaN, failed }, peer: { value: Number.NaN } });
    }
  };
  if (wants('cpu') || wants('highest')) {
    await take(wants('cpu') ? 'cpu' : 'highest', async () => {
      const all = await allSeries(context, wants('highest'));
      svg = chartsOf(all);
      half = wants('highest') ? halfOf(all) : undefined;
      return [...(wants('cpu') ? cpuRows(all) : []), ...(wants('highest') ? highestRows(all, context.plan) : [])];
    });
  }
  if (wants('lag')) await take('lag', () => lagRows(context, half ?? HALF));
  if (wants('registers')) await take('registers', () => registerRows(context));
  if (wants('race')) await take('race', () => raceRows(context));
  if (wants('restart')) await take('restart', () => restartRows(context));
  // Nothing of these is a matter of milliseconds, and the last one waits most of its time.
  await Promise.all([
    (async () => {
      if (wants('memory')) await take('memory', () => memoryRows(context));
      if (wants('written')) await take('written', () => writtenRows(context));
    })(),
    wants('wrong') ? take('wrong', () => wrongRows(context)) : undefined,
  ]);
  return { rows: rows.toSorted((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group)), svg };
}
