import { defaultOf, rowsOf } from './help.ts';
import { flagName, GROUPS, type Setting, sectionName, type Table, variableName } from './setting.ts';

const HEAD = `# Offhook's configuration file, with every setting at its default: take the # away from those that you change.
# \`offhook shim --config FILE\` reads it, and reads it again at SIGHUP. Flags and OFFHOOK_ variables go before it.
# Durations: "500ms", "60s", "2m", "4h"; a bare number is seconds. Sizes: "16KiB", "1MiB"; a bare number is bytes.
# Made by \`npm run docs\`.
`;

/** docs/offhook.example.toml: every setting that a file may hold, in its section, as a comment with its default. */
export function exampleFile(rows: Table): string {
  const sections = GROUPS.map((group) => {
    const lines = rowsOf(rows, group)
      .filter(([key, row]) => row.from !== 'flag' && key !== 'config')
      .map(([key, row]) => entry(key, row));
    return lines.length === 0 ? '' : `\n[${sectionName(group)}]\n\n${lines.join('\n')}`;
  });
  return `${HEAD}${sections.join('')}`;
}

function entry(key: string, row: Setting<unknown>): string {
  if (row.from === 'environment') return `# From the environment alone: ${variableName(key)}, ${row.doc}\n`;
  const { placeholder, range } = row.kind;
  const values = placeholder === '' ? '' : [placeholder, range].filter(Boolean).join(', ');
  const own = [values, row.defaultText === undefined ? '' : `default ${row.defaultText}`, row.required ? 'required' : ''].filter(
    Boolean,
  );
  return `# ${row.doc}${own.length === 0 ? '' : ` (${own.join('; ')})`}\n# ${flagName(key)} = ${shownValue(row)}\n`;
}

/** The value to show: the default, else an example, else what stands for one. */
function shownValue(row: Setting<unknown>): string {
  if (row.kind.placeholder === '') return String(defaultOf(row) === 'on');
  const shown = row.example ?? (row.defaultText === undefined ? defaultOf(row) : undefined) ?? row.kind.placeholder;
  if (shown === '') return '[]';
  if (row.kind.placeholder.endsWith(',...'))
    return `[${shown
      .replace(/,\.\.\.$/, '')
      .split(',')
      .map((part) => JSON.stringify(part))
      .join(', ')}]`;
  return /^\d+$/.test(shown) ? shown : JSON.stringify(shown);
}
