import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Buckets, Counters, labelText, Revocations } from '../../worker/access/index.ts';

const QUOTA = { quota: 3, window: 60_000 };

describe('Offhook rate limits by token', () => {
  it('grants the quota at once, and then one at a time as the window passes', () => {
    const buckets = new Buckets();
    const take = (now: number) => buckets.take('a', QUOTA, now);
    expect([take(0), take(0), take(0)].map(({ granted, left }) => [granted, left])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
    ]);
    expect(take(0)).toEqual({ granted: false, left: 0, seconds: 20 });
    expect(take(19_999).granted).toBe(false);
    expect(take(20_000)).toEqual({ granted: true, left: 0, seconds: 60 });
  });

  it('a clock that goes back fills nothing, and breaks nothing', () => {
    const buckets = new Buckets();
    for (let i = 0; i < 3; i++) buckets.take('a', QUOTA, 100_000);
    expect(buckets.take('a', QUOTA, 0).granted).toBe(false);
    expect(buckets.take('a', QUOTA, 60_000).granted).toBe(true);
  });

  it('never grants more than the quota and what came in since, however it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }), (pauses) => {
        const buckets = new Buckets();
        let [now, granted] = [0, 0];
        for (const pause of pauses) {
          now += pause;
          if (buckets.take('a', QUOTA, now).granted) granted += 1;
        }
        expect(granted).toBeLessThanOrEqual(3 + Math.floor((now * 3) / 60_000));
      }),
    );
  });

  it('remembers as many tokens as the limit, and forgets who asked least lately', () => {
    const buckets = new Buckets(2);
    const quota = { quota: 1, window: 60_000 };
    for (const key of ['a', 'b', 'a', 'c']) buckets.take(key, quota, 0);
    expect(buckets.size).toBe(2);
    expect(['a', 'c', 'b'].map((key) => buckets.take(key, quota, 0).granted)).toEqual([false, false, true]);
  });
});

describe('Offhook metrics', () => {
  const table = { requests_total: 'Requests.', other_total: 'Others.' } as const;

  it('are told in the text format, escaped', () => {
    const counters = new Counters(table);
    counters.add('requests_total', { route: 'a"b\\c\nd' });
    counters.add('requests_total', { route: 'a"b\\c\nd' }, 2);
    expect(counters.text()).toBe(
      '# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total{route="a\\"b\\\\c\\nd"} 3\n' +
        '# HELP other_total Others.\n# TYPE other_total counter\nother_total 0\n',
    );
    expect(labelText({})).toBe('');
  });

  it('keep a bounded number of label sets, and count the rest together', () => {
    const counters = new Counters(table);
    for (let i = 0; i < 1_000; i++) counters.add('requests_total', { route: String(i) });
    const lines = counters.text().match(/^requests_total\{.*$/gm) ?? [];
    expect([lines.length, lines.at(-1)]).toEqual([501, 'requests_total{other="true"} 500']);
  });
});

describe('Offhook revocation of tokens', () => {
  it('forgets tokens that have expired by themselves, and subjects never', () => {
    const revoked = new Revocations();
    revoked.add(
      [
        { seq: 1, kind: 'token', name: 'a', before: null, until: 10, at: 0 },
        { seq: 2, kind: 'token', name: 'b', before: null, until: null, at: 0 },
        { seq: 3, kind: 'subject', name: 's', before: 5_000, until: null, at: 0 },
      ],
      0,
    );
    const seen = () => [
      revoked.has({ jti: 'a', iat: 9 }),
      revoked.has({ jti: 'b', iat: 9 }),
      revoked.has({ sub: 's', iat: 4 }),
      revoked.has({ sub: 's', iat: 5 }),
    ];
    expect(seen()).toEqual([true, true, true, false]);
    revoked.add([], 10);
    expect([seen(), revoked.seq]).toEqual([[false, true, true, false], 3]);
  });
});
