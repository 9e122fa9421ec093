import { describe, expect, it } from 'vitest';
import { readSettings, SHIM_SETTINGS } from '../../shim/config.ts';

const GIVEN = ['--worker-url=http://127.0.0.1:8787'];
const read = (flags: readonly string[], env = {}) =>
  readSettings(SHIM_SETTINGS, [...GIVEN, ...flags], { OFFHOOK_TOKEN: 'a.b.c', ...env });
const problemsOf = (flags: readonly string[], env = {}) => {
  const result = read(flags, env);
  return result.ok ? [] : result.problems.map(({ setting, text }) => `${setting}: ${text}`);
};

describe('Offhook configuration of mirrored traffic', () => {
  it('asks for a key or a list of senders: what is mirrored is believed', () => {
    const listen = '--hep-listen=127.0.0.1:9060';
    expect(problemsOf([listen])).toEqual(['--hep-allow, OFFHOOK_HEP_KEY: one of them must be given with --hep-listen']);
    expect(problemsOf([listen, '--hep-allow=192.0.2.0/24'])).toEqual([]);
    expect(problemsOf([listen], { OFFHOOK_HEP_KEY: 'a-shared-secret' })).toEqual([]);
  });

  it('takes no passive mode without something to go by, and no key from the command line', () => {
    expect(problemsOf(['--mode=passive'])).toEqual(['--mode, --hep-listen: passive goes by what comes to --hep-listen']);
    expect(problemsOf(['--hep-key=a-shared-secret'])[0]).toContain('is taken only from the environment');
  });

  it.each([
    ['127.0.0.1:9060', { address: '127.0.0.1', port: 9060 }],
    ['[::1]:0', { address: '::1', port: 0 }],
  ])('reads %s', (text, value) => {
    const result = read([`--hep-listen=${text}`, '--hep-allow=::1']);
    expect(result.ok && result.settings.hepListen).toEqual(value);
    expect(SHIM_SETTINGS.hepListen.kind.show(value)).toBe(text);
  });

  it.each(['9060', 'localhost:9060', '::1:9060', '127.0.0.1:70000', '[127.0.0.1]:9060', '127.0.0.1'])(
    'does not read %s',
    (text) => {
      expect(problemsOf([`--hep-listen=${text}`, '--hep-allow=::1'])[0]).toContain('must be an IP address and a port');
    },
  );
});
