/** The shim as a process of its own for the bench: flags as `offhook shim`; tells its parent of its memory and state when asked. */
import { readSettings, SHIM_SETTINGS, showProblems } from '../../shim/config.ts';
import { createLog } from '../../shim/log.ts';
import { startShim } from '../../shim/shim.ts';
import type { ShimReport } from './shim.ts';

const settings = readSettings(SHIM_SETTINGS, process.argv.slice(2), process.env);
if (!settings.ok) throw new Error(showProblems(settings.problems));
const log = createLog(settings.settings.logLevel, (line) => process.stderr.write(line), Date.now);
const shim = await startShim(settings.settings, log);

process.on('message', (asked) => {
  if (asked === 'status') {
    process.send?.(shim.status());
    return;
  }
  // As in need of memory: what is free is given back to the system, so that RSS tells what is held.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const { rss, heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const report: ShimReport = { rss, heapUsed, external, resources, status: shim.status() };
  process.send?.(report);
});
process.once('disconnect', () => void shim.close().then(() => process.exit(0)));
process.send?.(shim.addresses);
