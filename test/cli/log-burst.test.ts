import { describe, expect, it } from 'vitest';
import { BURST_WINDOW, limitedLog } from '../../shim/log/burst.ts';
import { createLog } from '../../shim/log.ts';

/** A log that writes two lines of a message, with what it wrote and the end of its stretch of time in hand. */
function stage() {
  const lines: string[] = [];
  const ends: (() => void)[] = [];
  const log = limitedLog(
    createLog(
      'debug',
      (line) => lines.push(line.slice('1970-01-01T00:00:00.000Z '.length, -1)),
      () => 0,
    ),
    { logBurst: 2 },
    (ms, done) => {
      expect(ms).toBe(BURST_WINDOW);
      ends.push(done);
    },
  );
  return { log, lines, ends };
}

describe('Offhook log: many lines of one message', () => {
  it('tells how many more there were in one line, at their level', () => {
    const { log, lines, ends } = stage();
    for (let n = 0; n < 1000; n++) log.warn('missed', { n });
    expect(lines).toEqual(['warn missed n=0', 'warn missed n=1']);
    ends[0]?.();
    expect(lines.slice(2)).toEqual(['warn more lines of one message were left out of=missed lines=998']);
  });

  it('counts each message apart, and leaves out none at level debug', () => {
    const { log, lines, ends } = stage();
    for (let n = 0; n < 3; n++) {
      log.info('a');
      log.debug('traced');
    }
    log.error('b');
    expect(lines).toEqual(['info a', 'debug traced', 'info a', 'debug traced', 'debug traced', 'error b']);
    ends[0]?.();
    expect(lines.slice(6)).toEqual(['info more lines of one message were left out of=a lines=1']);
  });

  it('begins again after its stretch of time, with one timer for each', () => {
    const { log, lines, ends } = stage();
    for (let n = 0; n < 3; n++) log.warn('missed');
    ends[0]?.();
    log.warn('missed');
    expect(lines.at(-1)).toBe('warn missed');
    expect(ends).toHaveLength(2);
    ends[1]?.();
    expect(lines).toHaveLength(4);
  });

  it('takes what a reload sets', () => {
    const { log, lines } = stage();
    log.adjust('warn', { logFormat: 'text', logRedact: 'secrets', logBurst: 3 });
    for (let n = 0; n < 5; n++) log.warn('missed');
    expect(lines).toHaveLength(3);
  });
});
