/** `npm run campaign -- --events 10000000 --seed 1`: one user at several sites, with everything that may go wrong between. */
import { parseArgs } from 'node:util';
import { seeded } from '../../support/mutate.ts';
import { EVENTS, playScene } from './scene.ts';

const USAGE = `npm run campaign -- [--events N] [--seed S]
  Each scene of ${EVENTS} events has a seed of its own: S, S + 1, and so on. A scene that fails prints how to play it alone.
`;

const { values } = parseArgs({ options: { events: { type: 'string' }, seed: { type: 'string' } } });
const events = Number(values.events ?? 1_000_000);
const seed = Number(values.seed ?? Date.now() % 1e6);
if (!(events > 0) || !Number.isInteger(seed)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const counts = new Map<string, number>();
let [played, scenes, wrong] = [0, 0, 0];
const began = performance.now();
for (; played < events; scenes++) {
  const result = playScene(seeded(seed + scenes));
  played += result.events;
  for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
  if (result.wrong.length === 0) continue;
  wrong += 1;
  const again = `npm run campaign -- --events ${EVENTS} --seed ${seed + scenes}`;
  process.stdout.write(`scene ${seed + scenes} (${again}):\n${result.wrong.map((text) => `  ${text}\n`).join('')}`);
}
const seconds = Math.round((performance.now() - began) / 1000);
process.stdout.write(`${played} events in ${scenes} scenes from seed ${seed} in ${seconds} s, ${wrong} scenes wrong\n`);
for (const [what, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) process.stdout.write(`  ${what}: ${count}\n`);
process.exit(wrong === 0 ? 0 : 1);
