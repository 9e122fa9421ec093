/** `npm run campaign:sim -- --calls 10000 --seed 1`: calls of all shapes on a virtual network that loses, doubles and reorders. */
import { parseArgs } from 'node:util';
import { playScene, TRIALS } from './scene.ts';
import { SHAPES, type Shape } from './shapes.ts';

const USAGE = `npm run campaign:sim -- [--calls N] [--seed S] [--only shape,...]
  Each scene of 10 calls has a seed of its own: S, S + 1, and so on.
  shapes  ${SHAPES.join(', ')}
`;

const { values } = parseArgs({ options: { calls: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } } });
const calls = Number(values.calls ?? 10_000);
const seed = Number(values.seed ?? Date.now() % 1e6);
const shapes = (values.only?.split(',') ?? SHAPES) as Shape[];
if (!(calls > 0) || !Number.isInteger(seed) || !shapes.every((shape) => SHAPES.includes(shape))) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const counts = new Map<string, number>();
const unsaved = new Map<string, number>();
let [played, wrong] = [0, 0];
const began = performance.now();
for (let n = 0; played < calls; n++) {
  const result = playScene(seed + n, shapes);
  played += result.trials;
  for (const shape of result.shapes) counts.set(shape, (counts.get(shape) ?? 0) + 1);
  for (const text of result.unsaved) {
    const kind = text.replace(/^(\S+): .*: (.*)$/, '$1: $2').replace(/\d+(\.\d+)+|\d+/g, '#');
    unsaved.set(kind, (unsaved.get(kind) ?? 0) + 1);
  }
  if (result.wrong.length === 0) continue;
  wrong += 1;
  const again = `npm run campaign:sim -- --calls ${TRIALS} --seed ${result.seed}`;
  process.stdout.write(`scene ${result.seed} (${again}):\n${result.wrong.map((text) => `  ${text}\n`).join('')}`);
}
const seconds = Math.round((performance.now() - began) / 1000);
process.stdout.write(`${played} trials from seed ${seed} in ${seconds} s, ${wrong} scenes wrong\n`);
process.stdout.write(`${[...counts].map(([shape, count]) => `${shape} ${count}`).join(', ')}\n`);
process.stdout.write(
  `calls that RFC 3261 could not save: ${[...unsaved].map(([why, count]) => `${why} (${count})`).join('; ') || 'none'}\n`,
);
process.exit(wrong === 0 ? 0 : 1);
