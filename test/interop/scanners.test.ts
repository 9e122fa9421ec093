import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings, SHIM_SETTINGS, showProblems } from '../../shim/config.ts';
import { userLine } from '../../shim/core/auth/users.ts';
import { type RunningShim, startShim } from '../../shim/shim.ts';
import { userRows } from '../support/digest.ts';
import { SILENT } from '../support/product.ts';
import { program } from './program.ts';

/** Users who are there to be found, one of them registered. */
const PASSWORDS = { '100@127.0.0.1': 'pw-37', '103@127.0.0.1': 'pw-38' };

let folder: string;
let shim: RunningShim;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'offhook-scanners-'));
});
afterEach(async () => {
  await shim?.close();
  rmSync(folder, { recursive: true });
});

/** A shim that excepts nobody from its bans, before a Worker that is not there. With MD5 alone, as the scanners know nothing else. */
async function start(...flags: string[]): Promise<number> {
  const file = join(folder, 'users');
  const rows = Object.entries(PASSWORDS).flatMap(([address, password]) => userRows(address, password));
  const lines = rows.filter(({ algorithm }) => algorithm === 'MD5').map(userLine);
  writeFileSync(file, lines.join('\n'));
  const own = ['--sip-port=0', `--state-dir=${folder}`, '--worker-url=http://127.0.0.1:9', '--allow=192.0.2.1', '--t1=50ms'];
  const read = readSettings(SHIM_SETTINGS, [...own, '--auth=digest', `--users-file=${file}`, ...flags], {
    OFFHOOK_TOKEN: 'a.b.c',
  });
  if (!read.ok) throw new Error(showProblems(read.problems));
  shim = await startShim(read.settings, SILENT);
  return shim.addresses[0]?.port as number;
}

/** Runs a program to its end, in a folder of its own; what it said. */
function run(name: Parameters<typeof program>[0], args: readonly string[], timeout = 40_000): Promise<string> {
  const options = { timeout, cwd: folder, env: { ...process.env, HOME: folder } };
  return new Promise((resolve) => {
    execFile(program(name), args, options, (_, out, err) => resolve(`${out}\n${err}`));
  });
}

const at = (port: number) => ['-p', String(port), '-t', '0.01', '127.0.0.1'];
const SCANS = {
  svmap: (port: number) => run('svmap', at(port)),
  svwar: (port: number, method: string) =>
    run('svwar', ['-m', method, '--force', '-e', '100-110', '--maximumtime=2', ...at(port)]),
  svcrack: (port: number) => run('svcrack', ['-u', '100', '-r', '1-100', '-T', 'pw-%s', '--maximumtime=2', ...at(port)]),
  // Where nothing answers it sends again for half a minute.
  sipsak: (port: number, user: string) => run('sipsak', ['-vv', '-s', `sip:${user}@127.0.0.1:${port}`], 6000),
};

const counters = (part: string) => shim.status().counters[part] as { readonly [name: string]: number };

/** No scanner is known by its name: they are let in as if they had given another. */
const UNKNOWN_NAMES = '--scanners=no-such-program';

describe('Offhook security: scanners that others wrote, as they are', () => {
  it.each([
    ['svmap', SCANS.svmap],
    ['svwar', (port: number) => SCANS.svwar(port, 'REGISTER')],
    ['svcrack', SCANS.svcrack],
  ])('%s is sent not one byte, finds nothing, and is banned', async (_, scan) => {
    const said = await scan(await start());
    expect(said).toContain('found nothing');
    expect(counters('network').sent).toBe(0);
    expect(counters('guard')).toMatchObject({ scanners: 1, bans: 1 });
  });

  it('sipsak is sent not one byte, and is banned', async () => {
    const port = await start();
    await SCANS.sipsak(port, '100');
    expect(counters('network').sent).toBe(0);
    expect(counters('guard').bans).toBe(1);
  });
});

describe('Offhook security: scanners that others wrote, under another name', () => {
  it.each(['REGISTER', 'INVITE', 'OPTIONS'])('svwar learns no user name by %s', async (method) => {
    const said = await SCANS.svwar(await start(UNKNOWN_NAMES), method);
    expect(said).toContain('found nothing');
    expect(counters('network').sent).toBeGreaterThan(0);
  });

  it('svcrack is banned before it comes to the password, which it finds where there are no bans', async () => {
    const said = await SCANS.svcrack(await start(UNKNOWN_NAMES));
    expect(said).not.toContain('pw-37');
    expect(counters('guard').bans).toBe(1);
    expect(counters('authentication').wrong).toBe(10);
    await shim.close();
    expect(await SCANS.svcrack(await start(UNKNOWN_NAMES, '--guard=off'))).toContain('pw-37');
  });

  it('sipsak gets the same answer for a user who is there and one who is not', async () => {
    const port = await start(UNKNOWN_NAMES);
    const answer = async (user: string) => (await SCANS.sipsak(port, user)).match(/SIP\/2\.0 \d{3} .*/g)?.slice(0, 1);
    const [known, unknown] = [await answer('100'), await answer('101')];
    expect(known).toEqual(['SIP/2.0 407 Proxy Authentication Required']);
    expect(unknown).toEqual(known);
  });
});
