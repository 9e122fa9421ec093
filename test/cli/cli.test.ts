import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, verify } from 'hono/jwt';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { dispatch } from '../../shim/cli/main.ts';
import { openState } from '../../shim/cli/state.ts';
import { EXIT } from '../../shim/cli/terminal.ts';
import { ownSecret, secretFile } from '../../shim/embedded/secret.ts';
import { Runs } from '../support/offhook-process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offhook-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs a command in this process. */
async function offhook(args: string[], env: Record<string, string> = {}) {
  let [out, err] = ['', ''];
  const terminal = {
    env,
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    ending: new AbortController().signal,
  };
  const code = await dispatch(args, terminal);
  return { code, out, err };
}

const SECRET = 'k'.repeat(32);

describe('Offhook command line', () => {
  it('lists its commands, and only those that are there', async () => {
    const { code, out } = await offhook(['--help']);
    expect(code).toBe(EXIT.ok);
    expect([...out.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1])).toEqual([
      'start',
      'shim',
      'status',
      'worker',
      'backup',
      'restore',
      'token',
      'watch',
      'replay',
      'user',
    ]);
  });

  it.each([[['nothing']], [['toString']], [[]]])(
    'answers an unknown command (%j) with the list and exit code 2',
    async (args) => {
      const { code, out, err } = await offhook(args);
      expect([code, out]).toEqual([EXIT.usage, '']);
      expect(err).toContain('  token');
    },
  );

  it('answers a bad setting with exit code 2', async () => {
    expect(await offhook(['shim', '--talking=never'])).toMatchObject({ code: EXIT.usage, out: '' });
  });

  // Two starts of Node: seconds on a busy machine.
  it('runs from its own file, with the exit code of the command', { timeout: 60_000 }, async () => {
    const runs = new Runs();
    onTestFinished(() => runs.kill());
    const [help, nothing] = [runs.begin(['shim', '--help']), runs.begin(['nothing'])];
    expect([await help.ended, await nothing.ended]).toEqual([EXIT.ok, EXIT.usage]);
    expect(help.out).toContain('--sip-port');
  });
});

describe('Offhook access tokens', () => {
  it('makes a token of the claims asked for, signed with OFFHOOK_SECRET', async () => {
    const args = [
      '--scope',
      'read,ingest',
      '--domain',
      'Example.com',
      '--detail',
      'direction',
      '--expires',
      '1h',
      '--site',
      'hq',
    ];
    const { code, out, err } = await offhook(['token', ...args, '--subject', 'Anna'], { OFFHOOK_SECRET: SECRET });
    const claims = await verify(out.trim(), SECRET, 'HS256');
    expect(code).toBe(EXIT.ok);
    // The Worker makes the same of this secret: test/worker/tokens.test.ts.
    expect(decode(out.trim()).header).toEqual({ alg: 'HS256', typ: 'JWT', kid: 'rLtDWSn0GZ0' });
    expect(claims).toEqual({
      sub: 'Anna',
      scope: ['read', 'ingest'],
      domain: 'example.com',
      detail: 'direction',
      site: 'hq',
      iat: expect.any(Number),
      exp: (claims.iat as number) + 3600,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(err).toContain('scope read,ingest, domain example.com, detail direction, site hq, good until ');
  });

  it('names several domains, single users and its own identity', async () => {
    const args = ['--domain', 'a.test', '--domain', 'B.test,c.test', '--user', 'alice@A.test', '--user', 'sips:bob@b.test;x=1'];
    const { code, out, err } = await offhook(['token', ...args, '--expires-in', '2h'], { OFFHOOK_SECRET: SECRET });
    const claims = await verify(out.trim(), SECRET, 'HS256');
    expect([code, claims]).toEqual([
      EXIT.ok,
      expect.objectContaining({
        domain: ['a.test', 'b.test', 'c.test'],
        users: ['sip:alice@a.test', 'sip:bob@b.test'],
        exp: (claims.iat as number) + 7200,
      }),
    ]);
    expect(err).toContain('domain a.test,b.test,c.test, users sip:alice@a.test,sip:bob@b.test, detail full');
    expect(err).toContain(`, jti ${claims.jti}\n`);
  });

  it.each([
    [['--user', 'nobody'], EXIT.usage],
    [['--user', 'alice@a.test', '--domain', 'b.test'], EXIT.failed],
    [['--domain', Array.from({ length: 51 }, (_, i) => `d${i}.test`).join()], EXIT.usage],
  ])('makes none of %j', async (args, code) => {
    expect(await offhook(['token', ...args], { OFFHOOK_SECRET: SECRET })).toMatchObject({ code, out: '' });
  });

  it('signs with the secret of the state folder', async () => {
    const made = await ownSecret(folder);
    const { out } = await offhook(['token', '--state-dir', folder]);
    expect(made.ok && (await verify(out.trim(), made.secret, 'HS256'))).toMatchObject({
      scope: ['read'],
      domain: '*',
      detail: 'full',
    });
  });

  it('says where a secret could come from when there is none', async () => {
    const { code, out, err } = await offhook(['token', '--state-dir', join(folder, 'missing')]);
    expect([code, out]).toEqual([EXIT.failed, '']);
    expect(err).toContain('OFFHOOK_SECRET');
  });

  it('refuses a secret that is too short', async () => {
    expect(await offhook(['token'], { OFFHOOK_SECRET: 'short' })).toMatchObject({ code: EXIT.usage, out: '' });
    await writeFile(secretFile(folder), 'short\n');
    expect(await offhook(['token', '--state-dir', folder])).toMatchObject({ code: EXIT.failed, out: '' });
  });
});

describe('Offhook state folder', () => {
  it('makes its secret once, readable by its owner alone', async () => {
    const [first, second] = [await ownSecret(folder), await ownSecret(folder)];
    expect(first).toEqual(second);
    expect(first).toMatchObject({ ok: true, secret: expect.stringMatching(/^[A-Za-z0-9_-]{64}$/) });
    expect((await stat(secretFile(folder))).mode & 0o777).toBe(0o600);
  });

  it('is held by one process at a time, and free again when that closes it', async () => {
    const settings = { stateDir: join(folder, 'state'), noPersistence: false };
    const first = await openState(settings);
    expect(await openState(settings)).toMatchObject({ ok: false, text: expect.stringContaining('in use by another') });
    if (first.ok) await first.state.close();
    const again = await openState(settings);
    expect(again.ok).toBe(true);
    if (again.ok) await again.state.close();
  });

  it('is a temporary folder without persistence, removed at the end', async () => {
    const opened = await openState({ stateDir: join(folder, 'state'), noPersistence: true });
    if (!opened.ok) throw new Error(opened.text);
    await mkdir(join(opened.state.folder, 'worker'));
    await opened.state.close();
    await expect(stat(opened.state.folder)).rejects.toThrow('ENOENT');
    await expect(stat(join(folder, 'state'))).rejects.toThrow('ENOENT');
  });

  it('says why it cannot be used', async () => {
    await writeFile(join(folder, 'file'), '');
    const opened = await openState({ stateDir: join(folder, 'file'), noPersistence: false });
    expect(opened).toMatchObject({ ok: false, text: expect.stringContaining('cannot be used') });
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('');
  });
});
