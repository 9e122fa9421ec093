import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAlarm, systemClock } from '../../shim/io/clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const clock = { now: () => Date.now() };

describe('Offhook clock', () => {
  it('tells the time of day, in whole ms, and never goes back', () => {
    vi.useRealTimers();
    const first = systemClock.now();
    expect(Number.isInteger(first)).toBe(true);
    expect(Math.abs(first - Date.now())).toBeLessThan(60_000);
    expect(systemClock.now()).toBeGreaterThanOrEqual(first);
  });
});

describe('Offhook alarm', () => {
  it('fires once at the time last set', () => {
    const start = Date.now();
    const fired: number[] = [];
    const alarm = createAlarm(clock, () => fired.push(Date.now() - start));
    alarm.set(start + 500);
    alarm.set(start + 200);
    alarm.set(start + 300);
    vi.advanceTimersByTime(1_000);
    expect(fired).toEqual([300]);
  });

  it('can be set from within, to a time that has passed as well', () => {
    const start = Date.now();
    const fired: number[] = [];
    const alarm = createAlarm(clock, () => {
      fired.push(Date.now() - start);
      if (fired.length < 3) alarm.set(start + 100);
    });
    alarm.set(start + 100);
    vi.advanceTimersByTime(1_000);
    expect(fired).toHaveLength(3);
    expect(fired[0]).toBe(100);
  });

  it('waits for more than the 24.8 days that a timer can', () => {
    const start = Date.now();
    let fired = 0;
    const alarm = createAlarm(clock, () => fired++);
    const far = 40 * 86_400_000;
    alarm.set(start + far);
    vi.advanceTimersByTime(far - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });

  it('does not fire when it is unset or closed', () => {
    let fired = 0;
    const alarm = createAlarm(clock, () => fired++);
    alarm.set(Date.now() + 10);
    alarm.set(undefined);
    vi.advanceTimersByTime(100);
    alarm.set(Date.now() + 10);
    alarm.close();
    alarm.set(Date.now() + 20);
    vi.advanceTimersByTime(100);
    expect(fired).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
