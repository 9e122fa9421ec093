/**
 * Builds the table *specification -> tests* of test/README.md from the titles of the tests: the first describe of a file names the
 * specification (`FIG. 8 ...`, `RFC 3261 17.2.2 ...`, `Offhook ...`), each `it` is a sentence. The files are read, not run.
 *
 * Below it stands the table of RFC 4475's messages, made from `test/sip/rfc4475.ts`.
 *
 * `node test/support/specification-table.ts` (`npm run test:table`) rewrites what is between the marks.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { tortureTable } from '../sip/rfc4475.ts';

export interface SourceFile {
  /** Relative to the folder of the README. */
  readonly path: string;
  readonly text: string;
}

export interface Specification {
  readonly name: string;
  readonly path: string;
  readonly sentences: readonly string[];
}

const BEGIN = '<!-- specification table: npm run test:table -->';
const END = '<!-- end of the specification table -->';
const TORTURE = `## RFC 4475: what is asked, and what the shim does

Each message is a file of its section's name in \`sip/fixtures/rfc4475\`; each row is held against the whole shim by \`sip/rfc4475.test.ts\`.`;

/** The top-level describes of one test file, each with the sentences below it; nested describes go before their sentences. */
export function specificationsOf({ path, text }: SourceFile): Specification[] {
  const found: { name: string; path: string; sentences: string[] }[] = [];
  let current: string[] = [];
  const nested: { indent: number; title: string }[] = [];
  const call = /^( *)(describe|it|test)((?:\.\w+)*)\(/gm;
  for (let match = call.exec(text); match; match = call.exec(text)) {
    const [, spaces = '', kind = '', chain = ''] = match;
    const title = titleAt(text, chain.includes('.each') ? afterArguments(text, call.lastIndex) : call.lastIndex);
    if (title === undefined) continue;
    const indent = spaces.length;
    if (kind === 'describe' && indent === 0) {
      nested.length = 0;
      current = [];
      for (const name of title.startsWith('%s') ? namesAbove(text.slice(0, match.index)) : [title]) {
        // One list for all names of a parametrised describe: each of them has every sentence.
        found.push({ name, path, sentences: current });
      }
      continue;
    }
    while (nested.length > 0 && (nested.at(-1)?.indent ?? 0) >= indent) nested.pop();
    if (kind === 'describe') nested.push({ indent, title });
    else current.push([...nested.map((part) => part.title), title].join(': '));
  }
  return found;
}

/** The table in Markdown: figures first, then RFCs by number and section, then what is Offhook's own. */
export function specificationTable(files: readonly SourceFile[]): string {
  const rows = files
    .flatMap(specificationsOf)
    .filter((specification) => specification.sentences.length > 0)
    .sort((a, b) => compare(sortKey(a.name), sortKey(b.name)) || compare(a.path, b.path))
    .map(({ name, path, sentences }) => `| ${cell(name)} | ${sentences.map(cell).join('<br>')} | [${path}](${path}) |`);
  return ['| Specification | Shown by | File |', '| --- | --- | --- |', ...rows].join('\n');
}

/** The README with what is made put between its two marks. */
export function withTable(readme: string, made: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the README lacks its marks ${BEGIN} and ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${made}\n\n${readme.slice(end)}`;
}

/** The README of that folder with both tables as they are now. */
export function madeReadme(readme: string, folder: string): string {
  return withTable(readme, [specificationTable(testFilesIn(folder)), TORTURE, tortureTable()].join('\n\n'));
}

/** All test files below a folder, in a stable order. */
export function testFilesIn(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(folder, file), text: readFileSync(file, 'utf8') }));
}

/** The names that a parametrised describe takes from a table above it: lines of the table that are nothing but a string. */
function namesAbove(text: string): string[] {
  return Array.from(text.matchAll(/^ +\[?['"]((?:FIG\.|RFC|Offhook) [^'"]+)['"],$/gm), (match) => match[1] ?? '');
}

/** Where the second argument list of `it.each(...)(` begins. */
function afterArguments(text: string, from: number): number {
  let depth = 1;
  let at = from;
  for (; at < text.length && depth > 0; at++) {
    const char = text[at] as string;
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === "'" || char === '"' || char === '`') at = closingQuote(text, at);
  }
  return text[at] === '(' ? at + 1 : at;
}

/** The string literal that stands first at that place, as its reader sees it, or undefined. */
function titleAt(text: string, from: number): string | undefined {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n') at++;
  if (!/['"`]/.test(text[at] ?? '')) return undefined;
  return text
    .slice(at + 1, closingQuote(text, at))
    .replace(/\\(.)/g, '$1')
    .replace(/\$\{[^}]*\}/g, '...');
}

function closingQuote(text: string, open: number): number {
  let at = open + 1;
  while (at < text.length && text[at] !== text[open]) at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Figures, then RFCs, then the rest; numbers within compare as numbers. */
function sortKey(name: string): string {
  const group = name.startsWith('FIG.') ? 0 : name.startsWith('RFC') ? 1 : 2;
  return group + name.replace(/\d+/g, (digits) => digits.padStart(6, '0'));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** A vertical bar ends a cell, `<` begins a tag. */
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

if (import.meta.main) {
  const folder = join(import.meta.dirname, '..');
  const readme = join(folder, 'README.md');
  writeFileSync(readme, madeReadme(readFileSync(readme, 'utf8'), folder));
}
