import type { AdjustableLog, LogFields, LogLevel, LogStyle } from '../log.ts';

/** Lines of a message are counted over so long, ms. */
export const BURST_WINDOW = 10_000;
/** Messages that are counted; what more there are in one window, as no program writes them, are not limited. */
const MESSAGES = 1000;

export interface BurstStyle {
  /** So many lines of one message are written within `BURST_WINDOW`. */
  readonly logBurst: number;
}

/** A log that can be told anew how much of one message it writes. */
export interface LimitedLog extends AdjustableLog {
  adjust(level: LogLevel, style: LogStyle & BurstStyle): void;
}

interface Count {
  readonly level: LogLevel;
  lines: number;
  left: number;
}

/**
 * A log that writes no more than some lines of one message in a stretch of time, and at its end in one line how many more there were: thousands of
 * users whose state a lost disk took are one event. What is at level debug traces what happens, and is never left out.
 * `later` calls back after so many ms; a process that ends need not wait for it.
 */
export function limitedLog(
  log: AdjustableLog,
  { logBurst }: BurstStyle,
  later: (ms: number, done: () => void) => void,
): LimitedLog {
  let most = logBurst;
  let counts = new Map<string, Count>();
  const end = () => {
    const over = counts;
    counts = new Map();
    for (const [message, { level, left }] of over) {
      if (left > 0) log[level]('more lines of one message were left out', { of: message, lines: left });
    }
  };
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (counts.size === 0) later(BURST_WINDOW, end);
    const count = counts.get(message) ?? { level, lines: 0, left: 0 };
    if (counts.size < MESSAGES) counts.set(message, count);
    count.lines += 1;
    if (count.lines > most) count.left += 1;
    else log[level](message, fields);
  };
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    adjust(level, style) {
      most = style.logBurst;
      log.adjust(level, style);
    },
  };
}
