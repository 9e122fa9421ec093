import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { openFile } from '../../shim/config/open.ts';
import type { Setting } from '../../shim/config/setting.ts';
import { tomlKeys } from '../../shim/config/toml-keys.ts';
import { EXAMPLE } from '../../shim/config/write-reference.ts';
import { FILE_SETTINGS, readSettings, SHIM_SETTINGS, START_SETTINGS, showProblems } from '../../shim/config.ts';

/** Reads a file of that text, with flags and variables. */
function read(text: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  return readSettings(START_SETTINGS, args, env, { rows: FILE_SETTINGS, open: () => ({ name: 'offhook.toml', text }) });
}

function settingsOf(...given: Parameters<typeof read>) {
  const result = read(...given);
  if (!result.ok) throw new Error(showProblems(result.problems));
  return result.settings;
}

function problemsOf(...given: Parameters<typeof read>): string[] {
  const result = read(...given);
  return result.ok ? [] : showProblems(result.problems).split('\n');
}

const WHOLE = `
[addresses]
sip-host = ["127.0.0.1", "::1"]   # a list
sip-port = 5070
domains = "Example.com, example.org"

[registrar]
min-expires = 90
max-expires = "4h"

[state]
no-persistence = true

[messages-and-connections]
body-bytes = "128KiB"
`;

describe('Offhook configuration file', () => {
  it('gives every kind of value', () => {
    expect(settingsOf(WHOLE)).toMatchObject({
      sipHost: ['127.0.0.1', '::1'],
      sipPort: 5070,
      domains: ['example.com', 'example.org'],
      minExpires: 90_000,
      maxExpires: 14_400_000,
      noPersistence: true,
      bodyBytes: 131_072,
    });
  });

  it('goes before the default, and behind variable and flag', () => {
    const file = '[addresses]\nsip-port = 5070';
    expect(settingsOf('').sipPort).toBe(5060);
    expect(settingsOf(file).sipPort).toBe(5070);
    expect(settingsOf(file, [], { OFFHOOK_SIP_PORT: '5071' }).sipPort).toBe(5071);
    expect(settingsOf(file, ['--sip-port=5072'], { OFFHOOK_SIP_PORT: '5071' }).sipPort).toBe(5072);
  });

  it('reports all that is wrong at once, each with line, column and key, with what flags and variables have wrong', () => {
    const file = `[addresses]
sip-port = 99999
sip-prot = 5060
  domains = ["a b"]

[registar]
min-expires = 60

[registrar]
min-expires = "3h"
t1 = 500
default-expires = [60]
max-expires = 1979-05-27

[state]
no-persistence = "yes"
state-dir = true
config = "other.toml"

[worker]
token = "sesame"

[presence]
site = ""
`;
    expect(problemsOf(file, ['--timer-c=1s'], { OFFHOOK_TALKING: 'never' }).toSorted()).toEqual(
      [
        '--timer-c: must be a duration from 181s to 1h (units ms, s, m, h, d; a bare number is seconds), not "1s"',
        'OFFHOOK_TALKING: must be one of auto, on-answer, on-ack, not "never"',
        'offhook.toml:2:1: addresses.sip-port: must be a whole number from 0 to 65535, not "99999"',
        'offhook.toml:3:1: addresses.sip-prot: is no setting; did you mean sip-port?',
        'offhook.toml:4:3: addresses.domains: must be a comma-separated list, each a host name, an IPv4 address, or an IPv6 address in brackets; "a b" is not, not "a b"',
        'offhook.toml:6:1: registar: is no section; did you mean registrar?',
        'offhook.toml:10:1: registrar.min-expires, --default-expires: 3h must not be greater than 1h, or a telephone that names no time would be refused',
        'offhook.toml:11:1: registrar.t1: belongs in the section [calls-and-transactions]',
        'offhook.toml:12:1: registrar.default-expires: must be a text or a number',
        'offhook.toml:13:1: registrar.max-expires: must be a text or a number',
        'offhook.toml:16:1: state.no-persistence: must be true or false',
        'offhook.toml:17:1: state.state-dir: must be a text or a number',
        'offhook.toml:18:1: state.config: does not stand in a file',
        'offhook.toml:21:1: worker.token: is taken only from the environment: OFFHOOK_TOKEN',
        'offhook.toml:24:1: presence.site: must be a text or a number',
      ].toSorted(),
    );
  });

  it('repeats no secret that stands in it by mistake', () => {
    expect(problemsOf('[worker]\ntoken = "sesame"\n[token]\nsecret = "sesame"').join()).not.toContain('sesame');
  });

  it('says where a text is not TOML', () => {
    expect(problemsOf('[addresses]\nsip-port = = 5060')).toEqual([expect.stringMatching(/^offhook\.toml:2:\d+: is not TOML: /)]);
  });

  it('checks the values that another command reads, too', () => {
    const shim = (text: string) =>
      readSettings(
        SHIM_SETTINGS,
        ['--worker-url=https://w.example'],
        { OFFHOOK_TOKEN: 'a.b.c' },
        {
          rows: FILE_SETTINGS,
          open: () => ({ name: 'f', text }),
        },
      );
    expect(shim('[addresses]\nhttp-port = 8080').ok).toBe(true);
    expect(shim('[addresses]\nhttp-port = "x"')).toMatchObject({
      problems: [{ setting: 'f:2:1: addresses.http-port', text: 'must be a whole number from 0 to 65535, not "x"' }],
    });
  });

  it('never throws, whatever it holds', () => {
    const words = fc.constantFrom(
      '[addresses]',
      '[',
      ']',
      'sip-port',
      '=',
      '5060',
      '"',
      "'''",
      '\n',
      '#',
      '{',
      '}',
      ',',
      '.',
      '__proto__',
      ' ',
    );
    fc.assert(fc.property(fc.array(words, { maxLength: 12 }), (parts) => typeof read(parts.join('')).ok === 'boolean'));
  });
});

describe('Offhook configuration file: which one', () => {
  it('is the one that is named by flag or variable; one that is not there is a problem', () => {
    const asked: (string | undefined)[] = [];
    const open = (name: string | undefined) => {
      asked.push(name);
      return undefined;
    };
    readSettings(START_SETTINGS, ['--config', 'a.toml'], { OFFHOOK_CONFIG: 'b.toml' }, { rows: FILE_SETTINGS, open });
    readSettings(START_SETTINGS, [], { OFFHOOK_CONFIG: 'b.toml' }, { rows: FILE_SETTINGS, open });
    readSettings(START_SETTINGS, [], {}, { rows: FILE_SETTINGS, open });
    expect(asked).toEqual(['a.toml', 'b.toml', undefined]);
    const missing = readSettings(START_SETTINGS, ['--config=/nowhere.toml'], {}, { rows: FILE_SETTINGS, open: openFile });
    expect(missing).toMatchObject({ ok: false, problems: [{ setting: '/nowhere.toml', text: 'is not there' }] });
  });

  it('is read from the disk; a folder is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'offhook-config-'));
    const file = join(folder, 'offhook.toml');
    await writeFile(file, 'a = 1');
    expect(openFile(file)).toEqual({ name: file, text: 'a = 1' });
    expect(openFile(folder)).toMatchObject({ trouble: expect.stringContaining('cannot be read') });
    await rm(folder, { recursive: true });
  });
});

describe('Offhook configuration file: the example', () => {
  it('holds every setting, which with the # taken away is the default or an example, and is valid', async () => {
    const text = (await readFile(EXAMPLE, 'utf8')).replace(/^# ([a-z0-9-]+ = )/gm, '$1');
    const told = Object.values(parse(text)).flatMap((section) => Object.keys(section));
    const rows = Object.entries(FILE_SETTINGS).filter(([key, row]) => row.from === 'flag and environment' && key !== 'config');
    expect(told).toHaveLength(rows.length);
    // What has neither default nor example is shown by what stands for a value.
    const { ok: _, ...rest } = read(text.replace(/^.* = \[?"<.*\n/gm, '')) as {
      ok: boolean;
      settings?: object;
      problems?: unknown;
    };
    const examples = (Object.entries(START_SETTINGS) as [string, Setting<unknown>][]).flatMap(([key, row]) => {
      const reading = row.example === undefined ? undefined : row.kind.read(row.example);
      return reading?.ok ? [[key, reading.value]] : [];
    });
    expect(rest).toEqual({ settings: { ...settingsOf(''), ...Object.fromEntries(examples) } });
  });
});

describe('Offhook configuration file: places of keys', () => {
  it.each([
    ['a = 1', { a: '1:1' }],
    ['\n  [s] # c\n\tk = 1', { s: '2:3', 's.k': '3:2' }],
    ['[s]\r\nk = 1\r\nl = 2', { s: '1:1', 's.k': '2:1', 's.l': '3:1' }],
    ['[s]\nk = """\nx = 1\n"y"""" # q\nl = 2', { 's.k': '2:1', 's.l': '5:1' }],
    ["[s]\nk = '''\n\\'''\nl = 'a\\'\nm = 1", { 's.k': '2:1', 's.l': '4:1', 's.m': '5:1' }],
    ['[s]\nk = [ # ]\n "a]", [1],\n]\nl = "#"\nm = { a = 1 }\nn = "\\"]"\no = 1', { 's.l': '5:1', 's.m': '6:1', 's.o': '8:1' }],
    ['s.k = 1\n"s" . \'l.m\' = 2', { s: '1:1', 's.k': '1:1', 's.l.m': '2:1' }],
    ['[[s]]\nk = 1\n[ t . u ]\nk = 2', { s: '1:1', 's.k': '2:1', 't.u': '3:1', 't.u.k': '4:1' }],
  ])('finds them in %j', (text, expected) => {
    expect(() => parse(text)).not.toThrow();
    const places = Object.fromEntries([...tomlKeys(text)].map(([key, { line, column }]) => [key, `${line}:${column}`]));
    expect(places).toMatchObject(expected);
  });

  it('ends on every text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('[', ']', '"', "'", '\\', '\n', '=', 'a', '.', '#', '{') }),
        (text) => tomlKeys(text).size >= 0,
      ),
    );
  });
});
