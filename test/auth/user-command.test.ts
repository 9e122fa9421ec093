import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../shim/cli/commands.ts';
import { readLine } from '../../shim/cli/input.ts';
import type { Algorithm } from '../../shim/core/auth/hashes.ts';
import { loadUsers, USERS_FILE } from '../../shim/io/users.ts';
import { userRows } from '../support/digest.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'offhook-users-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs `offhook user` with that line on standard input. */
async function run(args: string[], line = '', env: Record<string, string> = {}) {
  const said = { out: '', err: '', code: -1 };
  said.code = (await COMMANDS.user?.run([...args, `--state-dir=${folder}`], {
    env,
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    input: async () => line,
    ending: new AbortController().signal,
  })) as number;
  return said;
}

const load = (file?: string) => {
  const read = loadUsers({ folder, file });
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.users;
};

describe('Offhook user command', () => {
  it('keeps hashes of a password, by both algorithms and for both spellings of the name, and never the password', async () => {
    expect((await run(['add', 'Alice@Example.com'], 'wonder')).code).toBe(0);
    const users = load();
    expect(users.size).toBe(1);
    const [sha, md5] = userRows('Alice@example.com', 'wonder');
    expect(users.find('Alice', 'example.com', 'SHA-256')).toEqual({ ...sha });
    expect(users.find('Alice', 'example.com', 'MD5')).toEqual({ ...md5 });
    expect(users.find('Alice@example.com', 'example.com', 'MD5')?.ha1).not.toBe(md5?.ha1);
    expect(readFileSync(join(folder, USERS_FILE), 'latin1')).not.toContain('wonder');
  });

  it('replaces a password, lists users, removes one', async () => {
    await run(['add', 'alice@example.com'], 'one');
    await run(['add', 'alice@example.com'], 'two');
    await run(['add', 'bob@example.com', '--realm=office'], 'three');
    expect((await run(['list'])).out).toBe('alice@example.com realm example.com\nbob@example.com realm office\n');
    expect(load().find('alice', 'example.com', 'MD5')?.ha1).toBe(userRows('alice@example.com', 'two')[1]?.ha1);
    expect((await run(['remove', 'alice@example.com'])).code).toBe(0);
    expect((await run(['remove', 'alice@example.com'])).code).toBe(1);
    expect((await run(['list'])).out).toBe('bob@example.com realm office\n');
  });

  it('prints lines for a user file, which goes before the database', async () => {
    await run(['add', 'alice@example.com'], 'old');
    const file = join(folder, 'users.txt');
    writeFileSync(file, (await run(['lines', 'alice@example.com'], 'new')).out);
    expect(load(file).find('alice', 'example.com', 'SHA-256')?.ha1).toBe(userRows('alice@example.com', 'new')[0]?.ha1);
  });

  it('offers only the algorithms that are asked for', async () => {
    await run(['add', 'alice@example.com'], 'secret');
    const offered = (...algorithms: Algorithm[]) => {
      const read = loadUsers({ folder, file: undefined, algorithms });
      return read.ok ? read.users.algorithms : [];
    };
    expect([offered('SHA-256', 'MD5'), offered('MD5'), offered('SHA-256')]).toEqual([['SHA-256', 'MD5'], ['MD5'], ['SHA-256']]);
  });

  it('tells every line of a file that is wrong', () => {
    const file = join(folder, 'users.txt');
    writeFileSync(file, 'alice:secret\n\nbob:secret\n');
    const read = loadUsers({ folder, file });
    expect(read.ok ? [] : read.problems.map((text) => /line \d/.exec(text)?.[0])).toEqual(['line 1', 'line 3']);
    expect(loadUsers({ folder, file: join(folder, 'none') }).ok).toBe(false);
  });

  it.each([
    [['add'], 2],
    [['add', 'alice'], 1],
    [['dance', 'alice@example.com'], 2],
    [['add', '--realm=x'], 2],
    [['add', 'alice@example.com', '--realm=a b'], 2],
    [['add', 'alice@example.com'], 1],
  ])('does not take %s without what it needs', async (args, code) => {
    const said = await run(args, '');
    expect(said.code).toBe(code);
    expect(said.err).not.toBe('');
  });

  it('reads the first line of standard input', async () => {
    expect(await readLine('', Readable.from(['wo', 'nder\nrest']) as never)).toBe('wonder');
    expect(await readLine('', Readable.from(['wonder']) as never)).toBe('wonder');
    expect(await readLine('', Readable.from([]) as never)).toBe('');
  });
});
