import { flagName, GROUPS, type Setting, type Table, variableName } from './setting.ts';

/** The options part of a command's `--help`, grouped, made from its table. Lines are at most `width` characters. */
export function optionsHelp(table: Table, width = 100): string {
  const sections: string[] = [];
  for (const group of GROUPS) {
    const rows = rowsOf(table, group);
    if (rows.length === 0) continue;
    sections.push(`${group}:\n${rows.map(([key, row]) => option(key, row, width)).join('\n')}`);
  }
  return sections.join('\n\n');
}

/** The rows of one group, in the table's order. */
export function rowsOf(table: Table, group: string): [string, Setting<unknown>][] {
  return (Object.entries(table) as [string, Setting<unknown>][]).filter(([, row]) => row.group === group);
}

/** The default in words; undefined where there is none. */
export function defaultOf(row: Setting<unknown>): string | undefined {
  if (row.required) return undefined;
  if (row.defaultText !== undefined) return row.defaultText;
  const value = typeof row.default === 'function' ? row.default() : row.default;
  return value === undefined ? undefined : (row.kind.show as (value: unknown) => string)(value);
}

function option(key: string, row: Setting<unknown>, width: number): string {
  const name = row.from === 'environment' ? variableName(key) : `--${flagName(key)}`;
  const head = `  ${name}${row.kind.placeholder === '' || row.from === 'environment' ? '' : ` ${row.kind.placeholder}`}`;
  const notes = [
    row.kind.range,
    row.required ? 'required' : '',
    row.kind.placeholder === '' || defaultOf(row) === undefined ? '' : `default ${defaultOf(row)}`,
    row.from === 'environment' ? 'environment only' : '',
  ].filter(Boolean);
  return `${head}\n${wrap(`${row.doc}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`, 6, width)}`;
}

function wrap(text: string, indent: number, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => ' '.repeat(indent) + each).join('\n');
}
