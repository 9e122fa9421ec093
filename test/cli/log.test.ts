import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLog, type LogLevel } from '../../shim/log.ts';

// Made here, as making it takes seconds on a busy machine.
const anything = fc.string({ unit: 'binary' });

function logged(level: LogLevel, act: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  act(
    createLog(
      level,
      (line) => lines.push(line),
      () => 0,
    ),
  );
  return lines;
}

describe('Offhook log', () => {
  it('writes time, level, message and fields in one line', () => {
    const fields = { count: 3, peer: '192.0.2.1:5060', reason: 'no route', missing: undefined };
    expect(logged('info', (log) => log.warn('message dropped', fields))).toEqual([
      '1970-01-01T00:00:00.000Z warn message dropped count=3 peer=192.0.2.1:5060 reason="no route"\n',
    ]);
  });

  it('leaves out what is less serious than its level', () => {
    const all = (log: ReturnType<typeof createLog>) => {
      log.debug('d');
      log.info('i');
      log.warn('w');
      log.error('e');
    };
    expect((['debug', 'info', 'warn', 'error'] as const).map((level) => logged(level, all).length)).toEqual([4, 3, 2, 1]);
  });

  it('makes one line of one message, whatever came from the network', () => {
    fc.assert(
      fc.property(anything, anything, (message, value) => {
        const [line] = logged('debug', (log) => log.info(message, { value }));
        expect(line).toMatch(/^\P{Cc}*\n$/u);
        expect(line).not.toMatch(/[\u2028\u2029]/);
      }),
    );
  });
});
