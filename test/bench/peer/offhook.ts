import { join } from 'node:path';
import { LIMITS, type PresenceDocument } from '#protocol';
import { type RunningWorker, startWorker } from '../../support/product.ts';
import { Reader } from '../../support/reader.ts';
import { until } from '../../support/until.ts';
import { Watcher } from '../../support/watcher.ts';
import { type ForkedShim, forkShim } from '../shim.ts';
import { startSink } from '../sink.ts';
import type { Server, ServerOptions, Watch } from './server.ts';
import { type CallState, Sightings } from './sightings.ts';

const DOMAIN = '127.0.0.1';
/** At the highest rates transactions that are over fill the default, and calls would be refused. */
const LOAD = ['--max-transactions=1000000', '--max-dialogs=100000'];
/** The least that the settings take. */
const WATCHFUL = ['--probe-interval=10s', '--probe-tries=2', '--probe-retry=1s', '--min-expires=1s'];
/** What is over is over soon: transactions are not to count as memory of bindings and calls. */
const LEAN = ['--t1=50ms'];

/** Ours: the shim in a process of its own, and behind it the Worker on workerd, or a sink where presence is not looked at. */
export interface OffhookServer extends Server {
  /** Undefined where there is a sink. */
  readonly worker: RunningWorker | undefined;
  readonly shim: ForkedShim;
}

/** How many shims were started: each has a disk of its own, since calls that one has left would be asked whether they live in the next one's load. */
let starts = 0;

/**
 * Where a Worker is given, it is gone on with, and not closed: users whose objects are made once are not made for each measurement. Else it
 * begins with nothing, as the shim always does; what a shim before told and this one knows nothing of ends in the Worker when they are compared.
 */
export async function startOffhook(options: ServerOptions, kept?: RunningWorker): Promise<OffhookServer> {
  const worker = options.mode === 'presence' ? (kept ?? (await startWorker())) : undefined;
  const behind = worker ?? (await startSink());
  const end = async () => {
    if (behind !== kept) await behind.close();
  };
  starts += 1;
  const flags = [
    `--sip-port=${options.port}`,
    `--domains=${DOMAIN}`,
    '--site=bench',
    `--state-dir=${join(behind.folder, `shim${starts}`)}`,
    ...LOAD,
    ...(options.watchful ? WATCHFUL : []),
    ...(options.lean ? LEAN : []),
  ];
  let shim: ForkedShim;
  try {
    shim = await forkShim(behind, flags);
  } catch (error) {
    await end();
    throw error;
  }
  let killed = false;
  return {
    name: 'Offhook',
    worker,
    get shim() {
      return shim;
    },
    sip: { address: '127.0.0.1', port: options.port },
    pids() {
      const workerd = worker?.embedded.pid();
      return { sip: [shim.pid], presence: workerd === undefined ? [] : [workerd] };
    },
    async watch(users) {
      if (worker === undefined) throw new Error('nothing to watch behind a sink');
      return await watched(worker, users);
    },
    async settled(within) {
      const waiting = async () => {
        const { outbox, lease } = await shim.status();
        return [
          ...(outbox.pending > 0 ? [`${outbox.pending} updates still wait for the Worker`] : []),
          ...(worker && lease !== 'held' ? [`how this site stands with the Worker: ${lease ?? 'not known yet'}`] : []),
        ];
      };
      await until('nothing waits', async () => (await waiting()).length === 0, within).catch(() => {});
      return await waiting();
    },
    ...(worker && {
      async wrongOf(users: readonly string[], prefix?: string) {
        const reader = new Reader(worker.url, await worker.token('read'));
        const documents = await reader.query(users.map(aorOf));
        return users.flatMap((user, n) => {
          const found = documents[n];
          const isRight =
            prefix === undefined
              ? found?.status === 'available' && found.callStatus === 'idle'
              : found?.terminalStatus === 'online' && !found.stale && !found.calls.some((call) => isOpen(call, prefix));
          return isRight ? [] : [`${user} ${found?.status ?? 'unknown'}`];
        });
      },
    }),
    async live() {
      const { heapUsed, external } = await shim.report();
      return heapUsed + external;
    },
    bindings: async () => (await shim.status()).bindings,
    async kill() {
      killed = true;
      await shim.kill();
    },
    async restart() {
      shim = await forkShim(behind, flags);
      killed = false;
    },
    async close() {
      if (!killed) await shim.close();
      await end();
    },
  };
}

const isOpen = ({ callId = '', state }: PresenceDocument['calls'][number], prefix: string): boolean =>
  callId.startsWith(prefix) && STATES[state] !== 'over';

const aorOf = (user: string): string => `sip:${user}@${DOMAIN}`;
const userOf = (aor: string): string => aor.slice('sip:'.length, aor.indexOf('@'));

/** By users as far as one WebSocket takes so many, else the whole domain. */
async function watched(worker: RunningWorker, users: readonly string[]): Promise<Watch> {
  const query = users.length <= LIMITS.watchUsers ? users.map((user) => `user=${aorOf(user)}`).join('&') : `domain=${DOMAIN}`;
  const watcher = await Watcher.connect(worker.url, await worker.token('read'), query);
  const seen = new Sightings();
  const take = (presence: PresenceDocument) => {
    const user = userOf(presence.user);
    seen.calls(user, new Map(presence.calls.map(({ callId = '', state }) => [callId, STATES[state] ?? 'early'])));
    seen.registered(user, presence.terminalStatus === 'online' && !presence.stale);
  };
  watcher.onChange = ({ presence }) => take(presence);
  for (const user of users) {
    const presence = watcher.latest(aorOf(user));
    if (presence) take(presence);
  }
  return { seen, close: () => watcher.close() };
}

const STATES: Readonly<Record<string, CallState>> = { confirmed: 'up', terminating: 'over' };
