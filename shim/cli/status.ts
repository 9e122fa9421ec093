import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { statusSocket } from '../admin/server.ts';
import type { Health, ShimStatus } from '../admin/status.ts';
import { showDuration } from '../config/kind.ts';
import type { StatusSettings } from '../config.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** The shim must answer within so long, ms. */
const TIMEOUT = 5000;
/** Longest answer, bytes. */
const LONGEST = 1024 * 1024;

type Where = { readonly socketPath: string } | { readonly host: string; readonly port: number };
type Told = ShimStatus & { readonly health: Health };

/** `offhook status`: asks the running shim. Exit code 0 where all is well, 1 where it is not, or nothing runs. */
export async function status(settings: StatusSettings, terminal: Terminal): Promise<number> {
  const socketPath = statusSocket(settings.stateDir);
  const where: Where = settings.adminPort !== 0 ? { host: settings.adminHost, port: settings.adminPort } : { socketPath };
  const name = 'port' in where ? `at ${where.host} port ${where.port}` : `in the state folder ${settings.stateDir}`;
  if ('socketPath' in where && !existsSync(socketPath)) {
    terminal.err(`offhook status: no shim runs ${name} (--state-dir or --admin-port name another)\n`);
    return EXIT.failed;
  }
  const answer = await ask(where);
  if (!answer.ok) {
    terminal.err(`offhook status: no shim answers ${name}: ${answer.text}\n`);
    return EXIT.failed;
  }
  const { told } = answer;
  terminal.out(settings.json ? `${JSON.stringify(told, undefined, 2)}\n` : show(told));
  return told.health.status === 'failing' ? EXIT.failed : EXIT.ok;
}

function ask(where: Where): Promise<{ ok: true; told: Told } | { ok: false; text: string }> {
  return new Promise((resolve) => {
    const asked = request({ ...where, path: '/status', timeout: TIMEOUT }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > LONGEST) asked.destroy(new Error('its answer is too long'));
      });
      response.on('end', () => resolve(parsed(text)));
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${showDuration(TIMEOUT)}`)));
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const gone = error.code === 'ECONNREFUSED' || error.code === 'ENOENT';
      resolve({ ok: false, text: gone ? 'it does not run' : error.message });
    });
    asked.end();
  });
}

function parsed(text: string): Awaited<ReturnType<typeof ask>> {
  try {
    const told = JSON.parse(text) as Told;
    if (typeof told.version === 'string' && typeof told.health.status === 'string') return { ok: true, told };
  } catch {
    // Not the shim's.
  }
  return { ok: false, text: 'something else answers there' };
}

/** The status for people. */
export function show(told: Told): string {
  const { health, now, outbox, disk, deadlines, ghost } = told;
  const inTime = (at: number | undefined) => (at === undefined ? 'nothing due' : `next in ${rough(at - now)}`);
  const waited = outbox.oldest === undefined ? '' : `, the oldest for ${rough(now - outbox.oldest)}`;
  const rows = [
    ['Offhook', `${told.version}, site ${told.site}, process ${told.pid}, up ${rough(now - told.startedAt)}`],
    ['Health', [health.status, ...health.problems].join('; ')],
    ...(told.addresses.length > 0 ? [['SIP', told.addresses.join(', ')]] : []),
    ...(told.hep === undefined ? [] : [['HEP', told.hep]]),
    ['Bindings', `${told.bindings}, ${inTime(deadlines.bindings)}`],
    ['Calls', `${told.calls}, ${inTime(deadlines.calls)}`],
    ['Transactions', `${told.transactions}, ${inTime(deadlines.transactions)}`],
    ['Connections', String(told.connections)],
    ...(told.lease === undefined ? [] : [['Lease', LEASE_WORDS[told.lease]]]),
    ['Outbox', `${outbox.pending} waiting${waited}${outbox.pending > 0 ? `, ${inTime(deadlines.outbox)}` : ''}`],
    ['Wrong states', `last at most: a BYE is lost ${rough(ghost.bye)}; phones vanish ${rough(ghost.probed ?? ghost.hardCap)}`],
    ['Disk', disk.failing ? `FAILING, ${disk.pending} rows wait` : 'well'],
  ];
  return rows.map(([name, text]) => `${(name as string).padEnd(14)}${text}\n`).join('');
}

/** A length of time as people tell it. */
function rough(ms: number): string {
  if (ms < 0) return '0s';
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const at = units.findIndex(([, size]) => ms >= size);
  if (at === -1) return `${Math.round(ms)}ms`;
  const [name, size] = units[at] as readonly [string, number];
  const next = units[at + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1]);
  return `${Math.floor(ms / size)}${name}${rest > 0 ? ` ${rest}${next?.[0]}` : ''}`;
}

/** How the site stands at the Worker, in words. */
const LEASE_WORDS = {
  held: 'in touch with the Worker',
  reconcile: 'comparing with the Worker; until then this site is stale, or soon will be',
  superseded: 'another shim of this name was heard later',
} as const;
