import { describe, expect, it } from 'vitest';
import { type HookRecord, rotate, secretsAt } from '../../worker/hooks/index.ts';

const record: HookRecord = {
  id: 'wh_1',
  kind: 'webhook',
  url: 'https://hooks.example.com/',
  domain: 'example.com',
  users: null,
  detail: 'full',
  statuses: null,
  changes: 'all',
  createdAt: 0,
  secrets: [{ secret: 'first', until: null }],
  state: 'active',
  until: null,
};

describe('Offhook webhooks: the rotation of a secret', () => {
  it('has the former one sign too, the newest first, until its time', () => {
    const after = rotate(record, 'second', 100, 10, 3);
    expect([99, 100].map((now) => secretsAt(after, now))).toEqual([['second', 'first'], ['second']]);
    expect(secretsAt(rotate(record, 'second', 10, 10, 3), 10)).toEqual(['second']);
  });

  it('prolongs no former secret by the next rotation, and may shorten it', () => {
    const twice = rotate(rotate(record, 'second', 100, 10, 3), 'third', 1_000, 20, 3);
    expect([99, 100, 1_000].map((now) => secretsAt(twice, now))).toEqual([
      ['third', 'second', 'first'],
      ['third', 'second'],
      ['third'],
    ]);
    const shorter = rotate(rotate(record, 'second', 100, 10, 3), 'third', 50, 20, 3);
    expect(secretsAt(shorter, 50)).toEqual(['third']);
  });

  it('keeps no more than so many at once, and none that is over', () => {
    let many = record;
    for (const [n, secret] of ['b', 'c', 'd', 'e'].entries()) many = rotate(many, secret, 1_000, 10 + n, 3);
    expect(secretsAt(many, 20)).toEqual(['e', 'd', 'c']);
    expect(rotate(many, 'f', 3_000, 2_000, 3).secrets.map(({ secret }) => secret)).toEqual(['f', 'e']);
  });
});
