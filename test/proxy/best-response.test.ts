import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { better, type Final, rank } from '../../shim/core/proxy/best-response.ts';
import { CALLER, forkedCall, summary } from './forking.ts';

const final = (status: number): Final => ({ status, refusal: { status, reason: '', headers: [] } });
const bestOf = (list: readonly number[], cancelled = false): number =>
  list.reduce<Final | undefined>((best, status) => better(best, final(status), cancelled), undefined)?.status ?? 0;

const failures = fc.array(fc.integer({ min: 300, max: 699 }), { minLength: 1, maxLength: 10 });

describe('RFC 3261 16.7 step 6 the choice of the best response', () => {
  it.each([
    [[404, 603, 302], 603],
    [[404, 302, 500], 302],
    [[500, 486], 486],
    [[503, 500], 500],
    [[486, 407], 407],
    [[404, 415, 401], 415],
    [[480, 408, 486], 486],
    [[404, 486], 404],
    [[487, 408], 408],
    [[487, 500], 487],
  ])('of %j is %i', (list, best) => {
    expect(bestOf(list)).toBe(best);
  });

  it('of a request that the caller gave up is the 487, but for a 6xx', () => {
    expect([bestOf([486, 487, 302], true), bestOf([487, 603], true)]).toEqual([487, 603]);
  });

  it('is a 6xx where there is one, else of the lowest class, whatever the order', () => {
    fc.assert(
      fc.property(failures, (list) => {
        const best = bestOf(list);
        const classes = list.map((status) => Math.floor(status / 100));
        const expected = classes.includes(6) ? 6 : Math.min(...classes);
        return list.includes(best) && Math.floor(best / 100) === expected;
      }),
    );
  });

  it('is one that tells how to ask again where the class is 4xx and there is one', () => {
    const useful = [401, 407, 415, 420, 484];
    fc.assert(
      fc.property(failures, fc.constantFrom(...useful), fc.nat(), (list, status, place) => {
        const all = list.filter((one) => one >= 400 && one < 600).toSpliced(place % 10, 0, status);
        return useful.includes(bestOf(all));
      }),
    );
  });

  it('does not depend on the order, but for the first among equals', () => {
    fc.assert(
      fc.property(failures, fc.boolean(), (list, cancelled) => {
        const ranks = list.map((status) => rank(status, cancelled));
        return rank(bestOf(list, cancelled), cancelled) === Math.min(...ranks);
      }),
    );
  });
});

describe('RFC 3261 16.7 what goes back to the caller of a fork', () => {
  const hosts = [3, 4, 5, 6];

  it('is exactly one final response that is no 2xx, the best, and only when every branch has ended', () => {
    const statuses = fc.constantFrom(302, 401, 403, 404, 408, 480, 486, 488, 500, 503, 600, 603);
    fc.assert(
      fc.property(
        fc.array(statuses, { minLength: 4, maxLength: 4 }),
        fc.shuffledSubarray(hosts, { minLength: 4 }),
        (list, order) => {
          const call = forkedCall({ 3: 1, 4: 1, 5: 1, 6: 1 });
          for (const host of hosts) call.answer(host, 180);
          const answers = order.map((host, i) =>
            summary(call.answer(host, list[i] as number)).filter((line) => /^[2-6]/.test(line)),
          );
          const best = bestOf(list);
          expect(answers).toEqual([[], [], [], [`${best === 503 ? 500 : best} > ${CALLER}`]]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
