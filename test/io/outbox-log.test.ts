import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutboxEvent } from '../../shim/core/outbox/types.ts';
import { BURST_WINDOW, OutboxLog } from '../../shim/io/outbox-log.ts';
import { createLog } from '../../shim/log.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A log that writes two lines of a kind. */
function stage() {
  const lines: string[] = [];
  const time = '1970-01-01T00:00:00.000Z ';
  const write = (line: string) => lines.push(line.slice(time.length, -1));
  const log = new OutboxLog(createLog('debug', write, Date.now), { now: () => Date.now() }, 2);
  return { log, lines };
}

const gap = (n: number): OutboxEvent => ({ type: 'gap', user: `u${n}` });
const overflow: OutboxEvent = { type: 'overflow', user: 'u' };
const failed: OutboxEvent = { type: 'failed', failure: { reason: 'server', status: 500 }, attempt: 1, pause: 100 };

describe("Offhook log: what the outbox has to say of many users' updates", () => {
  it('tells of the first ones, and after its stretch of time how many more there were', () => {
    const { log, lines } = stage();
    for (let n = 0; n < 1000; n++) log.tell(gap(n));
    vi.advanceTimersByTime(BURST_WINDOW - 1);
    expect(lines).toEqual(['warn the Worker misses an update user=u0', 'warn the Worker misses an update user=u1']);
    vi.advanceTimersByTime(1);
    expect(lines.slice(2)).toEqual(['warn more lines of this kind were left out kind="the Worker misses an update" lines=998']);
  });

  it('counts each kind apart, and never leaves out how a request failed', () => {
    const { log, lines } = stage();
    for (let n = 0; n < 3; n++) {
      log.tell(gap(n));
      log.tell(failed);
    }
    log.tell(overflow);
    const words = lines.map((line) => line.split(' ').slice(0, 4).join(' '));
    const told = 'warn the Worker could';
    expect(words).toEqual(['warn the Worker misses', told, 'warn the Worker misses', told, told, 'error too many users:']);
  });

  it('begins again after its stretch of time, and tells nothing where nothing was left out', () => {
    const { log, lines } = stage();
    for (let n = 0; n < 3; n++) log.tell(gap(n));
    vi.advanceTimersByTime(BURST_WINDOW);
    log.tell(gap(3));
    vi.advanceTimersByTime(BURST_WINDOW);
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toBe('warn the Worker misses an update user=u3');
  });

  it('tells what it has left out when the shim ends', () => {
    const { log, lines } = stage();
    for (let n = 0; n < 5; n++) log.tell(overflow);
    log.close();
    expect(lines.at(-1)).toBe(
      'error more lines of this kind were left out kind="too many users: an update was not kept" lines=3',
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes another number from a reload, and counts right in the stretch of time in which it comes', () => {
    const { log, lines } = stage();
    for (let n = 0; n < 3; n++) log.tell(gap(n));
    log.burst = 1;
    log.tell(gap(3));
    log.close();
    expect(lines.at(-1)).toMatch(/ lines=2$/);
  });
});
