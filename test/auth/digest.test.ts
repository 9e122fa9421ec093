import { describe, expect, it } from 'vitest';
import { digestFields, expectedResponse, ha1 } from '../../shim/core/auth/digest.ts';
import { algorithmOf, hashOf, sameText } from '../../shim/core/auth/hashes.ts';
import { HASHES } from '../support/digest.ts';

/** RFC 7616 3.9.1: user "Mufasa", password "Circle of Life". */
const EXAMPLE = {
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  nc: '00000001',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  uri: '/dir/index.html',
};

describe('RFC 7616 3.9.1 the example of digest', () => {
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('comes out with %s', (algorithm, response) => {
    const hash = hashOf(HASHES, algorithm);
    const kept = ha1(hash, 'Mufasa', 'http-auth@example.org', 'Circle of Life');
    expect(expectedResponse(hash, kept, 'GET', EXAMPLE)).toBe(response);
  });
});

describe('RFC 7616 3.4 the fields of a response', () => {
  const GOOD = {
    username: 'alice',
    nonce: 'n',
    uri: 'sip:b@c',
    response: 'A'.repeat(32),
    cnonce: 'c',
    nc: '0000000a',
    qop: 'auth',
  };
  const fields = (otherwise: Record<string, string | undefined>) =>
    digestFields(
      new Map(Object.entries({ ...GOOD, ...otherwise }).filter((e): e is [string, string] => e[1] !== undefined)),
      'MD5',
    );

  it('are taken where all are there, the response in either case of letters', () => {
    expect(fields({})).toMatchObject({ username: 'alice', nc: '0000000a', response: 'a'.repeat(32) });
  });

  it.each([
    ['without qop', { qop: undefined }],
    ['with qop=auth-int, which is not offered', { qop: 'auth-int' }],
    ['without a count', { nc: undefined }],
    ['with a count of other than 8 digits', { nc: '1' }],
    ['without a cnonce', { cnonce: '' }],
    ['with the response of another algorithm', { response: 'a'.repeat(64) }],
    ['with a response that is no hash', { response: 'z'.repeat(32) }],
    ['with an endless name', { username: 'x'.repeat(1025) }],
  ])('are not taken %s', (_, otherwise) => {
    expect(fields(otherwise)).toBeUndefined();
  });

  it('name the algorithm, in any case of letters; none is MD5 (RFC 7616 3.3)', () => {
    expect(
      [undefined, 'md5', 'SHA-256', 'sha-256', 'MD5-sess', 'SHA-512-256', true].map((name) => algorithmOf(name as string)),
    ).toEqual(['MD5', 'MD5', 'SHA-256', 'SHA-256', undefined, undefined, undefined]);
  });

  it('are compared whole', () => {
    for (const [a, b, same] of [
      ['', '', true],
      ['a', '', false],
      ['', 'a', false],
      ['ab', 'ab', true],
      ['ab', 'ac', false],
      ['abab', 'ab', false],
    ] as const) {
      expect(sameText(a, b)).toBe(same);
    }
  });
});
