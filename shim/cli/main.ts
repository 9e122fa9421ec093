import { isatty } from 'node:tty';
import { COMMANDS, commandHelp, usage } from './commands.ts';
import { readLine } from './input.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** After the signal to end, everything beside what a command says it needs must be over within so long, ms; then the process ends as it is. */
const END_TIMEOUT = 1800;

/** A second signal to end that comes later than this ends the process at once, ms. Ctrl-C under npm brings two: one of the terminal, one of npm. */
const DOUBLED = 500;

/** The command line: runs the command that `args` names, until it is done or a signal ends it. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const signals = takeSignals();
  return dispatch(args, {
    env: process.env,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    input: (prompt) => readLine(prompt, process.stdin),
    ...signals,
  });
}

/** Finds the command and runs it. */
export async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    terminal.out(usage());
    return EXIT.ok;
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (name === undefined || command === undefined) {
    terminal.err(
      `${name === undefined ? 'a command is needed' : `there is no command ${JSON.stringify(name.slice(0, 80))}`}\n\n${usage()}`,
    );
    return EXIT.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(commandHelp(name, command));
    return EXIT.ok;
  }
  return command.run(rest, terminal);
}

/**
 * The first SIGINT or SIGTERM asks to end, as does the death of the process that handed over to this one, or of whoever reads what this one
 * prints; a later one ends at once. SIGHUP
 * asks to read the configuration again, but where it comes since the terminal that this process was started at is gone, it asks to end.
 */
function takeSignals(): Pick<Terminal, 'ending' | 'onReload' | 'endWithin'> {
  const ending = new AbortController();
  const atTerminal = isatty(0);
  let endTimeout = END_TIMEOUT;
  let askedAt = 0;
  let reload: (() => void) | undefined;
  const end = () => {
    if (ending.signal.aborted) {
      if (performance.now() - askedAt > DOUBLED) process.exit(EXIT.failed);
      return;
    }
    askedAt = performance.now();
    ending.abort();
    setTimeout(() => process.exit(EXIT.failed), endTimeout).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
  process.on('SIGHUP', () => {
    if (reload === undefined || (atTerminal && !isatty(0))) end();
    else if (!ending.signal.aborted) reload();
  });
  process.once('disconnect', end);
  // Whoever read has gone, as `head` does: nothing is left to do. Of the log nothing depends.
  process.stdout.on('error', end);
  process.stderr.on('error', () => {});
  process.channel?.unref();
  return {
    ending: ending.signal,
    onReload: (act) => {
      reload = act;
    },
    endWithin: (ms) => {
      endTimeout = END_TIMEOUT + ms;
    },
  };
}
