import { round } from '../figure.ts';
import type { Step } from './climb.ts';
import type { Lags, Probe } from './probe.ts';
import { cpuOf, droppedAt } from './processes.ts';
import type { Ports, Server, Watch } from './server.ts';
import { type CallLoad, calls, type Load } from './traffic.ts';
import type { Crowd } from './users.ts';

/** Every final state is right within so long after the last call, ms (the target of the comparison). */
export const RIGHT_WITHIN = 5000;
/** Processor time is read so long after the last call, ms: what is told late belongs to it. */
const AFTERMATH = 1000;
/** The users of so many calls, the last ones, are read: those who are told last. */
const LAST = 500;

/** A server under load, and who looks on. */
export interface Scene {
  readonly server: Server;
  readonly crowd: Crowd;
  readonly ports: Ports;
  readonly watch?: { readonly users: readonly string[]; readonly watch: Watch };
  readonly probe?: Probe;
}

export interface LoadStepOptions {
  /** How long after the last call all must be right, ms. */
  readonly within?: number;
  /** All users are read afterwards, not those of the last calls alone. */
  readonly all?: boolean;
  /** Told when there is nothing to do any more but to wait for what was not told in time. */
  readonly waits?: () => void;
}

/** One rate, and what it cost. */
export interface LoadStep extends Step {
  /** s for 1,000 calls; those of the lag probe are calls as well. */
  readonly cpu: { readonly sip: number; readonly presence: number; readonly sipp: number };
  readonly lags: Lags | undefined;
  /** From the last call until watchers had been told all, ms; 0 where that was soon. */
  readonly told: number;
  readonly others: number;
}

/** Puts one rate on a server for some seconds, and looks at all that a watcher was told of it. Calls of an earlier step are none of its matter. */
export async function loadStep(scene: Scene, load: CallLoad, options: LoadStepOptions = {}): Promise<LoadStep> {
  const { server, crowd, ports, watch, probe } = scene;
  const { within = RIGHT_WITHIN, all = false, waits = () => {} } = options;
  const prefix = `${load.callId}-`;
  watch?.watch.seen.forget();
  const before = spent(server);
  const dropped = droppedAt([ports.server]);
  const [result, lags] = await Promise.all([calls(server, crowd, ports, load), probe?.run(load.seconds, within)]);
  const since = () => performance.now() - result.ended;
  const expected = watch && crowd.callsOf(watch.users, result.count, (n) => `${prefix}${n}`);
  const unseen = () => {
    if (!watch || !expected) return [];
    const { seen } = watch.watch;
    const { up, over, expected: of } = seen.missing(expected);
    const busy = seen.busy(prefix);
    return [
      ...(up + over > 0 ? [`${up} answers and ${over} ends of ${of} were not told to the watcher`] : []),
      ...(busy.length > 0 ? [`${busy.length} watched users stay in a call (${busy.slice(0, 3).join(', ')})`] : []),
    ];
  };
  while (since() < AFTERMATH) await pause(50);
  if (unseen().length > 0) waits();
  while (since() < within && unseen().length > 0) await pause(50);
  const told = since() < 2 * AFTERMATH ? 0 : since();
  const wrong = [...unseen(), ...(lags?.failed ?? [])];
  const after = spent(server);
  if (server.wrongOf) {
    const wanted = all ? crowd.names : crowd.lastOf(result.count, LAST);
    let users = await server.wrongOf(wanted, prefix);
    while (users.length > 0 && since() < within) {
      await pause(200);
      users = await server.wrongOf(wanted, prefix);
    }
    if (users.length > 0)
      wrong.push(`${users.length} users read wrong ${within / 1000} s after the end (${users.slice(0, 3).join(', ')})`);
  }
  const lost = droppedAt([ports.server]) - dropped;
  if (lost > 0) wrong.push(`${lost} datagrams found no room at ${server.name}`);
  const total = result.count - result.failed + (lags?.calls ?? 0);
  const perThousand = (seconds: number) => round((seconds * 1000) / total);
  return {
    ...stepOf(result),
    wrong,
    cpu: {
      sip: perThousand(after.sip - before.sip),
      presence: perThousand(after.presence - before.presence),
      sipp: perThousand(result.sipp),
    },
    lags,
    told,
    others: round(result.others),
  };
}

function stepOf({ rate, count, failed, retransmissions, took, ideal, saturated }: Load): Omit<Step, 'wrong'> {
  return { rate, count, failed, retransmissions, took, ideal, saturated };
}

function spent(server: Server): { readonly sip: number; readonly presence: number } {
  const { sip, presence } = server.pids();
  return { sip: cpuOf(sip), presence: cpuOf(presence) };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
