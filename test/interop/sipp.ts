import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietPort } from '../support/port.ts';
import type { Address } from '../support/product.ts';
import { program } from './program.ts';

export interface SippOptions {
  readonly target: Address;
  /** Where the scenario is; the folder `sipp` beside this file where none is given. */
  readonly folder?: string;
  readonly transport?: 'udp' | 'tcp';
  /** Lines of the injection file: the fields of one call each, taken in turn. */
  readonly fields?: readonly (readonly (string | number)[])[];
  /** Calls to make or to take; by default one for each line of fields. SIPp ends after so many. */
  readonly calls?: number;
  /** Calls a second. */
  readonly rate?: number;
  /** How long a call holds, where the scenario has a pause without a length, ms. */
  readonly hold?: number;
  readonly port?: number;
  /** First CSeq of `[cseq]`. */
  readonly cseq?: number;
  /** Call-IDs become this and the number of the call: the same again in the next run. */
  readonly callId?: string;
  /** The run is ended, as failed, after so long, s. */
  readonly timeout?: number;
  readonly more?: readonly string[];
}

export interface SippResult {
  /** 0 where every call went as the scenario says, null where it was killed. */
  readonly code: number | null;
  readonly successful: number;
  readonly failed: number;
  readonly retransmissions: number;
  readonly errors: string;
}

export interface SippRun {
  readonly port: number;
  readonly process: ChildProcess;
  /** Resolves when it listens (it does so before it sends). */
  readonly listening: Promise<void>;
  readonly ended: Promise<SippResult>;
}

const SCENARIOS = join(import.meta.dirname, 'sipp');

/** Starts SIPp with one of the scenarios of a folder. What it writes goes to a temporary folder and away at its end. */
export async function startSipp(scenario: string, options: SippOptions): Promise<SippRun> {
  const path = program('sipp');
  const folder = await mkdtemp(join(tmpdir(), 'sipp-'));
  const port = options.port ?? (await quietPort());
  const calls = options.calls ?? options.fields?.length ?? 1;
  const args = ['-sf', join(options.folder ?? SCENARIOS, `${scenario}.xml`), '-i', '127.0.0.1', '-p', String(port)];
  args.push('-m', String(calls), '-r', String(options.rate ?? 10), '-d', String(options.hold ?? 200), '-nostdin');
  args.push('-t', options.transport === 'tcp' ? 't1' : 'u1', '-timeout', `${options.timeout ?? 30}s`, '-timeout_error');
  args.push('-trace_err', '-error_file', 'errors.log', '-trace_stat', '-stf', 'stat.csv', '-fd', '1');
  if (options.cseq !== undefined) args.push('-base_cseq', String(options.cseq));
  if (options.callId !== undefined) args.push('-cid_str', `${options.callId}%u`);
  if (options.fields) {
    const lines = ['SEQUENTIAL', ...options.fields.map((line) => line.join(';'))];
    await writeFile(join(folder, 'fields.csv'), `${lines.join('\n')}\n`);
    args.push('-inf', 'fields.csv');
  }
  args.push(...(options.more ?? []), `${options.target.address}:${options.target.port}`);
  const child = spawn(path, args, { cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'exit').then(async ([code]) => {
    const result = resultOf(folder, code as number | null);
    await rm(folder, { recursive: true, force: true });
    return result;
  });
  return { port, process: child, ended, listening: bound(port, options.transport ?? 'udp', child) };
}

/** Runs SIPp to its end. */
export async function runSipp(scenario: string, options: SippOptions): Promise<SippResult> {
  return (await startSipp(scenario, options)).ended;
}

/** A field that answers a challenge (RFC 3261 22), where the scenario has `auth="true"` before it. */
export const credentials = (user: string, password: string): string => `[authentication username=${user} password=${password}]`;

/** The last line of SIPp's statistics, by the names in its first. */
function resultOf(folder: string, code: number | null): SippResult {
  const stat = join(folder, 'stat.csv');
  const lines = existsSync(stat) ? readFileSync(stat, 'utf8').trim().split('\n') : [];
  const names = lines[0]?.split(';') ?? [];
  const last = lines.at(-1)?.split(';') ?? [];
  const figure = (name: string) => Number(last[names.indexOf(name)] ?? 0);
  const errors = readdirSync(folder)
    .filter((name) => name.startsWith('errors'))
    .map((name) => readFileSync(join(folder, name), 'utf8').slice(0, 4000));
  return {
    code,
    successful: figure('SuccessfulCall(C)'),
    failed: figure('FailedCall(C)'),
    retransmissions: figure('Retransmissions(C)'),
    errors: errors.join('\n'),
  };
}

/** SIPp says nowhere that it listens; the kernel's table of sockets does. Looked at until it ends or 10 s have passed. */
async function bound(port: number, transport: 'udp' | 'tcp', child: ChildProcess): Promise<void> {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let tries = 0; tries < 1000 && child.exitCode === null; tries++) {
    if (readFileSync(`/proc/net/${transport}`, 'latin1').includes(hex)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
