import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMANDS } from '../cli/commands.ts';
import { FILE_SETTINGS } from '../config.ts';
import { exampleFile } from './example.ts';
import { reference } from './reference.ts';

/** `npm run docs`: puts the tables made from the settings into docs/configuration.md, between its two marks; and makes the example file. */
export const CONFIGURATION = join(import.meta.dirname, '../../docs/configuration.md');
export const EXAMPLE = join(import.meta.dirname, '../../docs/offhook.example.toml');

const BEGIN = '<!-- settings: made by `npm run docs` -->\n';
const END = '<!-- end of settings -->\n';

/** The page with its tables as they should be. Throws where a mark is missing. */
export function withReference(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/configuration.md lacks its marks: ${BEGIN.trim()} and ${END.trim()}`);
  const tables = reference(Object.fromEntries(Object.entries(COMMANDS).map(([name, { settings }]) => [name, settings])));
  return `${page.slice(0, begin + BEGIN.length)}\n${tables}\n${page.slice(end)}`;
}

/** The example file as it should be. */
export const example = (): string => exampleFile(FILE_SETTINGS);

if (import.meta.main) {
  await writeFile(EXAMPLE, example());
  await writeFile(CONFIGURATION, withReference(await readFile(CONFIGURATION, 'utf8')));
}
