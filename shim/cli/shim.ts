import type { ReadSettings, SHIM_SETTINGS, ShimSettings } from '../config.ts';
import { ghostLine } from '../ghost.ts';
import { createLog } from '../log.ts';
import { reloadOnRequest } from './reload.ts';
import { listeners, runShim } from './run-shim.ts';
import type { StartShim } from './running.ts';
import { openState } from './state.ts';
import { aborted, EXIT, type Terminal } from './terminal.ts';

/** `offhook shim`: the shim alone, reporting to a deployed Worker. */
export async function shim(
  settings: ShimSettings,
  terminal: Terminal,
  startShim: StartShim,
  reread: () => ReadSettings<typeof SHIM_SETTINGS>,
): Promise<number> {
  const log = createLog(settings.logLevel, terminal.err, Date.now, settings);
  const opened = await openState(settings);
  if (!opened.ok) {
    terminal.err(`offhook shim: ${opened.text}\n`);
    return EXIT.failed;
  }
  try {
    if (/^http:/.test(settings.workerUrl) && !/^http:\/\/(127\.|localhost[:/]|localhost$|\[::1\])/.test(settings.workerUrl)) {
      log.warn('the token travels in clear, as the Worker is not reached by https', { workerUrl: settings.workerUrl });
    }
    const started = await runShim(startShim, { ...settings, stateDir: opened.state.folder }, log);
    if (!started.ok) {
      terminal.err(`offhook shim: ${started.text}\n`);
      return EXIT.failed;
    }
    terminal.out(`${listeners(started.shim)}; site ${settings.site} reports to ${settings.workerUrl}\n${ghostLine(settings)}\n`);
    const own = { stateDir: opened.state.folder };
    reloadOnRequest(terminal, settings, reread, log, (next) => {
      terminal.endWithin?.(next.drainTimeout);
      return started.shim.reload({ ...next, ...own });
    });
    terminal.endWithin?.(settings.drainTimeout);
    await aborted(terminal.ending);
    await started.shim.drain();
    await started.shim.close();
    return EXIT.ok;
  } finally {
    await opened.state.close();
  }
}
