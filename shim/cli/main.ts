import { COMMANDS, commandHelp, usage } from './commands.ts';
import { readLine } from './input.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** After the signal to end, everything must be over within so long, ms; then the process ends as it is. */
const END_TIMEOUT = 1800;

/** The command line: runs the command that `args` names, until it is done or a signal ends it. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  return dispatch(args, {
    env: process.env,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    input: (prompt) => readLine(prompt, process.stdin),
    ending: endSignal(),
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
 * Aborted by the first SIGINT, SIGTERM or SIGHUP, or when the process that handed over to this one dies. Later ones change
 * nothing: ctrl-C under npm brings two, one of the terminal and one of npm.
 */
function endSignal(): AbortSignal {
  const ending = new AbortController();
  const end = () => {
    if (ending.signal.aborted) return;
    ending.abort();
    setTimeout(() => process.exit(EXIT.failed), END_TIMEOUT).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.once('disconnect', end);
  process.channel?.unref();
  return ending.signal;
}
