import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { userLine } from '../../shim/core/auth/users.ts';
import { credentials, runSipp, type SippResult, startSipp } from '../interop/sipp.ts';
import { userRows } from '../support/digest.ts';
import { quietPort } from '../support/port.ts';
import { startWorker } from '../support/product.ts';
import { Reader } from '../support/reader.ts';
import { type Figure, type Measurement, median, round } from './figure.ts';
import { cpuSeconds, type ForkedShim, forkShim } from './shim.ts';

const DOMAIN = 'example.com';
const RATE = 300;
const SECONDS = 10;
const CALLS = RATE * SECONDS;
/** A second rate, at which the shim's processor time is looked at: what a call costs falls with the rate, so both are told. */
const BUSY_RATE = 800;
const PAIRS = 1000;
/** How long a call holds, ms. */
const HOLD = 500;
const RUNS = 3;
/** Within so long after the last call every user's state is right, ms. */
const RIGHT_WITHIN = 5000;
/** How often the processor time of a process that will be gone is looked at, ms. */
const SAMPLE = 100;

interface Run {
  readonly failed: number;
  readonly retransmissions: number;
  readonly wrong: number;
  readonly settled: number;
  readonly shim: number;
  readonly sipp: number;
  readonly workerd: number;
}

/** (d) and (e): 300 calls/s by SIPp for 10 s, 7 messages a call, 180 and 200 at once, presence on; the shim is a process of its own. */
export const load: Measurement = { name: 'load', measure: (say) => measured(say, false) };

/** The same with a password for every registration and every call: 10 messages a call, each INVITE challenged (RFC 3261 22.3). */
export const loadWithPasswords: Measurement = { name: 'load-auth', measure: (say) => measured(say, true) };

async function measured(say: (text: string) => void, passwords: boolean): Promise<Figure[]> {
  const worker = await startWorker();
  const users = Array.from({ length: PAIRS }, (_, n) => [`caller${n}`, `callee${n}`]).flat();
  const file = join(worker.folder, 'users');
  if (passwords) await writeFile(file, users.map(lineOf).join(''));
  const flags = passwords ? ['--auth=digest', `--users-file=${file}`] : [];
  const shim = await forkShim(worker, [`--domains=${DOMAIN}`, ...flags]);
  try {
    const crowd = { passwords, users, reader: new Reader(worker.url, await worker.token('read')) };
    const port = await registered(shim, crowd);
    const runs: Run[] = [];
    for (let run = 1; run <= RUNS; run++) {
      say(`${CALLS} calls at ${RATE}/s, run ${run} of ${RUNS}`);
      runs.push(await once(shim, worker.embedded.pid(), crowd, port));
    }
    say(`${BUSY_RATE * SECONDS} calls at ${BUSY_RATE}/s`);
    const busy = await once(shim, worker.embedded.pid(), crowd, port, BUSY_RATE);
    const told = [...figures(runs), ...busyFigures(busy)];
    return passwords ? told.map((figure) => ({ ...figure, name: `${figure.name}, with passwords` })) : told;
  } finally {
    await shim.close();
    await worker.close();
  }
}

/** Callers and callees in turn, and how they are looked at. */
interface Crowd {
  readonly passwords: boolean;
  readonly users: readonly string[];
  readonly reader: Reader;
}

const PASSWORD = 'secret';

/** SIPp knows MD5 alone. */
const lineOf = (user: string): string =>
  userRows(`${user}@${DOMAIN}`, PASSWORD)
    .filter(({ algorithm }) => algorithm === 'MD5')
    .map((row) => `${userLine(row)}\n`)
    .join('');

/** Registers all users at one port, at which the callees then are; the port. */
async function registered(shim: ForkedShim, { passwords, users }: Crowd): Promise<number> {
  const port = await quietPort();
  const fields = users.map((user) => [user, port, 3600, ...(passwords ? [credentials(user, PASSWORD)] : [])]);
  const result = await runSipp(passwords ? 'register-auth' : 'register', { target: shim.sip, fields, rate: 500 });
  if (result.code !== 0) throw new Error(`registration failed: ${result.errors}`);
  return port;
}

async function once(
  shim: ForkedShim,
  workerd: number | undefined,
  { passwords, users, reader }: Crowd,
  port: number,
  rate = RATE,
): Promise<Run> {
  const aors = users.map((user) => `sip:${user}@${DOMAIN}`);
  const pairs = Array.from({ length: PAIRS }, (_, n) => {
    const [caller = '', callee = ''] = users.slice(2 * n);
    return passwords ? [caller, callee, credentials(caller, PASSWORD)] : [caller, callee];
  });
  const calls = rate * SECONDS;
  const before = { shim: cpuSeconds(shim.pid) ?? 0, workerd: cpuSeconds(workerd) ?? 0 };
  const common = { target: shim.sip, calls, timeout: SECONDS + 20 };
  const uas = await startSipp('uas-load', { ...common, port });
  await uas.listening;
  const uac = await startSipp(passwords ? 'uac-auth' : 'uac', { ...common, fields: pairs, rate, hold: HOLD });
  const sipp = [uas, uac].map(({ process: { pid } }) => sampled(pid));
  const [here, there]: SippResult[] = await Promise.all([uac.ended, uas.ended]);
  if (!here || !there) throw new Error('SIPp gave no result');
  const ended = performance.now();
  let wrong = await wrongOf(reader, aors);
  while (wrong > 0 && performance.now() - ended < RIGHT_WITHIN) wrong = await wrongOf(reader, aors);
  const settled = performance.now() - ended;
  return {
    failed: here.failed + (calls - here.successful - here.failed),
    retransmissions: here.retransmissions + there.retransmissions,
    wrong,
    settled,
    shim: (cpuSeconds(shim.pid) ?? 0) - before.shim,
    workerd: (cpuSeconds(workerd) ?? 0) - before.workerd,
    sipp: sipp.reduce((sum, stop) => sum + stop(), 0),
  };
}

/** Users that do not read as registered and in no call. */
async function wrongOf(reader: Reader, aors: string[]): Promise<number> {
  const documents = await reader.query(aors);
  return documents.filter((document) => document?.status !== 'available' || document.callStatus !== 'idle').length;
}

/** Looks at a process again and again while it lives; the function returned says what was seen last. */
function sampled(pid: number | undefined): () => number {
  let last = 0;
  const look = () => {
    last = cpuSeconds(pid) ?? last;
  };
  const timer = setInterval(look, SAMPLE);
  return () => {
    clearInterval(timer);
    return last;
  };
}

function figures(runs: readonly Run[]): Figure[] {
  const figure = (name: string, unit: string, of: (run: Run) => number, more: Partial<Figure> = {}): Figure => {
    const values = runs.map((run) => round(of(run)));
    return { name, unit, value: median(values), runs: values, ...more };
  };
  // What may not happen at all is told of the worst run, not of the middle one.
  const worst = (name: string, unit: string, of: (run: Run) => number): Figure => ({
    ...figure(`${name}, worst run`, unit, of),
    value: Math.max(...runs.map(of)),
    goal: { at: 'most', value: 0 },
  });
  const perThousand = (cpu: number) => (cpu * 1000) / CALLS;
  const at = `${RATE} calls/s`;
  return [
    worst(`failed calls of ${CALLS} at ${at}`, 'calls', (run) => run.failed),
    figure(`SIPp retransmissions at ${at}`, 'messages', (run) => run.retransmissions),
    worst(`users of ${2 * PAIRS} with a wrong state 5 s after the end`, 'users', (run) => run.wrong),
    figure('all states right after the end of the load', 'ms', (run) => run.settled, {
      note: 'includes reading 2,000 users over REST',
    }),
    figure(`shim CPU at ${at}, presence on`, 's/1,000 calls', (run) => perThousand(run.shim), {
      goal: { at: 'most', value: 0.6 },
    }),
    figure(`workerd CPU at ${at}`, 's/1,000 calls', (run) => perThousand(run.workerd)),
    figure(`SIPp CPU at ${at}, both sides`, 's/1,000 calls', (run) => perThousand(run.sipp)),
  ];
}

/** What one run at the higher rate shows. */
function busyFigures({ failed, wrong, shim, workerd }: Run): Figure[] {
  const calls = BUSY_RATE * SECONDS;
  const at = `${BUSY_RATE} calls/s`;
  const perThousand = (cpu: number) => round((cpu * 1000) / calls);
  return [
    { name: `failed calls of ${calls} at ${at}`, value: failed, unit: 'calls' },
    { name: `users of ${2 * PAIRS} with a wrong state 5 s after the end, ${at}`, value: wrong, unit: 'users' },
    { name: `shim CPU at ${at}, presence on`, value: perThousand(shim), unit: 's/1,000 calls', goal: { at: 'most', value: 0.6 } },
    { name: `workerd CPU at ${at}`, value: perThousand(workerd), unit: 's/1,000 calls' },
  ];
}
