import { killWorker } from '../../support/kill.ts';
import { round } from '../figure.ts';
import { apart, type Context, startServer, withServer } from './context.ts';
import { callUp, fewPhones, registered, secondsUntil, wrongAt } from './few-phones.ts';
import type { OffhookServer } from './offhook.ts';
import { type Cell, NOTHING, type Row } from './row.ts';
import type { Server, Watch } from './server.ts';

const CALLS = 10;
/** How many of the calls end while it is dead, and how many after its restart. */
const ENDING = { dead: 3, after: 3 };
/** It is dead for so long, ms. */
const DEAD = 500;
/** Presence is right within so long after a restart (the target), and is watched for so long, s. */
const GOAL = 10;
const WATCHED = 12;
/** Nothing else loads the machine for so long after a restart, ms. */
const SOON = 5000;

const callers = Array.from({ length: CALLS }, (_, n) => `k${String(n).padStart(3, '0')}`);
const callees = Array.from({ length: CALLS }, (_, n) => `m${String(n).padStart(3, '0')}`);
const users = [...callers, ...callees];
const parties = (from: number, to: number) => [...callers.slice(from, to), ...callees.slice(from, to)];

interface Restarted {
  /** From the start of the process until a new watcher is shown what is so. */
  readonly right: Cell;
  /** From the end of calls that were up at the kill until the watcher from before is shown it. */
  readonly ended: Cell;
  /** From `kill -9` of the Worker until presence is right, a call having ended meanwhile. */
  readonly worker: Cell;
}

/** `kill -9` in mid-call: some calls end while the server is dead, some after its restart. */
export async function restartRows(context: Context): Promise<Row[]> {
  const [peer, ours] = await Promise.all([measured(context, 'Kamailio'), measured(context, 'Offhook')]);
  const row = (name: string, of: keyof Restarted, more: Partial<Row> = {}): Row => ({
    group: 'restart',
    name,
    unit: 's',
    ours: ours[of],
    peer: peer[of],
    goal: { of: 'ours', at: 'most', value: GOAL },
    ...more,
  });
  const note = `${CALLS} calls were up, ${ENDING.dead} of them ended while it was dead; Kamailio is set to keep all in memory`;
  return [
    row('kill -9 in mid-call: from the restart until a new watcher sees what is so', 'right', { note }),
    row('kill -9 in mid-call: a call ends after the restart, until the watcher from before sees it', 'ended', { note }),
    row('kill -9 of the Worker in mid-call, until presence is right', 'worker', {
      note: 'a call ended while it was dead; Kamailio has no such part',
    }),
  ];
}

async function measured(shared: Context, side: Server['name']): Promise<Restarted> {
  const release = await shared.turns.take();
  const context = await apart(shared);
  context.say(`${side}: ${CALLS} calls, kill -9, restart`);
  const starting = startServer(side, context, 'presence', { few: true });
  const restarted = withServer(starting, async (server) => {
    const phones = await fewPhones(server);
    const watches: Watch[] = [];
    try {
      for (const user of users) await registered(phones, user);
      const old = await server.watch(users, true);
      watches.push(old);
      const calls = await Promise.all(callers.map((caller, n) => callUp(phones, caller, callees[n] ?? '')));
      const up = await secondsUntil(performance.now(), WATCHED, () => wrongAt(old, users, []).length === 0);
      if (up === undefined) throw new Error(`${side}: the calls are not shown before the kill`);
      await server.kill();
      const [dead, after] = [ENDING.dead, ENDING.dead + ENDING.after];
      const byes = calls.slice(0, dead).map((call) => call.bye());
      await pause(DEAD);

      let began = performance.now();
      const restarting = server.restart();
      const fresh = await server.watch(users, true);
      watches.push(fresh);
      const wrong = () => wrongAt(fresh, parties(dead, CALLS), parties(0, dead));
      const righting = secondsUntil(began, WATCHED, () => wrong().length === 0);
      // Who is not right by now is waited for, and holds up nobody.
      const patience = setTimeout(release, SOON);
      const right = cellOf(await righting, wrong);
      clearTimeout(patience);
      await restarting;
      await Promise.race([Promise.all(byes), pause(WATCHED * 1000)]);

      began = performance.now();
      for (const call of calls.slice(dead, after)) void call.bye();
      const left = () => wrongAt(old, [], parties(dead, after));
      const ended = cellOf(await secondsUntil(began, GOAL, () => left().length === 0), left, GOAL);
      if (side === 'Kamailio') return { right, ended, worker: NOTHING };

      const { worker } = server as OffhookServer;
      if (!worker) throw new Error('no Worker');
      began = performance.now();
      const killing = killWorker(worker);
      void calls[after]?.bye();
      await killing;
      const reborn = await server.watch(users, true);
      watches.push(reborn);
      const stale = () => wrongAt(reborn, parties(after + 1, CALLS), parties(0, after + 1));
      return { right, ended, worker: cellOf(await secondsUntil(began, WATCHED, () => stale().length === 0), stale) };
    } finally {
      for (const watch of watches) watch.close();
      phones.close();
    }
  });
  return await restarted.finally(release);
}

function cellOf(seconds: number | undefined, wrong: () => string[], within = WATCHED): Cell {
  if (seconds !== undefined) return { value: round(seconds) };
  return { value: Number.POSITIVE_INFINITY, text: `not within ${within} s: ${wrong().length} of ${users.length} users wrong` };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
