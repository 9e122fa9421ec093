import { round } from '../figure.ts';
import type { Step } from './climb.ts';
import type { Lags, Probe } from './probe.ts';
import { cpuOf, droppedAt } from './processes.ts';
import type { Ports, Server, Watch } from './server.ts';
import { type CallLoad, calls, type Load } from './traffic.ts';
import type { Crowd } from './users.ts';

/** Every final state is right within so long after the last call, ms (the target of the comparison). */
const RIGHT_WITHIN = 5000;
/** Processor time is read so long after the last call, ms: what is told late belongs to it. */
const AFTERMATH = { watched: 2000, alone: 1000 };

/** A server under load, and who looks on. */
export interface Scene {
  readonly server: Server;
  readonly crowd: Crowd;
  readonly ports: Ports;
  readonly watch?: { readonly users: readonly string[]; readonly watch: Watch };
  readonly probe?: Probe;
}

/** One rate, and what it cost. */
export interface LoadStep extends Step {
  /** s for 1,000 calls; those of the lag probe are calls as well. */
  readonly cpu: { readonly sip: number; readonly presence: number; readonly sipp: number };
  readonly lags: Lags | undefined;
  readonly others: number;
}

/** Puts one rate on a server for some seconds, and looks at all that a watcher was told of it, `within` so many ms after the last call. */
export async function loadStep(scene: Scene, load: CallLoad, within = RIGHT_WITHIN): Promise<LoadStep> {
  const { server, crowd, ports, watch, probe } = scene;
  watch?.watch.seen.forget();
  const before = spent(server);
  const dropped = droppedAt([ports.server]);
  const [result, lags] = await Promise.all([calls(server, crowd, ports, load), probe?.run(load.seconds)]);
  const ended = performance.now();
  const expected = watch && crowd.callsOf(watch.users, result.count, (n) => `${load.callId}-${n}`);
  const unseen = () => {
    if (!watch || !expected) return [];
    const { seen } = watch.watch;
    const { up, over, expected: of } = seen.missing(expected);
    const busy = seen.busy();
    return [
      ...(up + over > 0 ? [`${up} answers and ${over} ends of ${of} were not told to the watcher`] : []),
      ...(busy.length > 0 ? [`${busy.length} watched users stay in a call (${busy.slice(0, 3).join(', ')})`] : []),
    ];
  };
  while (performance.now() - ended < (unseen().length > 0 ? within : watch ? AFTERMATH.watched : AFTERMATH.alone))
    await pause(50);
  const wrong = [...unseen(), ...(lags?.failed ?? [])];
  const after = spent(server);
  if (server.wrongOf) {
    const left = () => within - (performance.now() - ended);
    let users = await server.wrongOf(crowd.names);
    while (users.length > 0 && left() > 0) {
      await pause(200);
      users = await server.wrongOf(crowd.names);
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
