import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietPort } from '../support/port.ts';
import { program } from './program.ts';

export interface BaresipOptions {
  /** Address of record without scheme: `alice@example.com`. */
  readonly aor: string;
  /** Where it registers and calls: `127.0.0.1:5060;transport=udp`. */
  readonly proxy: string;
  /** Answers every call by itself. */
  readonly answers?: boolean;
  readonly password?: string;
  /** Seconds. */
  readonly expires?: number;
  /** Further lines of its configuration. */
  readonly config?: readonly string[];
}

/** The telephone baresip (libre), without sound, driven over its control port. */
export interface Baresip {
  /** Everything that it wrote. */
  readonly output: () => string;
  /** A command as a person would give it: `dial sip:bob@example.com`, `hold`, `resume`, `hangup`. Resolves when it has been taken. */
  command(name: string, params?: string): Promise<void>;
  /** De-registers and ends. */
  close(): Promise<void>;
  /** Is gone at once, without a word to anybody. */
  kill(): Promise<void>;
}

const MODULES = '/usr/lib/baresip/modules';

/** Starts it; it registers by itself. */
export async function startBaresip(options: BaresipOptions): Promise<Baresip> {
  const folder = await mkdtemp(join(tmpdir(), 'baresip-'));
  const control = await quietPort();
  const account = [
    `<sip:${options.aor};transport=${/transport=(\w+)/.exec(options.proxy)?.[1] ?? 'udp'}>`,
    `outbound="sip:${options.proxy}"`,
    `regint=${options.expires ?? 600}`,
    ...(options.answers ? ['answermode=auto'] : []),
    ...(options.password === undefined ? [] : [`auth_user=${options.aor.split('@')[0]}`, `auth_pass=${options.password}`]),
  ];
  const config = [
    `module_path ${MODULES}`,
    'module g711.so',
    'module aubridge.so',
    'module_tmp account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    `sip_listen 127.0.0.1:${await quietPort()}`,
    'audio_player aubridge,out',
    'audio_source aubridge,in',
    'audio_alert aubridge,alert',
    ...(options.config ?? []),
  ];
  await writeFile(join(folder, 'config'), `${config.join('\n')}\n`);
  await writeFile(join(folder, 'accounts'), `${account.join(';')}\n`);
  const child = spawn(program('baresip'), ['-f', folder, '-v'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const ended = exited.then(() => {
    throw new Error(`baresip ended:\n${output}`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([opened(control), ended]);
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
  return {
    output: () => output,
    command: (name, params) => Promise.race([command(control, name, params), ended]),
    close: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** Resolves when something listens at that port. */
async function opened(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`baresip does not listen at its control port ${port}`);
}

/** One command as a netstring of JSON; the answer comes in the same form. */
async function command(port: number, name: string, params = ''): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const text = JSON.stringify({ command: name, params, token: '1' });
  socket.setEncoding('utf8');
  let answer = '';
  const answered = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.includes('"response":true')) resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`baresip closed its control port: ${answer}`)));
  });
  socket.write(`${text.length}:${text},`);
  await answered;
  socket.destroy();
  if (!answer.includes('"ok":true')) throw new Error(`baresip did not ${name}: ${answer}`);
}
