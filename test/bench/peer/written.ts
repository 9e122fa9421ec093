import { rm } from 'node:fs/promises';
import { startWorker } from '../../support/product.ts';
import { round } from '../figure.ts';
import { benchModule, workerVariant } from '../worker-variant.ts';
import { apart, type Context, startServer, withServer } from './context.ts';
import { startOffhook } from './offhook.ts';
import { writtenBy } from './processes.ts';
import type { Row } from './row.ts';
import { REGISTERED_WITHIN } from './series.ts';
import type { Server } from './server.ts';
import { calls, registerCrowd } from './traffic.ts';
import { Crowd } from './users.ts';

const RATE = 50;
const USERS = 200;
/** All is told and written so long after the last call, ms. */
const WITHIN = 10_000;

interface Written {
  readonly sipBytes: number;
  readonly presenceBytes: number;
  readonly sipCommits: number;
  readonly presenceCommits: number;
  readonly failed: readonly string[];
}

/** What a call writes to disk: bytes as the system counts them (pages made dirty), and commits as the programs count them. */
export async function writtenRows(shared: Context): Promise<Row[]> {
  const release = await shared.turns.take();
  try {
    return await inTurn(await apart(shared));
  } finally {
    release();
  }
}

async function inTurn(context: Context): Promise<Row[]> {
  const variant = await workerVariant(({ main, objects }) => [
    `import * as worker from ${JSON.stringify(main)};`,
    `import { counted, fetchCounted } from ${benchModule('counting.ts')};`,
    ...objects.map(({ className }) => `export const ${className} = counted(worker.${className});`),
    'export default { fetch: fetchCounted };',
  ]);
  const worker = await startWorker(undefined, variant.file);
  try {
    const starting = startOffhook({ mode: 'presence', port: context.ports.server }, worker);
    const ours = await withServer(starting, async (server) =>
      measured(context, server, async () => {
        const counters = (await (await fetch(`${worker.url}/counters`)).json()) as Record<string, number>;
        const presence = Object.entries(counters).reduce(
          (sum, [name, value]) => sum + (name.endsWith(' commits') ? value : 0),
          0,
        );
        const { commits } = (await server.shim.status()).counters.disk as { commits: number };
        return { sip: commits, presence };
      }),
    );
    const peer = await withServer(startServer('Kamailio', context, 'presence', { few: true }), async (server) =>
      measured(context, server, async () => ({ sip: 0, presence: 0 })),
    );
    const row = (name: string, unit: string, of: (written: Written) => number): Row => ({
      group: 'written',
      name: `${name} of a call, at ${RATE} calls/s`,
      unit,
      ours: { value: round(of(ours)), ...(ours.failed.length > 0 && { failed: ours.failed }) },
      peer: { value: round(of(peer)), ...(peer.failed.length > 0 && { failed: peer.failed }) },
      note: 'Kamailio is set to keep all in memory; a call that it forgets costs no writing. At higher rates one commit of the shim holds several calls',
    });
    return [
      row('bytes written by the shim', 'bytes', ({ sipBytes }) => sipBytes),
      row('bytes written by the Worker', 'bytes', ({ presenceBytes }) => presenceBytes),
      row('commits of the shim', 'commits', ({ sipCommits }) => sipCommits),
      row("commits of the Worker's objects", 'commits', ({ presenceCommits }) => presenceCommits),
    ];
  } finally {
    await worker.close();
    await rm(variant.folder, { recursive: true, force: true });
  }
}

type Commits = () => Promise<{ readonly sip: number; readonly presence: number }>;

/** `commits` counts since the start at the shim, and since it was asked last at the Worker. */
async function measured({ plan, ports, say }: Context, server: Server, commits: Commits): Promise<Written> {
  const crowd = new Crowd(USERS);
  await registerCrowd(server, crowd, ports, 200);
  await server.settled(REGISTERED_WITHIN);
  const load = (callId: string, count: number) => calls(server, crowd, ports, { rate: RATE, seconds: count / RATE, callId });
  say(`${server.name}: ${plan.written} calls`);
  // The first call of a user makes what later ones find.
  await load('first', crowd.pairs.length);
  await server.settled(WITHIN);
  const begun = await commits();
  const bytes = () => ({ sip: writtenBy(server.pids().sip), presence: writtenBy(server.pids().presence) });
  const before = bytes();
  const { failed, count } = await load('second', plan.written);
  const waiting = await server.settled(WITHIN);
  const after = bytes();
  const ended = await commits();
  return {
    sipBytes: (after.sip - before.sip) / count,
    presenceBytes: (after.presence - before.presence) / count,
    sipCommits: (ended.sip - begun.sip) / count,
    presenceCommits: ended.presence / count,
    failed: [...(failed > 0 ? [`${failed} of ${count} calls failed`] : []), ...waiting],
  };
}
