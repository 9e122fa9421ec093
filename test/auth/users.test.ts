import { describe, expect, it } from 'vitest';
import { parseUsers, Users, userLine } from '../../shim/core/auth/users.ts';
import { userRows } from '../support/digest.ts';

const SHA = 'a'.repeat(64);
const MD5 = 'B'.repeat(32);

describe('RFC 7616 3.4.2 the user file', () => {
  it('has a line for each user and algorithm, comments and empty lines', () => {
    const { rows, problems } = parseUsers(
      `# office\n\nalice@Example.com:office:SHA-256:${SHA}\r\n  bob@[::1]:[::1]:MD5+domain:${MD5}  \n`,
    );
    expect(problems).toEqual([]);
    expect(rows).toEqual([
      { aor: 'sip:alice@example.com', realm: 'office', algorithm: 'SHA-256', username: 'alice', ha1: SHA },
      { aor: 'sip:bob@[::1]', realm: '[::1]', algorithm: 'MD5', username: 'bob@[::1]', ha1: MD5.toLowerCase() },
    ]);
  });

  it('names each line that is wrong, and does not repeat what stands there', () => {
    const bad = [
      'alice:secret',
      'alice@example.com:r:SHA-1:abcd',
      `alice@example.com:r:MD5:${SHA}`,
      `@:r:MD5:${MD5}`,
      `alice@example.com::MD5:${MD5}`,
    ];
    const { rows, problems } = parseUsers(['# first', ...bad].join('\n'));
    expect(rows).toEqual([]);
    expect(problems.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6]);
    expect(JSON.stringify(problems)).not.toContain('secret');
  });

  it('is written as it is read', () => {
    const rows = userRows('alice@example.com', 'secret');
    expect(parseUsers(rows.map(userLine).join('\n')).rows).toEqual(rows);
    expect(rows.map(userLine).join('\n')).not.toContain('secret');
  });
});

describe('RFC 8760 2.4 what is offered', () => {
  it('is what every user has a hash of, the better first', () => {
    const [a256, a5, b256, b5] = [...userRows('a@x.org', '1'), ...userRows('b@x.org', '2')];
    const offered = (...rows: (typeof a256)[]) => new Users(rows.flatMap((row) => row ?? [])).algorithms;
    expect(offered(a256, a5, b256, b5)).toEqual(['SHA-256', 'MD5']);
    expect(offered(a256, a5, b5)).toEqual(['MD5']);
    expect(offered(a256, b256)).toEqual(['SHA-256']);
    expect(offered(a256, b5)).toEqual(['SHA-256', 'MD5']);
    expect(offered()).toEqual(['SHA-256', 'MD5']);
  });

  it('finds a user by name, realm and algorithm together', () => {
    const users = new Users(userRows('a@x.org', '1'));
    expect(users.find('a', 'x.org', 'MD5')?.aor).toBe('sip:a@x.org');
    expect([users.find('a', 'y.org', 'MD5'), users.find('b', 'x.org', 'MD5'), users.find('a x', '.org', 'MD5')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(users.size).toBe(1);
  });
});
