import { quietPort } from '../../support/port.ts';
import type { RunningWorker } from '../../support/product.ts';
import { startKamailio } from './kamailio.ts';
import { type OffhookServer, startOffhook } from './offhook.ts';
import type { Plan } from './plan.ts';
import type { Row } from './row.ts';
import type { Mode, Ports, Server, ServerOptions } from './server.ts';
import type { Turns } from './turns.ts';

/** What every measurement is given. */
export interface Context {
  readonly plan: Plan;
  readonly ports: Ports;
  /** Whatever runs beside other measurements loads the machine in its turn alone. */
  readonly turns: Turns;
  /** The one Worker behind whatever needs no Worker of its own. */
  readonly worker: () => Promise<RunningWorker>;
  /** Told how many cores others on the machine took while load ran. */
  readonly others: (cores: number) => void;
  readonly say: (text: string) => void;
}

/** Measures one or more groups. */
export type Measure = (context: Context) => Promise<Row[]>;

/** In the order in which they are measured. */
export const SIDES = ['Offhook', 'Kamailio'] as const;

/** Ports that nobody listens at. */
export async function quietPorts(): Promise<Ports> {
  const [server = 0, callers = 0, callees = 0, registering = 0] = await Promise.all(Array.from({ length: 4 }, quietPort));
  return { server, callers, callees, registering };
}

/** At ports of its own: it runs beside others. */
export const apart = async (context: Context): Promise<Context> => ({ ...context, ports: await quietPorts() });

/** Starts one of the two. */
export async function startServer(
  side: Server['name'],
  { plan, ports, worker }: Context,
  mode: Mode,
  more: Partial<ServerOptions> = {},
): Promise<Server> {
  const options = { mode, port: ports.server, ...more };
  if (side === 'Kamailio') return await startKamailio(options, plan.shared);
  const alone = mode !== 'presence' || options.few || options.watchful || options.lean;
  return await startOffhook(options, alone ? undefined : await worker());
}

/** Runs something with a server, and ends it whatever becomes of that. */
export async function withServer<S extends Server | OffhookServer, T>(
  starting: Promise<S>,
  work: (server: S) => Promise<T>,
): Promise<T> {
  const server = await starting;
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}
