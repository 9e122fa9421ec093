import { describe, expect, it } from 'vitest';
import { changesOf, FILE_SETTINGS, LIVE, readSettings, reloaded, START_SETTINGS } from '../../shim/config.ts';

const settings = (...args: string[]) => {
  const read = readSettings(START_SETTINGS, args, {});
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.settings;
};

describe('Offhook reload of the configuration', () => {
  it('tells what takes effect at once from what needs a restart', () => {
    const changes = changesOf(
      settings(),
      settings('--sip-port=5070', '--domains=example.com', '--max-expires=3h', '--state-dir=x'),
    );
    expect(changes).toEqual({ live: ['domains', 'maxExpires'], restart: ['sipPort', 'stateDir'] });
    expect(changesOf(settings(), settings())).toEqual({ live: [], restart: [] });
  });

  it('goes on by the old values of what needs a restart', () => {
    const next = reloaded(settings(), settings('--sip-port=5070', '--domains=example.com'));
    expect(next).toEqual(settings('--domains=example.com'));
  });

  it('knows only settings that are there', () => {
    expect([...LIVE].filter((key) => !Object.hasOwn(FILE_SETTINGS, key))).toEqual([]);
  });
});
