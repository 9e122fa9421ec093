import { describe, expect, it } from 'vitest';
import { advance } from '../../shim/core/capture/advance.ts';

describe('Offhook replay: time between two messages', () => {
  it('goes by deadline by deadline, those that come of others among them, and no further than the message', () => {
    const due = [30, 10, 10, 60];
    const served: number[] = [];
    const timed = {
      nextDeadline: () => (due.length > 0 ? Math.min(...due) : undefined),
      expire: (now: number) => {
        due.splice(due.indexOf(now), 1);
        if (now === 30 && !served.includes(30)) due.push(30, 40);
        served.push(now);
      },
    };
    expect([advance(timed, 50), served]).toEqual([true, [10, 10, 30, 30, 40]]);
    expect(due).toEqual([60]);
  });

  it('ends where a deadline does not move, or is none', () => {
    for (const stuck of [10, Number.NaN, Number.NEGATIVE_INFINITY]) {
      let served = 0;
      const timed = { nextDeadline: () => stuck, expire: () => void served++ };
      expect(advance(timed, 50)).toBe(false);
      expect(served).toBeLessThan(2000);
    }
  });
});
