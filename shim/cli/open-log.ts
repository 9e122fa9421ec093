import { type BurstStyle, type LimitedLog, limitedLog } from '../log/burst.ts';
import { createLog, type LogLevel, type LogStyle } from '../log.ts';

/** The log of a command, as its settings want it. */
export function openLog(
  settings: LogStyle & BurstStyle & { readonly logLevel: LogLevel },
  write: (line: string) => void,
): LimitedLog {
  const log = createLog(settings.logLevel, write, Date.now, settings);
  return limitedLog(log, settings, (ms, done) => setTimeout(done, ms).unref());
}
