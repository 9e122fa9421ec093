import { createRedaction } from './log/redact.ts';

/** One line a message; `fields` say the particulars. A log never throws and never carries a token. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = { readonly [name: string]: string | number | boolean | undefined };
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** How a log writes. */
export interface LogStyle {
  /** Text is logfmt, for people; JSON is one object a line. */
  readonly logFormat: 'text' | 'json';
  /** Tell users by pseudonyms too, or leave out only credentials and tokens, which are never told. */
  readonly logRedact: 'users' | 'secrets';
}

/** A log whose settings can change while it is used. */
export interface AdjustableLog extends Log {
  adjust(level: LogLevel, style: LogStyle): void;
}

/** What the log tells of a defect: where it arose, or what was thrown where that is no error. */
export const traceOf = (error: unknown): string => String((error as Error | undefined)?.stack ?? error);

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * A log that writes lines of `level` and above: `2026-11-22T10:00:00.000Z warn outbox full dropped=3`, or as JSON
 * `{"time":"2026-11-22T10:00:00.000Z","level":"warn","message":"outbox full","dropped":3}`.
 * Control characters in what it is told (all of it may come from the network) are escaped, so one message is one line.
 */
export function createLog(
  level: LogLevel,
  write: (line: string) => void,
  now: () => number,
  style: LogStyle = { logFormat: 'text', logRedact: 'secrets' },
): AdjustableLog {
  const [plain, pseudonyms] = [createRedaction(false), createRedaction(true)];
  let least = LEVELS.indexOf(level);
  let { logFormat, logRedact } = style;
  const at = (own: LogLevel) => {
    const rank = LEVELS.indexOf(own);
    return (message: string, fields: LogFields = {}) => {
      if (rank < least) return;
      const redaction = logRedact === 'users' ? pseudonyms : plain;
      const told: [string, string | number | boolean][] = [];
      for (const [name, value] of Object.entries(fields)) {
        if (value !== undefined) told.push([name, typeof value === 'string' ? redaction.field(name, value) : value]);
      }
      const time = new Date(now()).toISOString();
      const text = redaction.text(message);
      write(`${logFormat === 'json' ? jsonLine(time, own, text, told) : textLine(time, own, text, told)}\n`);
    };
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    adjust(nextLevel, next) {
      least = LEVELS.indexOf(nextLevel);
      ({ logFormat, logRedact } = next);
    },
  };
}

type Told = readonly (readonly [string, string | number | boolean])[];

function textLine(time: string, level: LogLevel, message: string, told: Told): string {
  const tail = told.map(([name, value]) => ` ${name}=${typeof value === 'string' ? quote(value) : value}`).join('');
  return `${time} ${level} ${printable(message)}${tail}`;
}

/** Fields that are named like the head of the line do not replace it. */
function jsonLine(time: string, level: LogLevel, message: string, told: Told): string {
  const line = JSON.stringify({
    ...Object.fromEntries(told.map(([name, value]) => [HEAD.has(name) ? `${name}_` : name, value])),
  });
  const head = JSON.stringify({ time, level, message });
  // C0 is escaped by JSON already.
  return printable(line === '{}' ? head : `${head.slice(0, -1)},${line.slice(1)}`);
}

const HEAD: ReadonlySet<string> = new Set(['time', 'level', 'message']);

function quote(value: string): string {
  return /^[^\s"=\\]+$/.test(value) && printable(value) === value ? value : `"${printable(value.replace(/["\\]/g, '\\$&'))}"`;
}

/** C0, C1 and the line separators of Unicode as escapes. */
function printable(value: string): string {
  return value.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
