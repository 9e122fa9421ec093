/** One line a message; `fields` say the particulars. A log never throws and never carries a token. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = { readonly [name: string]: string | number | boolean | undefined };
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What the log tells of a defect: where it arose, or what was thrown where that is no error. */
export const traceOf = (error: unknown): string => String((error as Error | undefined)?.stack ?? error);

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * A log that writes logfmt lines of `level` and above: `2026-11-22T10:00:00.000Z warn outbox full dropped=3`.
 * Control characters in what it is told (all of it may come from the network) are escaped, so one message is one line.
 */
export function createLog(level: LogLevel, write: (line: string) => void, now: () => number): Log {
  const at =
    (own: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return;
      const told = Object.entries(fields).filter(([, value]) => value !== undefined);
      const tail = told.map(([name, value]) => ` ${name}=${typeof value === 'string' ? quote(value) : value}`).join('');
      write(`${new Date(now()).toISOString()} ${own} ${printable(message)}${tail}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function quote(value: string): string {
  return /^[^\s"=\\]+$/.test(value) && printable(value) === value ? value : `"${printable(value.replace(/["\\]/g, '\\$&'))}"`;
}

/** C0, C1 and the line separators of Unicode as escapes. */
function printable(value: string): string {
  return value.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
