import { describe, expect, it } from 'vitest';
import { readSettings, START_SETTINGS } from '../../shim/config.ts';
import { ghostLine, worstGhost } from '../../shim/ghost.ts';

function settingsOf(...args: string[]) {
  const read = readSettings(START_SETTINGS, args, {});
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return { ...read.settings, workerUrl: 'http://127.0.0.1:1', token: 'a.b.c' };
}

const HOUR = 3_600_000;

describe('Offhook the longest time that a wrong state of a call lasts', () => {
  it('follows from the settings, for each way', () => {
    expect(worstGhost(settingsOf())).toEqual({
      ringing: 185_000 + 32_000 + 20_000,
      unacknowledged: 40_000,
      bye: 40_000,
      sessionTimer: 4 * HOUR,
      probed: 300_000 + 3 * 32_000 + 2 * 10_000,
      hardCap: 4 * HOUR,
      shimDead: 4 * HOUR + 60_000,
    });
    const other = worstGhost(settingsOf('--t1', '100ms', '--probe-interval', '1m', '--probe-tries', '2', '--dialog-cap', '1h'));
    expect(other).toMatchObject({ bye: 14_400, probed: 60_000 + 2 * 6400 + 10_000, hardCap: HOUR, shimDead: HOUR + 60_000 });
    expect(worstGhost(settingsOf('--probe-interval', '0')).probed).toBeUndefined();
  });

  it('is said in one line', () => {
    expect(ghostLine(settingsOf())).toBe(
      'A wrong call state lasts at most: ringing 3 min 57 s; BYE lost 40 s; vanished 6 min 56 s by asking, 4 h where that is not possible, or its session timer; shim dead 4 h 1 min',
    );
    expect(ghostLine(settingsOf('--probe-interval', '0'))).toContain('vanished 4 h (calls are not asked whether they live)');
  });
});

describe('RFC 4028 the settings of session timers', () => {
  it.each([
    [['--session-expires', '60'], '--session-expires'],
    [['--min-se', '30'], '--min-se'],
    [['--session-expires', '10m', '--min-se', '20m'], '--min-se, --session-expires'],
    [['--session-expires', '5h'], '--session-expires, --dialog-cap'],
    [['--probe-tries', '1'], '--probe-tries'],
    [['--session-rules', 'x=nothing'], '--session-rules'],
  ])('refuses %j', (args, setting) => {
    const read = readSettings(START_SETTINGS, args, {});
    expect(read.ok ? [] : read.problems.map((p) => p.setting)).toContain(setting);
  });

  it('takes rules as a list', () => {
    expect(settingsOf('--session-rules', '\\*97=voicemail,conf-*=conference').sessionRules).toEqual([
      { pattern: '\\*97', type: 'voicemail' },
      { pattern: 'conf-*', type: 'conference' },
    ]);
  });
});
