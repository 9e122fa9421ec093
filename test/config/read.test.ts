import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration, list, showDuration, showSize, size } from '../../shim/config/kind.ts';
import { flagName, variableName } from '../../shim/config/setting.ts';
import { siteOfHost } from '../../shim/config/shim.ts';
import { type Problem, readSettings, SHIM_SETTINGS, START_SETTINGS, TOKEN_SETTINGS } from '../../shim/config.ts';

const start = (args: string[], env: Record<string, string> = {}) => readSettings(START_SETTINGS, args, env);

function settingsOf(args: string[], env: Record<string, string> = {}) {
  const read = start(args, env);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.settings;
}

function problemsOf(args: string[], env: Record<string, string> = {}): Problem[] {
  const read = start(args, env);
  return read.ok ? [] : read.problems;
}

describe('Offhook configuration', () => {
  it('has a default for everything that npm start needs', () => {
    expect(settingsOf([])).toMatchObject({
      sipHost: ['127.0.0.1'],
      sipPort: 5060,
      httpPort: 8787,
      t1: 500,
      dialogCap: 14_400_000,
    });
  });

  it('takes a certificate with its key alone, and secure WebSocket with a certificate', () => {
    const problems = problemsOf(['--tls-certificate', 'a.pem', '--wss-port', '8443']);
    expect(problems).toEqual([{ setting: '--tls-certificate, --tls-key', text: 'must be given together' }]);
    expect(problemsOf(['--wss-port', '8443']).map(({ setting }) => setting)).toEqual(['--wss-port']);
    expect(problemsOf(['--tls-certificates', 'a.example=a.pem']).map(({ setting }) => setting)).toEqual(['--tls-certificates']);
    expect(settingsOf(['--wss-port', '8443', '--tls-certificates', 'a.example=a.pem:a.key']).wssPort).toBe(8443);
  });

  it('keeps a TCP connection longer than the registration that is refreshed over it', () => {
    const { tcpIdle, defaultExpires } = settingsOf([]);
    expect(tcpIdle).toBeGreaterThan(defaultExpires);
  });

  it('takes a flag before a variable and a variable before the default', () => {
    expect(settingsOf([], { OFFHOOK_SIP_PORT: '5070' }).sipPort).toBe(5070);
    expect(settingsOf(['--sip-port', '5080'], { OFFHOOK_SIP_PORT: '5070' }).sipPort).toBe(5080);
    expect(settingsOf([], { OFFHOOK_SIP_PORT: '' }).sipPort).toBe(5060);
  });

  it('reads every default back from how it is shown', () => {
    for (const [key, row] of Object.entries(START_SETTINGS)) {
      const value = settingsOf([])[key as keyof typeof START_SETTINGS];
      if (value === undefined || typeof value === 'boolean') continue;
      expect([key, (row.kind as { read(text: string): unknown }).read((row.kind.show as (v: unknown) => string)(value))]).toEqual(
        [key, { ok: true, value }],
      );
    }
  });

  it('lengthens a list by repeating its flag or by commas, and takes the brackets off an address', () => {
    expect(settingsOf(['--sip-host', '127.0.0.1', '--sip-host=[::1]']).sipHost).toEqual(['127.0.0.1', '::1']);
    expect(settingsOf(['--domains', 'Example.com, 127.0.0.1,[::1]']).domains).toEqual(['example.com', '127.0.0.1', '[::1]']);
  });

  it('takes the last of a repeated single flag', () => {
    expect(settingsOf(['--sip-port', '1', '--sip-port', '2']).sipPort).toBe(2);
  });

  it('switches something on by a flag without value, or by 1 in the environment', () => {
    expect(settingsOf([]).noPersistence).toBe(false);
    expect(settingsOf(['--no-persistence']).noPersistence).toBe(true);
    expect(settingsOf([], { OFFHOOK_NO_PERSISTENCE: '1' }).noPersistence).toBe(true);
    expect(settingsOf([], { OFFHOOK_NO_PERSISTENCE: '0' }).noPersistence).toBe(false);
  });

  it('reports every problem at once, each by the name under which it was given', () => {
    const problems = problemsOf(['--sip-port', '70000', '--bogus', 'x', '--sip-host', 'pbx', 'stray', '--max-expires'], {
      OFFHOOK_TALKING: 'sometimes',
    });
    expect(problems.map(({ setting }) => setting).sort()).toEqual(
      ['--bogus', '--max-expires', '--sip-host', '--sip-port', 'OFFHOOK_TALKING', 'stray'].sort(),
    );
    expect(problems.find(({ setting }) => setting === '--sip-port')?.text).toBe(
      'must be a whole number from 0 to 65535, not "70000"',
    );
  });

  it('checks what settings must be in relation to each other', () => {
    const problems = problemsOf(['--min-expires', '2h', '--t1', '9s', '--backoff-min', '1m']);
    expect(problems.map(({ setting }) => setting)).toEqual([
      '--min-expires, --default-expires',
      '--t1, --t2',
      '--backoff-min, --backoff-max',
    ]);
    expect(problemsOf(['--min-expires', '1h', '--default-expires', '1h', '--max-expires', '1h'])).toEqual([]);
  });

  it('names what must be given', () => {
    const read = readSettings(SHIM_SETTINGS, [], {});
    expect(read.ok ? [] : read.problems.map(({ setting }) => setting)).toEqual([
      '--worker-url (OFFHOOK_WORKER_URL)',
      'OFFHOOK_TOKEN',
    ]);
  });

  it('takes secrets only from the environment, and repeats none', () => {
    const args = ['--worker-url', 'https://offhook.example.workers.dev/'];
    const given = readSettings(SHIM_SETTINGS, [...args, '--token', 'sesame.sesame'], {});
    expect(given).toMatchObject({
      ok: false,
      problems: [{ setting: '--token', text: 'is taken only from the environment: OFFHOOK_TOKEN' }, {}],
    });
    const garbled = readSettings(SHIM_SETTINGS, args, { OFFHOOK_TOKEN: 'sesame' });
    expect(garbled.ok).toBe(false);
    expect(JSON.stringify([given, garbled])).not.toContain('sesame');
    const good = readSettings(SHIM_SETTINGS, args, { OFFHOOK_TOKEN: 'a.b.c' });
    expect(good).toMatchObject({ ok: true, settings: { token: 'a.b.c', workerUrl: 'https://offhook.example.workers.dev' } });
  });

  it.each([
    ['--upstream', 'pbx.example.com'],
    ['--upstream', 'http://pbx'],
    ['--domains', 'a b'],
    ['--domains', '[::g]'],
    ['--site', 'two words'],
    ['--timer-c', '180s'],
    ['--t1', '500'],
    ['--dialog-cap', '25h'],
    ['--header-bytes', '1MiB'],
    ['--sip-port', '-1'],
    ['--sip-port', '5e3'],
    ['--bindings-per-user', '33'],
  ])('refuses %s %s', (flag, value) => {
    expect(problemsOf([`${flag}=${value}`]).map(({ setting }) => setting)).toEqual([flag]);
  });

  it.each([
    ['--upstream', 'sip:pbx.example.com'],
    ['--upstream', 'sip:trunk@[2001:db8::1]:5080;transport=tcp'],
  ])('takes %s %s', (flag, value) => {
    expect(problemsOf([flag, value])).toEqual([]);
  });

  it('never throws, whatever it is given', () => {
    const words = fc.oneof(
      fc.string(),
      fc.constantFrom('--sip-port', '--sip-port=', '--', '-', '--no-persistence=x', '--domains'),
    );
    fc.assert(fc.property(fc.array(words, { maxLength: 8 }), (args) => typeof start(args).ok === 'boolean'));
  });

  it('gives tables whose rows cannot be confused', () => {
    for (const table of [SHIM_SETTINGS, START_SETTINGS, TOKEN_SETTINGS]) {
      const keys = Object.keys(table);
      expect(new Set(keys.map(flagName)).size).toBe(keys.length);
      expect(new Set(keys.map(variableName)).size).toBe(keys.length);
    }
  });

  it("makes a valid site name of any host's name", () => {
    expect([siteOfHost('pbx-1.example.com'), siteOfHost("Anna's Mac"), siteOfHost('')]).toEqual([
      'pbx-1.example.com',
      'Anna-s-Mac',
      'site',
    ]);
    fc.assert(fc.property(fc.string(), (host) => /^[A-Za-z0-9._-]{1,64}$/.test(siteOfHost(host))));
  });
});

describe('Offhook configuration values', () => {
  it('reads durations with a unit, a bare number as seconds', () => {
    const kind = duration(1, 86_400_000 * 30);
    const read = (text: string) => {
      const reading = kind.read(text);
      return reading.ok ? reading.value : undefined;
    };
    expect(['500ms', '60', '60s', '1.5s', '2m', '4h', '30d', '0', '31d', '1w', '', '-1s'].map(read)).toEqual([
      500,
      60_000,
      60_000,
      1500,
      120_000,
      14_400_000,
      2_592_000_000,
      ...Array(5).fill(undefined),
    ]);
  });

  it('reads back every duration and size from how it is shown', () => {
    const [time, bytes] = [duration(0, 1e12), size(0, 1e12)];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 - 1 }), (value) => {
        expect(time.read(showDuration(value))).toEqual({ ok: true, value });
        expect(bytes.read(showSize(value))).toEqual({ ok: true, value });
      }),
    );
  });

  it('bounds lists', () => {
    expect(list(size(0, 9), 2).read('1,2,3').ok).toBe(false);
    expect(list(size(0, 9), 2).read('1,2,2,1').ok).toBe(true);
  });
});
