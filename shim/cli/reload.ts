import { flagName } from '../config/setting.ts';
import { changesOf, type ReadSettings, reloaded, showProblems, type Table } from '../config.ts';
import type { AdjustableLog, LogLevel, LogStyle } from '../log.ts';
import type { Terminal } from './terminal.ts';

/**
 * At each request to reload, reads the settings again. Where anything is wrong, all problems are logged and nothing changes; else `apply` is
 * given the settings to go on by, and what takes effect only at the next start is named in the log.
 */
export function reloadOnRequest<T extends { readonly logLevel: LogLevel } & LogStyle>(
  terminal: Terminal,
  start: T,
  reread: () => { readonly ok: true; readonly settings: T } | Extract<ReadSettings<Table>, { ok: false }>,
  log: AdjustableLog,
  apply: (settings: T) => readonly string[],
): void {
  let current = start;
  terminal.onReload?.(() => {
    const read = reread();
    if (!read.ok) {
      for (const problem of read.problems) log.error('the configuration stays as it was', { problem: showProblems([problem]) });
      return;
    }
    const { live, restart } = changesOf(current, read.settings);
    const next = reloaded(current, read.settings);
    const problems = apply(next);
    for (const problem of problems) log.error('the configuration stays as it was', { problem });
    if (problems.length > 0) return;
    current = next;
    log.adjust(current.logLevel, current);
    const names = (keys: readonly string[]) => (keys.length === 0 ? undefined : keys.map(flagName).join(','));
    log.info('configuration read again', { changed: names(live) ?? 'nothing' });
    if (restart.length > 0) log.warn('some settings need a restart to take effect', { settings: names(restart) });
  });
}
