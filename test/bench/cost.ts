import { rm } from 'node:fs/promises';
import { LeanPhones } from '../support/lean-phones.ts';
import { type StartedProduct, startProduct } from '../support/product.ts';
import { until } from '../support/until.ts';
import { type Figure, type Measurement, round } from './figure.ts';
import { type Counters, priceOf, rowsWritten } from './price.ts';
import { benchModule, type WorkerVariant, workerVariant } from './worker-variant.ts';

const DOMAIN = 'example.com';
const PAIRS = 20;
/** What an update may write at most, rows (issue 4). */
const ROWS = 3;
/** A call that only rings is given up after timer C and then some, by an alarm that is set when it begins (292 s by default); ms. */
const ALARMS_OVER = 330_000;
/** Calls that a telephone takes part in a working day, and days a month; a telephone refreshes its registration, seconds. */
const HABITS = { calls: 8, days: 22, refresh: 300 };

/** (j) What a telephone and a call cost on Cloudflare, from counters in the objects themselves: register, refresh, ring, talk, hang up. */
export const cost: Measurement = { name: 'cost', measure: (say) => measured(say, 0) };

/** The same where so much time passes between the calls of a user that the alarms that they set go off: 22 minutes in all. */
export const costAlone: Measurement = {
  name: 'cost-alone',
  onlyByName: true,
  measure: (say) => measured(say, ALARMS_OVER),
};

/** `apart`: from each step to the next, ms. */
async function measured(say: (text: string) => void, apart: number): Promise<Figure[]> {
  const wrangler = await countingWorker();
  const product = await startProduct([`--domains=${DOMAIN}`], undefined, wrangler.file);
  const phones = await LeanPhones.open({ shim: product.sip, domain: DOMAIN });
  try {
    say(`${2 * PAIRS} telephones`);
    const steps = new Map<string, Counters>();
    const users = Array.from({ length: PAIRS }, (_, n) => [`a${n}`, `b${n}`]).flat();
    const register = () => Promise.all(users.map((user) => phones.register(user)));
    const told = async (name: string, per: number, work: () => Promise<unknown>) => {
      await work();
      await settled(product);
      if (apart > 0) say(`${name}: ${apart / 1000} s until its alarms have gone off`);
      await new Promise((resolve) => setTimeout(resolve, apart));
      steps.set(name, divided(await taken(product), per));
    };
    await told('first registration', users.length, register);
    await told('refresh', users.length, register);
    // The first call of each user creates what later calls find.
    for (const name of ['first call', 'call'])
      await told(name, PAIRS, async () => {
        await Promise.all(Array.from({ length: PAIRS }, (_, n) => oneCall(phones, `a${n}`, `b${n}`)));
      });
    return [...steps].flatMap(([name, counters]) => figuresOf(name, counters)).concat(dollars(steps));
  } finally {
    phones.close();
    await product.close();
    await rm(wrangler.folder, { recursive: true, force: true });
  }
}

/** The Worker with each of its classes counted. */
function countingWorker(): Promise<WorkerVariant> {
  return workerVariant(({ main, objects }) => [
    `import * as worker from ${JSON.stringify(main)};`,
    `import { counted, fetchCounted } from ${benchModule('counting.ts')};`,
    ...objects.map(({ className }) => `export const ${className} = counted(worker.${className});`),
    'export default { fetch: fetchCounted };',
  ]);
}

async function oneCall(phones: LeanPhones, from: string, to: string): Promise<void> {
  phones.onCall = (call) => {
    call.ring();
    setTimeout(() => void call.answer(), 300);
  };
  const call = phones.call(from, to);
  if ((await call.answered) !== 200) throw new Error(`${from} did not reach ${to}`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  if ((await call.bye()) !== 200) throw new Error('no 200 to BYE');
}

/** All that the shim has to tell was told. */
const settled = (product: StartedProduct) => until('nothing waits', () => product.status().outbox.pending === 0);

async function taken({ url }: StartedProduct): Promise<Counters> {
  return (await (await fetch(`${url}/counters`)).json()) as Counters;
}

const divided = (counters: Counters, per: number): Counters =>
  Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, value / per]));

function figuresOf(name: string, counters: Counters): Figure[] {
  const { updates } = counters;
  const written = rowsWritten(counters);
  const figures: Figure[] = Object.entries(counters)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, value]) => ({ name: `${name}: ${what}`, value: round(value), unit: '' }));
  if (updates !== undefined && updates > 0 && name !== 'first registration' && name !== 'first call') {
    const goal = { at: 'most', value: ROWS } as const;
    figures.push({
      name: `${name}: rows written an update, alarms counted`,
      value: round(written / updates),
      unit: 'rows',
      goal,
    });
  }
  return figures;
}

function dollars(steps: ReadonlyMap<string, Counters>): Figure[] {
  const of = (name: string) => priceOf(steps.get(name) ?? {});
  const { calls, days, refresh } = HABITS;
  const note = 'requests and rows, without duration and what is included';
  // A call has two parties; both are counted in one call.
  const phone = (calls / 2) * days * of('call') + ((30 * 86_400) / refresh) * of('refresh');
  return [
    { name: 'a million calls', value: round(1e6 * of('call')), unit: 'US$', note },
    { name: '10,000 phones a month', value: round(10_000 * phone), unit: 'US$', note },
  ];
}
