/**
 * `npm run bench`: every measurement, or those named by `--only`; a table on stdout, JSON lines in bench-results/. With `--peer kamailio`
 * instead what both show in turn, side by side.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { codec } from './codec.ts';
import { cost, costAlone } from './cost.ts';
import { type Figure, isMet, type Measurement } from './figure.ts';
import { flood } from './flood.ts';
import { floor } from './floor.ts';
import { lag } from './lag.ts';
import { listing } from './listing.ts';
import { load, loadWithPasswords } from './load.ts';
import { memory } from './memory.ts';
import { GROUPS } from './peer/plan.ts';
import { runPeer } from './peer/run.ts';
import { relay } from './relay.ts';
import { scale } from './scale.ts';
import { updates } from './updates.ts';
import { watchers } from './watchers.ts';

const ALL: readonly Measurement[] = [
  codec,
  updates,
  lag,
  load,
  loadWithPasswords,
  memory,
  scale,
  flood,
  floor,
  cost,
  costAlone,
  watchers,
  listing,
  relay,
];
const NAMES = ALL.map(({ name }) => name).join(', ');

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    peer: { type: 'string' },
    rows: { type: 'string', multiple: true },
    quick: { type: 'boolean' },
    runs: { type: 'string', default: '1' },
    help: { type: 'boolean' },
  },
});
const unknown = values.only?.find((name) => !ALL.some((measurement) => measurement.name === name));
const stranger = values.peer !== undefined && values.peer !== 'kamailio';
if (values.help || unknown !== undefined || stranger) {
  if (unknown !== undefined) process.stderr.write(`--only ${unknown}: no such measurement\n`);
  if (stranger) process.stderr.write(`--peer ${values.peer}: no such peer\n`);
  process.stdout.write(`npm run bench [-- --only <name>]...   one or more of ${NAMES}\n`);
  process.stdout.write(`npm run bench -- --peer kamailio [--quick] [--runs <n>] [--rows <name>,...]   of ${GROUPS.join(', ')}\n`);
  process.exit(unknown !== undefined || stranger ? 2 : 0);
}

const folder = join(import.meta.dirname, '../../bench-results');
if (values.peer !== undefined) {
  const { rows = [], quick = false } = values;
  process.exit(await runPeer({ rows, quick, runs: Math.max(1, Math.trunc(Number(values.runs)) || 1) }, folder));
}
mkdirSync(folder, { recursive: true });
const at = new Date().toISOString();
const file = join(folder, `${at.slice(0, 10)}.jsonl`);
const machine = { node: process.version, linux: release(), cores: availableParallelism(), cpu: cpus()[0]?.model };

process.stdout.write(`${row('measured', 'value', 'unit', 'goal', '')}\n`);
for (const { name, onlyByName, measure } of ALL) {
  if (values.only ? !values.only.includes(name) : onlyByName) continue;
  const figures = await measure((text) => process.stderr.write(`  ${name}: ${text}\n`));
  for (const figure of figures) {
    process.stdout.write(`${line(figure)}\n`);
    appendFileSync(file, `${JSON.stringify({ at, measurement: name, ...figure, met: isMet(figure), machine })}\n`);
  }
}
process.exit(0);

function line(figure: Figure): string {
  const { name, value, unit, goal, runs } = figure;
  const asked = goal ? `${goal.at} ${goal.value}` : '';
  const met = isMet(figure);
  const verdict = met === undefined ? '' : met ? 'met' : 'MISSED';
  return row(name, value.toLocaleString('en'), unit, asked, runs ? `${verdict.padEnd(8)}runs ${runs.join(', ')}` : verdict);
}

function row(name: string, value: string, unit: string, goal: string, verdict: string): string {
  return `${name.padEnd(62)}${value.padStart(10)} ${unit.padEnd(15)}${goal.padEnd(15)}${verdict}`.trimEnd();
}
