import { join } from 'node:path';
import type { WorkerSettings } from '../config.ts';
import { ownSecret, previousSecret } from '../embedded/secret.ts';
import { startEmbedded } from '../embedded/worker.ts';
import { createLog } from '../log.ts';
import { openState } from './state.ts';
import { aborted, EXIT, type Terminal } from './terminal.ts';

/**
 * `offhook worker`: the Worker alone on a workerd of this machine, for shims elsewhere. `wrangler` is the Worker's wrangler.toml. The secret is
 * that of the environment, else the one in the state folder, which is made at the first start.
 */
export async function worker(settings: WorkerSettings, terminal: Terminal, wrangler: string): Promise<number> {
  const opened = await openState({ ...settings, noPersistence: false });
  if (!opened.ok) return fail(terminal, opened.text);
  const { folder, close } = opened.state;
  try {
    const own = settings.secret === undefined ? await ownSecret(folder) : ({ ok: true, secret: settings.secret } as const);
    if (!own.ok) return fail(terminal, own.text);
    const log = createLog(settings.logLevel, terminal.err, Date.now, settings);
    const secretPrevious = settings.secretPrevious ?? (await previousSecret(folder));
    const place = { folder: join(folder, 'worker'), host: settings.httpHost, port: settings.httpPort };
    const started = await startEmbedded({
      wrangler,
      ...place,
      vars: settings.workerVars,
      secret: own.secret,
      secretPrevious,
      log,
    });
    if (!started.ok) return fail(terminal, started.text);
    terminal.out(`The Worker runs at ${started.worker.url}; state is kept in ${folder}.\n`);
    await aborted(terminal.ending);
    await started.worker.close();
    return EXIT.ok;
  } finally {
    await close();
  }
}

function fail(terminal: Terminal, text: string): number {
  terminal.err(`offhook worker: ${text}\n`);
  return EXIT.failed;
}
