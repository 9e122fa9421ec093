import { describe, expect, it } from 'vitest';
import { LIMITS } from '#protocol';
import { SHIM_SETTINGS } from '../../../shim/config.ts';

describe('Offhook time limits of one request', () => {
  it('let the Worker answer for those users whom it reaches before the shim gives all of them up', () => {
    expect(LIMITS.answerWithin + 2_000).toBeLessThan(Number(SHIM_SETTINGS.requestTimeout.default));
  });
});
