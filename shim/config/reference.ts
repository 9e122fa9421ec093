import { defaultOf, rowsOf } from './help.ts';
import { LIVE } from './live.ts';
import { flagName, GROUPS, type Setting, type Table, variableName } from './setting.ts';

/** The tables of docs/configuration.md: every setting once, grouped, with the commands that take it. */
export function reference(commands: { readonly [command: string]: Table }): string {
  const merged: Table = Object.assign({}, ...Object.values(commands).reverse());
  const sections: string[] = [];
  for (const group of GROUPS) {
    const rows = rowsOf(merged, group);
    if (rows.length === 0) continue;
    const lines = rows.map(([key, row]) => line(key, row, usersOf(key, commands)));
    sections.push(
      [
        `## ${group}`,
        '',
        '| Flag | Variable | Value | Default | What it is | Reload | Commands |',
        '| --- | --- | --- | --- | --- | --- | --- |',
        ...lines,
      ].join('\n'),
    );
  }
  return `${sections.join('\n\n')}\n`;
}

function usersOf(key: string, commands: { readonly [command: string]: Table }): string[] {
  return Object.keys(commands).filter((command) => Object.hasOwn(commands[command] as Table, key));
}

function line(key: string, row: Setting<unknown>, users: readonly string[]): string {
  const flag = row.from === 'environment' ? '' : `\`--${flagName(key)}\``;
  const variable = row.from === 'flag' ? '' : `\`${variableName(key)}\``;
  const value = [row.kind.placeholder === '' ? '' : `\`${row.kind.placeholder}\``, row.kind.range].filter(Boolean).join(', ');
  const fallback = row.required ? 'required' : row.defaultText !== undefined ? row.defaultText : code(defaultOf(row));
  return `| ${[flag, variable, value, fallback, row.doc, LIVE.has(key) ? 'yes' : '', users.join(', ')].map(cell).join(' | ')} |`;
}

const code = (text: string | undefined) => (text === undefined ? '' : `\`${text}\``);

/** A bar would end the cell. */
const cell = (text: string) => text.replaceAll('|', '\\|');
