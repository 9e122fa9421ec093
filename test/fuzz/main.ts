/**
 * `npm run fuzz -- --minutes 2`: mutation fuzzing, guided by coverage, of everything that reads what others send, and of a shim that runs.
 * The time is divided among the targets. A finding is written to test/fuzz/findings/ and ends the run with status 1.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seeded } from '../support/mutate.ts';
import { Coverage } from './coverage.ts';
import { type Budget, fuzz, type Outcome } from './engine.ts';
import { keep } from './finding.ts';
import { fuzzRunning, RUNNING } from './running.ts';
import { TARGETS } from './targets/index.ts';

const USAGE = `npm run fuzz -- [--minutes N | --inputs N] [--seed S] [--only a,b]
  --minutes  of all targets together; 2 without
  --inputs   of each target instead: the same seed then gives the same inputs
  targets    ${[...TARGETS.map(({ name }) => name), RUNNING].join(', ')}
`;
/** Shares of the time: what keeps state needs more of it. */
const SHARES: { readonly [target: string]: number } = { element: 3, [RUNNING]: 3 };
/** The part of a target's time in which coverage guides it, which makes all code slow. */
const GUIDED = 0.4;

const options = {
  minutes: { type: 'string' },
  inputs: { type: 'string' },
  seed: { type: 'string' },
  only: { type: 'string' },
} as const;
const { values } = parseArgs({ options });
const minutes = Number(values.minutes ?? 2);
const inputs = values.inputs === undefined ? undefined : Number(values.inputs);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const names = [...TARGETS.map(({ name }) => name), RUNNING];
const chosen = values.only?.split(',') ?? names;
if (
  !(minutes > 0) ||
  !Number.isInteger(seed) ||
  (inputs !== undefined && !(inputs > 0)) ||
  !chosen.every((name) => names.includes(name))
) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const share = (name: string) => SHARES[name] ?? 1;
const whole = chosen.reduce((sum, name) => sum + share(name), 0);

/** The budget of a target, or of a part of it. */
function budget(name: string, part: number): Budget {
  if (inputs !== undefined) return { inputs: Math.ceil(inputs * part) };
  const end = performance.now() + (minutes * 60_000 * share(name) * part) / whole;
  return { over: () => performance.now() > end };
}

/** First guided by coverage; then, with the corpus that this has brought, at full speed. */
async function run(name: string): Promise<Outcome> {
  const chance = seeded(seed);
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) return await fuzzRunning(chance, budget(name, 1));
  const coverage = new Coverage();
  const guided = fuzz(target, chance, budget(name, GUIDED), coverage);
  coverage.stop();
  const fast = fuzz({ ...target, seeds: guided.corpus }, chance, budget(name, 1 - GUIDED));
  return {
    target: name,
    inputs: guided.inputs + fast.inputs,
    corpus: fast.corpus,
    slowest: Math.max(guided.slowest, fast.slowest),
    seconds: guided.seconds + fast.seconds,
    covered: coverage.covered,
    findings: [...guided.findings, ...fast.findings],
  };
}

process.stdout.write(`seed ${seed}, ${inputs === undefined ? `${minutes} minutes` : `${inputs} inputs each`}\n`);
const folder = join(import.meta.dirname, '../../fuzz-results');
mkdirSync(folder, { recursive: true });
let findings = 0;
for (const name of chosen) {
  const { findings: found, corpus, ...counts } = await run(name);
  findings += found.length;
  const line = {
    ...counts,
    corpus: corpus.length,
    seed,
    findings: found.map(({ reason }) => reason),
    at: new Date().toISOString(),
  };
  appendFileSync(join(folder, `${line.at.slice(0, 10)}.jsonl`), `${JSON.stringify(line)}\n`);
  const rate = Math.round(counts.inputs / counts.seconds);
  const noted =
    name === RUNNING ? `${corpus.length} calls between` : `${corpus.length} kept, ${counts.covered} characters of code reached`;
  process.stdout.write(
    `${name.padEnd(10)} ${String(counts.inputs).padStart(9)} inputs, ${rate}/s, slowest ${counts.slowest.toFixed(1)} ms, ${noted}, ${found.length} findings\n`,
  );
  for (const { reason, input } of found) process.stdout.write(`  ${reason}\n  ${keep({ target: name, reason, input })}\n`);
}
process.exit(findings === 0 ? 0 : 1);
