import { type ForkedShim, forkShim } from '../bench/shim.ts';
import { LeanPhones } from '../support/lean-phones.ts';
import { seeded } from '../support/mutate.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { Crowd } from './crowd.ts';
import { pause } from './pause.ts';
import { look, openFiles, type Sample } from './sample.ts';
import { asleep, flatness, type Line } from './verdict.ts';

export interface SoakSettings {
  readonly minutes: number;
  readonly seed: number;
  readonly calls: number;
  readonly registers: number;
  readonly users: number;
}

/** How fast, by default: calls and REGISTERs a second, and users. */
export const DEFAULT_SOAK: SoakSettings = { minutes: 30, seed: 1, calls: 50, registers: 100, users: 2000 };

const DOMAIN = 'example.com';
/** Calls of which both sides have vanished are asked after soon: the default of 5 minutes would make the end long. */
const FLAGS = ['--probe-interval=30s', '--probe-tries=2', '--probe-retry=1s'];
/** Between two looks, ms; and between two times that what is over is forgotten by the telephones, which is longer than any call and transaction. */
const LOOK_EVERY = 5000;
const FORGET_EVERY = 100_000;
/** RFC 3261 17.1.2.2 timer F, ms. */
const GIVE_UP = 32_000;
/** The load is made in steps of so many ms. */
const STEP = 20;
/** REGISTERs a second, at the beginning. */
const FIRST_REGISTERS = 400;
/** After the last call all is settled and right within so long: the vanished are found out, transactions are over. */
const SETTLED_WITHIN = 240_000;
/**
 * An object whose last request is 10 s ago is put to sleep by workerd; alarms that are due wake some up for as long again, so the least within so long
 * counts, ms.
 */
const SLEEP_WITHIN = 150_000;
/** The machine has kept up where so much of the load was made. */
const MADE = 0.97;

/** Runs the load, then waits until all is over; `say` is told now and then how it goes. */
export async function soak(settings: SoakSettings, say: (text: string) => void): Promise<Line[]> {
  const worker = await startWorker();
  try {
    const shim = await forkShim(worker, [`--domains=${DOMAIN}`, ...FLAGS]);
    try {
      return await loaded(settings, worker, shim, say);
    } finally {
      await shim.close();
    }
  } finally {
    await worker.close();
  }
}

async function loaded(
  settings: SoakSettings,
  worker: RunningWorker,
  shim: ForkedShim,
  say: (text: string) => void,
): Promise<Line[]> {
  const phones = await LeanPhones.open({ shim: shim.sip, domain: DOMAIN, giveUp: GIVE_UP });
  const crowd = new Crowd(phones, settings.users, seeded(settings.seed));
  const forgetting = setInterval(() => phones.age(), FORGET_EVERY);
  const samples: Sample[] = [];
  const workerd = worker.embedded.pid() ?? Number.NaN;
  const filesBefore = openFiles(workerd);
  try {
    say(`${settings.users} registrations`);
    await every(settings.users / FIRST_REGISTERS, FIRST_REGISTERS, () => crowd.refresh());
    Object.assign(crowd.counts, { registers: 0 });
    const began = performance.now();
    const looking = everyMs(LOOK_EVERY, async () => {
      samples.push(await look((performance.now() - began) / 1000, shim, workerd));
      if (samples.length % 12 === 0) say(told(samples.at(-1) as Sample));
    });
    const seconds = settings.minutes * 60;
    const calls = every(seconds, settings.calls, () => crowd.call());
    const registers = every(seconds, settings.registers, () => crowd.refresh());
    await Promise.all([calls, registers]);
    await looking.stop();
    const made = { ...crowd.counts };
    say('the load is over; waiting until all is settled');
    const end = await settled(settings, crowd, shim, new Reader(worker.url, await worker.token('read')));
    const filesAfter = await fewest(SLEEP_WITHIN, () => openFiles(workerd), filesBefore);
    const [first, last] = [samples[0], samples.at(-1)];
    const cpu = (of: (sample: Sample) => number) =>
      first && last ? ((of(last) - of(first)) / (last.at - first.at)) * 100 : Number.NaN;
    return [
      ...flatness(samples),
      asleep(filesBefore, filesAfter),
      { name: `calls made of ${settings.calls}/s`, last: made.calls, least: Math.floor(settings.calls * seconds * MADE) },
      {
        name: `REGISTERs of ${settings.registers}/s`,
        last: made.registers,
        least: Math.floor(settings.registers * seconds * MADE),
      },
      ...[...made.kinds].map(([kind, count]): Line => ({ name: `calls: ${kind}`, last: count })),
      ...[...made.wrong].map(([text, count]): Line => ({ name: text, last: count, most: 0 })),
      { name: 'answers that were not the expected ones', last: total(made.wrong), most: 0 },
      { name: 'workerd had to be started again', last: worker.embedded.restarts(), most: 0 },
      { name: 'at the end: updates that wait', last: end.pending, most: 0 },
      { name: 'at the end: calls followed', last: end.calls, most: 0 },
      { name: 'at the end: transactions', last: end.transactions, most: 0 },
      { name: `at the end: users of ${settings.users} whose state is wrong`, last: end.wrong.length, most: 0 },
      ...end.wrong.slice(0, 10).map((text): Line => ({ name: `  ${text}`, last: 1, most: 0 })),
      { name: 'seconds from the last call until all of that was so', last: Math.round(end.after / 1000) },
      { name: 'shim, % of a processor', last: Math.round(cpu((sample) => sample.cpu.shim)) },
      { name: 'workerd, % of a processor', last: Math.round(cpu((sample) => sample.cpu.workerd)) },
    ];
  } finally {
    clearInterval(forgetting);
    phones.close();
  }
}

/** The least that was seen within that time, ms; it ends early where that is no more than `enough`. */
async function fewest(ms: number, see: () => number, enough: number): Promise<number> {
  let least = see();
  for (const end = performance.now() + ms; least > enough && performance.now() < end; ) {
    await pause(1000);
    least = Math.min(least, see());
  }
  return least;
}

interface End {
  readonly pending: number;
  readonly calls: number;
  readonly transactions: number;
  readonly wrong: readonly string[];
  /** Since the last call began, ms. */
  readonly after: number;
}

/** Waits, for a bounded time, until nothing is under way and every state is right; those who refresh go on with it until then. */
async function settled(settings: SoakSettings, crowd: Crowd, shim: ForkedShim, reader: Reader): Promise<End> {
  const began = performance.now();
  crowd.calm = true;
  const refreshing = everyMs(1000 / settings.registers, () => {
    // Once no call is left, the transactions of the last refreshes are to end too.
    if (crowd.open > 0) void crowd.refresh();
  });
  try {
    for (;;) {
      const { status } = await shim.report();
      const after = performance.now() - began;
      const quiet = crowd.open === 0 && status.outbox.pending === 0 && status.calls === 0 && status.transactions === 0;
      const late = after > SETTLED_WITHIN;
      const wrong = quiet || late ? await wrongOf(crowd, reader) : [];
      if (late || (quiet && wrong.length === 0)) {
        return { pending: status.outbox.pending, calls: status.calls, transactions: status.transactions, wrong, after };
      }
      await pause(1000);
    }
  } finally {
    await refreshing.stop();
  }
}

/** `u7: offline idle, not available idle`. */
async function wrongOf(crowd: Crowd, reader: Reader): Promise<string[]> {
  const expected = crowd.expected();
  const documents = await reader.query(expected.map(({ aor }) => aor));
  return expected.flatMap(({ aor, present }, i) => {
    const document = documents[i];
    const seen = document ? `${document.status} ${document.callStatus}` : 'never seen';
    const wanted = present ? 'available idle' : 'offline idle';
    return seen === wanted ? [] : [`${aor}: ${seen}, not ${wanted}`];
  });
}

/** Does `act` `rate` times a second for so many seconds, evenly; what the machine was too slow for is made up for, then given up. Waits for all. */
async function every(seconds: number, rate: number, act: () => Promise<void>): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  for (let done = 0; ; ) {
    const due = Math.min(seconds * rate, Math.floor(((performance.now() - began) / 1000) * rate));
    // Of a pause of this process a second at most is made up for.
    done = Math.max(done, due - rate);
    for (; done < due; done++) {
      const one = act().finally(() => underWay.delete(one));
      underWay.add(one);
    }
    if (performance.now() - began >= seconds * 1000) break;
    await pause(STEP);
  }
  // Calls whose parties have vanished outlast the load: `settled` waits for them.
  await Promise.race([Promise.all(underWay), pause(STEP)]);
}

/** Does `act` again and again with that pause between, never twice at once. */
function everyMs(ms: number, act: () => void | Promise<void>): { stop(): Promise<void> } {
  let stopped = false;
  const run = (async () => {
    while (!stopped) {
      await pause(ms);
      if (!stopped) await act();
    }
  })();
  return {
    async stop() {
      stopped = true;
      await run;
    },
  };
}

const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, count) => sum + count, 0);

const told = ({ at, shim, workerd, calls, pending }: Sample): string =>
  `${Math.round(at)} s: shim ${Math.round(shim.rss)} MiB, ${shim.files} files; workerd ${Math.round(workerd.rss)} MiB, ` +
  `${workerd.files} files; ${calls} calls, ${pending} updates wait`;
