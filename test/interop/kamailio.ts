import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { quietPort } from '../support/port.ts';
import type { Address } from '../support/product.ts';
import { program } from './program.ts';

export interface KamailioOptions {
  /** The name of a file of the folder `kamailio`, without `.cfg`. */
  readonly cfg: string;
  /** Words of the file and what stands for them: `{ HEP_URI: '"sip:127.0.0.1:9060"' }`; a text in double quotes, a number without. */
  readonly defines?: Readonly<Record<string, string | number>>;
  /** The loopback address at which it takes SIP; 127.0.0.1 where none is given. */
  readonly address?: string;
  /** Where it takes SIP, over UDP and TCP; a free port where none is given. The file names no `listen`. */
  readonly port?: number;
}

export interface Kamailio {
  readonly sip: Address;
  /** What it has logged. */
  readonly log: readonly string[];
  /** SIGTERM, to it alone: it ends its children. Resolves when it is gone. */
  close(): Promise<void>;
}

/** How long a start may take, ms. */
const START = 20_000;

/** Starts Kamailio in the foreground; resolves when it listens. What it writes goes to a temporary folder and away at its end. */
export async function startKamailio({ cfg, defines = {}, address = '127.0.0.1', port }: KamailioOptions): Promise<Kamailio> {
  const path = program('kamailio');
  const sip = { address, port: port ?? (await quietPort()) };
  const folder = await mkdtemp(join(tmpdir(), 'kamailio-'));
  const at = `${sip.address}:${sip.port}`;
  const words = Object.entries(defines).flatMap(([name, value]) => ['-A', `${name}=${value}`]);
  const args = ['-f', join(import.meta.dirname, 'kamailio', `${cfg}.cfg`), '-l', `udp:${at}`, '-l', `tcp:${at}`, ...words];
  args.push('-DD', '-E', '-w', folder, '-Y', folder, '-P', join(folder, 'pid'), '-m', '64', '-M', '8', '-N', '1');
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const ended = once(child, 'exit');
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const hex = `:${sip.port.toString(16).toUpperCase().padStart(4, '0')} `;
  // It says nowhere that its children listen; the kernel's tables of sockets do, and it opens TCP last.
  const listens = () => ['udp', 'tcp'].every((name) => readFileSync(`/proc/net/${name}`, 'latin1').includes(hex));
  for (const until = Date.now() + START; !listens(); ) {
    if (child.exitCode !== null || Date.now() > until) {
      await close();
      throw new Error(`kamailio did not start:\n${log.join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { sip, log, close };
}
