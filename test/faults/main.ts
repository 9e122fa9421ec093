/** `npm run campaign:kill -- --kills 200 --seed 1`: `kill -9` of workerd again and again under load. Ends with 1 where anything was lost. */
import { parseArgs } from 'node:util';
import { seeded } from '../support/mutate.ts';
import { SILENT, startWorker } from '../support/product.ts';
import { killCampaign } from './kill-campaign.ts';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? 200);
const seed = Number(values.seed ?? Date.now() % 1e6);
if (!(Number.isInteger(kills) && kills > 0 && Number.isInteger(seed))) {
  process.stderr.write('npm run campaign:kill -- [--kills N] [--seed S]\n');
  process.exit(2);
}

/** Pauses before workerd is started again, ms: the product's own double to 5 s where it dies again and again, and would be most of the campaign. */
const BACKOFF = { min: 100, max: 200 };

const worker = await startWorker(SILENT, undefined, [], BACKOFF);
const began = performance.now();
try {
  const { wrong, updates, repeated, slowest } = await killCampaign(worker, kills, seeded(seed));
  for (const text of wrong) process.stdout.write(`${text}\n`);
  const seconds = Math.round((performance.now() - began) / 1000);
  process.stdout.write(
    `${kills} kills in ${seconds} s from seed ${seed}: ${updates} updates acknowledged, ${repeated} batches cut off and sent again, ` +
      `boards and watchers right at the latest ${slowest} ms after a restart, ${wrong.length} wrong\n`,
  );
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await worker.close();
}
