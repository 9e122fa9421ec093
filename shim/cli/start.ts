import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ReadSettings, START_SETTINGS, StartSettings } from '../config.ts';
import { makeSecret, ownSecret, previousSecret } from '../embedded/secret.ts';
import { hostPort, reachable, startEmbedded } from '../embedded/worker.ts';
import { ghostLine } from '../ghost.ts';
import { createLog } from '../log.ts';
import { makeToken } from './make-token.ts';
import { reloadOnRequest } from './reload.ts';
import { runShim, sipAddresses } from './run-shim.ts';
import type { RunningShim, StartShim } from './running.ts';
import { openState } from './state.ts';
import { aborted, EXIT, type Terminal } from './terminal.ts';

/** The token that `npm start` prints is good for so long, ms. */
const READ_TOKEN_LIFE = 30 * 86_400_000;

/** `offhook start` (`npm start`): the whole product on one machine. `wrangler` is the Worker's wrangler.toml. */
export async function start(
  settings: StartSettings,
  terminal: Terminal,
  startShim: StartShim,
  wrangler: string,
  reread: () => ReadSettings<typeof START_SETTINGS>,
): Promise<number> {
  const opened = await openState(settings);
  if (!opened.ok) return fail(terminal, opened.text);
  try {
    return await run(settings, opened.state.folder, terminal, startShim, wrangler, reread);
  } finally {
    await opened.state.close();
  }
}

async function run(
  settings: StartSettings,
  folder: string,
  terminal: Terminal,
  startShim: StartShim,
  wrangler: string,
  reread: () => ReadSettings<typeof START_SETTINGS>,
): Promise<number> {
  const log = createLog(settings.logLevel, terminal.err, Date.now, settings);
  const secret = await secretOf(settings, folder);
  if (!secret.ok) return fail(terminal, secret.text);
  const embedded = await startEmbedded({
    wrangler,
    folder: join(folder, 'worker'),
    host: settings.httpHost,
    port: settings.httpPort,
    secret: secret.secret,
    secretPrevious: settings.secretPrevious ?? (await previousSecret(folder)),
    vars: settings.workerVars,
    log,
  });
  if (!embedded.ok) return fail(terminal, embedded.text);
  const { worker } = embedded;
  try {
    const token = (scope: 'ingest' | 'read', more: { site?: string; expires?: number }) =>
      makeToken(
        { scope: [scope], domain: '*', detail: 'full', subject: 'npm start', ...more },
        secret.secret,
        Date.now(),
        randomUUID(),
      );
    const own = { stateDir: folder, workerUrl: worker.url, token: await token('ingest', { site: settings.site }) };
    const started = await runShim(startShim, { ...settings, ...own }, log);
    if (!started.ok) return fail(terminal, started.text);
    const read = await token('read', { expires: READ_TOKEN_LIFE });
    const kept = settings.noPersistence ? undefined : settings.stateDir;
    terminal.out(`${greeting(settings, worker.url, read, started.shim, kept)}${ghostLine({ ...settings, ...own })}.\n`);
    reloadOnRequest(terminal, settings, reread, log, (next) => {
      terminal.endWithin?.(next.drainTimeout);
      return started.shim.reload({ ...next, ...own });
    });
    terminal.endWithin?.(settings.drainTimeout);
    await aborted(terminal.ending);
    await started.shim.drain();
    // The Worker goes last: what the shim has to tell at its end is stored then.
    await started.shim.close();
    return EXIT.ok;
  } finally {
    await worker.close();
  }
}

async function secretOf(settings: StartSettings, folder: string): ReturnType<typeof ownSecret> {
  if (settings.secret !== undefined) return { ok: true, secret: settings.secret };
  return settings.noPersistence ? { ok: true, secret: makeSecret() } : ownSecret(folder);
}

/** What `npm start` prints once all is up. `stateDir` is undefined where nothing is kept. */
export function greeting(
  settings: Pick<StartSettings, 'domains'>,
  url: string,
  token: string,
  shim: Pick<RunningShim, 'addresses'>,
  stateDir: string | undefined,
): string {
  const domain = settings.domains[0] as string;
  const sip = shim.addresses[0];
  const server = sip === undefined ? '' : hostPort(reachable(sip.address), sip.port);
  return `
Offhook is running.

  Wallboard   ${url}/#token=${token}&domain=${encodeURIComponent(domain)}
  SIP         ${sipAddresses(shim.addresses).join('\n              ')}

Point a softphone at it: server ${server}, domain ${domain}, any user name, no password.
Who is on the phone (the token reads for 30 days):

  curl -H 'Authorization: Bearer ${token}' ${url}/v1/domains/${encodeURIComponent(domain)}/presence

${stateDir === undefined ? 'Nothing is kept after the end.' : `State is kept in ${stateDir}.`} Ctrl-C ends it.
`;
}

function fail(terminal: Terminal, text: string): number {
  terminal.err(`offhook start: ${text}\n`);
  return EXIT.failed;
}
