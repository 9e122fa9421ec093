import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings, SHIM_SETTINGS, type ShimSettings, showProblems } from '../../shim/config.ts';
import { type RunningShim, startShim } from '../../shim/shim.ts';
import { SILENT } from '../support/product.ts';

let folder: string;
let running: RunningShim | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-reload-'));
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  await rm(folder, { recursive: true, force: true });
});

function settings(...flags: string[]): ShimSettings {
  const own = ['--sip-port=0', '--worker-url=http://127.0.0.1:9', `--state-dir=${folder}`];
  const read = readSettings(SHIM_SETTINGS, [...own, ...flags], { OFFHOOK_TOKEN: 'a.b.c' });
  if (!read.ok) throw new Error(showProblems(read.problems));
  return read.settings;
}

describe('Offhook reload of what the settings name', () => {
  it('changes nothing where the file of users cannot be read, and says why', async () => {
    const users = join(folder, 'users');
    await writeFile(users, '');
    const digest = ['--auth=digest', `--users-file=${users}`];
    running = await startShim(settings(...digest), SILENT);
    expect(running.reload(settings(...digest, '--max-expires=3h'))).toEqual([]);
    await writeFile(users, 'this is no user\n');
    expect(running.reload(settings(...digest))).toEqual([expect.stringContaining(users)]);
    expect(running.reload(settings('--auth=digest', `--users-file=${join(folder, 'gone')}`))).toHaveLength(1);
  });

  it('changes nothing where a certificate cannot be used, and says why', async () => {
    running = await startShim(settings(), SILENT);
    const gone = join(folder, 'gone.pem');
    expect(running.reload({ ...settings(), tlsCertificate: gone, tlsKey: gone })).toEqual([expect.stringContaining('gone.pem')]);
  });
});
