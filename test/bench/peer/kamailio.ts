import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { until } from '../../support/until.ts';
import { DialogWatch } from './dialog-watch.ts';
import { schemaFiles } from './needs.ts';
import { family, memoryLeft } from './processes.ts';
import type { Server, ServerOptions } from './server.ts';

/** Until it answers its control commands, ms: it touches all its memory first. */
const START = 40_000;
const CHILDREN = 2;
/** Shared memory where there is little load, MiB. */
const SMALL = 512;
const PRIVATE = 64;
const BUFFER = 4 * 1024 * 1024;
const MIB = 1024 * 1024;

/** Every Kamailio that runs, and their folders: both are gone with this process whatever happens. */
const running = new Set<number>();
const folders = new Set<string>();
process.once('exit', () => {
  for (const pid of [...running].flatMap(family).reverse()) end(pid);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Starts Kamailio as kamailio.cfg says, with so much shared memory, MiB; where less than twice that is free, with half of what is. */
export async function startKamailio(options: ServerOptions, shared: number): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'kamailio-'));
  folders.add(folder);
  const sip = { address: '127.0.0.1', port: options.port };
  const control = (...command: string[]) =>
    execFileSync('kamcmd', ['-s', `unix:${join(folder, 'ctl')}`, ...command], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    });
  let child = await started(folder, options, shared, control);
  const pid = () => child.pid as number;
  const kill = async () => {
    const ended = once(child, 'exit');
    // The first one is killed last: it would end the others in its own time.
    for (const one of family(pid()).reverse()) end(one);
    await ended;
    running.delete(pid());
  };
  return {
    name: 'Kamailio',
    sip,
    pids: () => ({ sip: family(pid()), presence: [] }),
    watch: (users, registrations = false) => DialogWatch.open(sip, users, registrations),
    settled: async () => [],
    live: async () => bytesOf(/\bused: (-?\d+)/.exec(control('core.shmmem'))?.[1]),
    bindings: async () => Number(/location_contacts = (\d+)/.exec(control('stats.get_statistics', 'usrloc:'))?.[1]),
    kill,
    async restart() {
      child = await started(folder, options, shared, control);
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function started(
  folder: string,
  { mode, port, few, watchful, lean }: ServerOptions,
  shared: number,
  control: (...command: string[]) => string,
): Promise<ChildProcess> {
  const database = join(folder, 'kamailio.sqlite');
  await rm(database, { force: true });
  const db = new DatabaseSync(database);
  for (const file of schemaFiles()) db.exec(readFileSync(file, 'utf8'));
  db.close();
  await rm(join(folder, 'ctl'), { force: true });
  const small = few === true || watchful === true || lean === true;
  const memory = small ? SMALL : Math.min(shared, Math.floor(memoryLeft() / MIB / 2));
  const words = [
    `SELF="sip:127.0.0.1:${port}"`,
    `CTL="unix:${join(folder, 'ctl')}"`,
    `DATABASE="sqlite:///${database}"`,
    `CHILDREN=${CHILDREN}`,
    ...(mode === 'dialog' ? ['WITH_DIALOG'] : mode === 'presence' ? ['WITH_PRESENCE'] : []),
    ...(watchful ? ['WITH_KEEPALIVE'] : []),
    // Page faults are paid at the start; not where its memory is looked at.
    ...(small ? [] : ['WITH_PREFAULT']),
  ];
  const args = ['-f', join(import.meta.dirname, 'kamailio.cfg'), '-l', `udp:127.0.0.1:${port}`, '-DD', '-E'];
  args.push('-w', folder, '-Y', folder, '-P', join(folder, 'pid'), '-b', String(BUFFER), '-x', 'tlsf', '-X', 'tlsf');
  args.push('-m', String(memory), '-M', String(PRIVATE), ...words.flatMap((word) => ['-A', word]));
  const child = spawn('kamailio', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child.pid as number);
  // Of what it complains, the end is enough: it may complain of every call.
  let log = '';
  child.stderr?.on('data', (data) => {
    log = (log + data).slice(-4000);
  });
  const answers = () => {
    if (child.exitCode !== null) throw new Error('it has ended');
    try {
      return control('core.uptime') !== '';
    } catch {
      return false;
    }
  };
  await until('kamailio answers', answers, START).catch((error: Error) => {
    throw new Error(`kamailio did not start: ${error.message}\n${log}`);
  });
  return child;
}

/** kamcmd prints numbers of 32 bits with a sign. */
function bytesOf(text = ''): number {
  const value = Number(text);
  return value < 0 ? value + 2 ** 32 : value;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
