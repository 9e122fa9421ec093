import { exampleFile } from '../../../shim/config/example.ts';
import { FILE_SETTINGS, readSettings, SHIM_SETTINGS, showProblems } from '../../../shim/config.ts';
import { elementSettings } from '../../../shim/element-settings.ts';
import { worstGhost } from '../../../shim/ghost.ts';
import { mutate, pick } from '../../support/mutate.ts';
import { type Mutation, must, type Target } from '../target.ts';

const ENVIRONMENT = { OFFHOOK_TOKEN: 'none.none.none', OFFHOOK_WORKER_URL: 'http://127.0.0.1:8787' };

/** Every setting with a value, a few sections of them at a time: a whole file has mostly more than one thing wrong. */
const SECTIONS = exampleFile(FILE_SETTINGS)
  .replace(/^# ([\w-]+ = .*)$/gm, '$1')
  .split(/\n(?=\[)/)
  .map((section) => section.replaceAll('\n', '\r\n'));

const WHOLE = [
  '[addresses]',
  'sip-host = ["127.0.0.1", "::1"]   # a list',
  'domains = "Example.com, example.org"',
  '[registrar]',
  'min-expires = 90',
  'max-expires = "4h"',
  '"default-expires" = \'1h\'',
  '[state]',
  'no-persistence = true',
  '[messages-and-connections]',
  'body-bytes = """128KiB"""',
  '',
].join('\r\n');

/** What upsets readers of TOML, or is a value of another kind. */
const SPICE = [
  ...[
    '"',
    "'",
    '"""',
    "'''",
    '[',
    '[[',
    ']',
    '{',
    '}',
    '{a=1}',
    '=',
    '.',
    '#',
    ',',
    '\\',
    '\\u0000',
    '\\ud800',
    '\n',
    '\ufeff',
    '\0',
  ],
  ...['nan', '-inf', '1e400', '0x7fffffffffffffff', '0b1', '1_000', '-0', '99999999999999999999', 'true', '[]', '[[1]]', '""'],
  ...['1979-05-27T07:32:00Z', '07:32:00', '__proto__', 'constructor', '"9999d"', '"-1s"', '"1e3s"', '"0"', '"\xff"'],
];

const mutateToml: Mutation = (input, other, chance) => {
  let text = chance() < 0.5 ? input : mutate(input, other, chance);
  for (let left = Math.floor(chance() * 4); left > 0; left--) {
    const spice = pick(chance, SPICE);
    if (chance() < 0.5) text = text.replace(/= .*/g, (value) => (chance() < 0.05 ? `= ${spice}` : value));
    else {
      const at = Math.floor(chance() * text.length);
      text = text.slice(0, at) + spice + text.slice(at);
    }
  }
  return text;
};

/** The configuration file: settings that can be started with, or problems with a line and column that the file has. */
export const toml: Target = {
  name: 'toml',
  seeds: [WHOLE, ...SECTIONS, `${WHOLE}${SECTIONS.slice(-2).join('\r\n')}`],
  mutate: mutateToml,
  run(input) {
    const source = { rows: FILE_SETTINGS, open: () => ({ name: 'offhook.toml', text: input }) };
    const rows = input.split('\n').length;
    const read = readSettings(SHIM_SETTINGS, [], ENVIRONMENT, source);
    if (!read.ok) {
      must(read.problems.length > 0, 'refused, and no problem told');
      for (const { setting, text } of read.problems) {
        must(
          text !== '' && text.length < 1000 && setting.length < 300,
          `a problem of ${setting.length} and ${text.length} characters`,
        );
        const [, line, column] = /^offhook\.toml:(\d+):(\d+)/.exec(setting) ?? [];
        must(line === undefined || (Number(line) >= 1 && Number(line) <= rows && Number(column) >= 1), `a problem at ${setting}`);
      }
      showProblems(read.problems);
      return;
    }
    elementSettings(read.settings, { epoch: 1, chance: () => 0.5 });
    worstGhost(read.settings);
  },
};
