import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { type RunningWorker, startWorker } from '../../support/product.ts';
import { chartsOf } from './charts.ts';
import { type Context, type Measure, quietPorts } from './context.ts';
import { allSeries, cpuRows, halfOf, highestRows } from './cpu.ts';
import { lagRows } from './lag.ts';
import { memoryRows } from './memory.ts';
import { missing } from './needs.ts';
import { DISTURBED, keptAs, lastRuns, type PeerResults } from './page.ts';
import { FULL, type Group, groupsOf, QUICK } from './plan.ts';
import { raceRows } from './race.ts';
import { registerRows } from './registers.ts';
import { repeatedOf } from './repeated.ts';
import { restartRows } from './restart.ts';
import { failuresOf, type Row, ratioOf, verdictOf } from './row.ts';
import { repeatedText, textTable } from './table.ts';
import { Turns } from './turns.ts';
import { writtenRows } from './written.ts';
import { wrongRows } from './wrong.ts';

/** A run that takes longer is ended, as failed, s. */
const LIMIT = { quick: 20 * 60, full: 30 * 60 };
/** Where the highest rates were not looked for, the lag is measured at this one, calls/s. */
const HALF = 200;

export interface PeerOptions {
  /** Words of `--rows`: names of groups, by commas. */
  readonly rows: readonly string[];
  readonly quick: boolean;
  /** How often, whole: then the ratios of all runs are told beside each other. */
  readonly runs: number;
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
  let code = 0;
  for (let run = 1; run <= options.runs; run++) {
    if (options.runs > 1) process.stderr.write(`run ${run} of ${options.runs}\n`);
    code = Math.max(code, await once(groups, options, folder));
  }
  if (options.runs > 1)
    process.stdout.write(`${repeatedText(repeatedOf(lastRuns(folder, options.runs).map(({ rows }) => rows)))}\n`);
  return code;
}

/** One run of all groups that are wanted. */
async function once(groups: readonly Group[], options: PeerOptions, folder: string): Promise<number> {
  const limit = options.quick ? LIMIT.quick : LIMIT.full;
  const timer = setTimeout(() => {
    process.stderr.write(`not done within ${limit} s\n`);
    process.exit(1);
  }, limit * 1000);

  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  let worker: Promise<RunningWorker> | undefined;
  let disturbed = 0;
  const context: Context = {
    plan: options.quick ? QUICK : FULL,
    ports: await quietPorts(),
    turns: new Turns(),
    worker: () => (worker ??= startWorker()),
    others: (cores) => {
      disturbed = Math.max(disturbed, cores);
    },
    say: (text) => process.stderr.write(`  ${String(seconds()).padStart(5)} s  ${text.trimEnd()}\n`),
  };
  const { rows, svg } = await measured(groups, context);
  await (await worker)?.close();
  clearTimeout(timer);
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
  for (const name of ['peer.json', keptAs(at)]) writeFileSync(join(folder, name), `${JSON.stringify(results, undefined, 1)}\n`);
  if (svg !== undefined) writeFileSync(join(folder, 'peer.svg'), svg);
  process.stdout.write(`${textTable(rows)}\n`);
  if (disturbed > DISTURBED) process.stdout.write(`Others took up to ${disturbed.toFixed(1)} cores of this machine meanwhile.\n`);
  return rows.some((row) => failuresOf(row).length > 0) ? 1 : 0;
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
  // These wait most of their time, so they run side by side, and load the machine in turns.
  const waiting = { wrong: wrongRows, race: raceRows, restart: restartRows, memory: memoryRows, written: writtenRows } as const;
  const groupsThatWait = Object.entries(waiting) as [keyof typeof waiting, Measure][];
  await Promise.all(
    groupsThatWait.filter(([group]) => wants(group)).map(([group, measure]) => take(group, () => measure(context))),
  );
  return { rows: rows.toSorted((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group)), svg };
}
