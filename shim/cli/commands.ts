import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPLAY_SETTINGS } from '../config/replay.ts';
import type { Values } from '../config/setting.ts';
import { USER_SETTINGS } from '../config/user.ts';
import { WATCH_SETTINGS } from '../config/watch.ts';
import {
  BACKUP_SETTINGS,
  FILE_SETTINGS,
  openFile,
  optionsHelp,
  type ReadSettings,
  readSettings,
  SHIM_SETTINGS,
  START_SETTINGS,
  STATUS_SETTINGS,
  showProblems,
  type Table,
  TOKEN_SETTINGS,
  WORKER_SETTINGS,
} from '../config.ts';
import type { StartShim } from './running.ts';
import { EXIT, type Terminal } from './terminal.ts';
import { USER_ACTIONS } from './user-actions.ts';

/** A command of `offhook`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly settings: Table;
  /** Reads the settings and does it; resolves with the exit code. */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/** The Worker's wrangler.toml: in dist/ it lies beside this file. */
const WRANGLER = ['wrangler.toml', '../../wrangler.toml']
  .map((path) => join(import.meta.dirname, path))
  .find((path) => existsSync(path)) as string;

// What a command needs is loaded when it runs, so that `token` and `--help` answer at once.
const startShim: StartShim = async (settings, log) => (await import('../shim.ts')).startShim(settings, log);

/** Every command, in the order of `--help`. */
export const COMMANDS: { readonly [name: string]: Command } = {
  start: command(
    'the whole product on this machine: Worker, wallboard and shim (npm start)',
    START_SETTINGS,
    async (settings, terminal, reread) => (await import('./start.ts')).start(settings, terminal, startShim, WRANGLER, reread),
  ),
  shim: command('the SIP shim alone, reporting to a deployed Worker', SHIM_SETTINGS, async (settings, terminal, reread) =>
    (await import('./shim.ts')).shim(settings, terminal, startShim, reread),
  ),
  status: command(
    'what the shim of a state folder, or at a port, holds and whether it is well',
    STATUS_SETTINGS,
    async (settings, terminal) => (await import('./status.ts')).status(settings, terminal),
  ),
  worker: command('the Worker alone on this machine, for shims elsewhere', WORKER_SETTINGS, async (settings, terminal) =>
    (await import('./worker.ts')).worker(settings, terminal, WRANGLER),
  ),
  backup: folderCommand('copy the store of a Worker on this machine, which may go on meanwhile: offhook backup FOLDER', 'backup'),
  restore: folderCommand('put such a copy into a state folder without a store: offhook restore FOLDER', 'restore'),
  token: command('make an access token', TOKEN_SETTINGS, async (settings, terminal) =>
    (await import('./token.ts')).token(settings, terminal),
  ),
  watch: command(
    'print who is what, then every change, as it is: offhook watch --domain example.com',
    WATCH_SETTINGS,
    async (settings, terminal) => (await import('./watch.ts')).watch(settings, terminal),
  ),
  replay: replayCommand('a capture (pcap, pcapng) or text trace in, the presence timeline out: offhook replay FILE'),
  user: userCommand('add, remove or list users and their passwords: offhook user add alice@example.com <password.txt'),
};

/** `offhook replay FILE`: the file stands before the options. */
function replayCommand(summary: string): Command {
  return {
    summary,
    settings: REPLAY_SETTINGS,
    async run([file, ...rest], terminal) {
      if (file === undefined || file.startsWith('-')) {
        terminal.err('offhook replay: a file is needed first: offhook replay FILE --domains example.com\n');
        return EXIT.usage;
      }
      const read = readSettings(REPLAY_SETTINGS, rest, terminal.env);
      if (read.ok) return (await import('./replay.ts')).replay(file, read.settings, terminal);
      terminal.err(`${showProblems(read.problems)}\n`);
      return EXIT.usage;
    },
  };
}

/** `offhook backup FOLDER` and `offhook restore FOLDER`: the folder stands before the options. */
function folderCommand(summary: string, name: 'backup' | 'restore'): Command {
  return {
    summary,
    settings: BACKUP_SETTINGS,
    async run([folder, ...rest], terminal) {
      if (folder === undefined || folder.startsWith('-')) {
        terminal.err(`offhook ${name}: a folder is needed first: offhook ${name} FOLDER\n`);
        return EXIT.usage;
      }
      const read = readSettings(BACKUP_SETTINGS, rest, terminal.env, { open: openFile, rows: FILE_SETTINGS });
      if (read.ok) return (await import('./backup.ts'))[name](folder, read.settings, terminal);
      terminal.err(`${showProblems(read.problems)}\n`);
      return EXIT.usage;
    },
  };
}

/** `offhook user ACTION [user@domain]`: the two words stand before the options. */
function userCommand(summary: string): Command {
  return {
    summary,
    settings: USER_SETTINGS,
    async run(args, terminal) {
      const action = USER_ACTIONS.find((name) => name === args[0]);
      const address = action === undefined || action === 'list' ? '' : args[1];
      if (action === undefined || address === undefined || address.startsWith('-')) {
        terminal.err(
          `offhook user: one of ${USER_ACTIONS.join(', ')} is needed, and the user: offhook user add alice@example.com\n`,
        );
        return EXIT.usage;
      }
      const read = readSettings(USER_SETTINGS, args.slice(action === 'list' ? 1 : 2), terminal.env);
      if (read.ok) return (await import('./user.ts')).user(action, address, read.settings, terminal);
      terminal.err(`${showProblems(read.problems)}\n`);
      return EXIT.usage;
    },
  };
}

function command<const T extends Table>(
  summary: string,
  settings: T,
  act: (settings: Values<T>, terminal: Terminal, reread: () => ReadSettings<T>) => Promise<number>,
): Command {
  return {
    summary,
    settings,
    async run(args, terminal) {
      const reread = () => readSettings(settings, args, terminal.env, { open: openFile, rows: FILE_SETTINGS });
      const read = reread();
      if (read.ok) return act(read.settings, terminal, reread);
      terminal.err(`${showProblems(read.problems)}\n`);
      return EXIT.usage;
    },
  };
}

/** `offhook --help`. */
export function usage(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: offhook <command> [options]\n\nCommands:\n${lines.join('\n')}\n\noffhook <command> --help tells the options of a command.\n`;
}

/** `offhook <command> --help`. */
export function commandHelp(name: string, { summary, settings }: Command): string {
  const note = "Every --some-option can be given as OFFHOOK_SOME_OPTION in the environment too, but for the token's own.";
  return `Usage: offhook ${name} [options]\n\n${summary[0]?.toUpperCase()}${summary.slice(1)}.\n\n${optionsHelp(settings)}\n\n${note}\n`;
}
