import { parseArgs } from 'node:util';
import { type FileValues, readFileValues } from './file.ts';
import { nearest } from './nearest.ts';
import type { OpenFile } from './open.ts';
import type { Problem } from './problem.ts';
import { relationProblems } from './relations.ts';
import { flagName, type Setting, type Table, type Values, variableName } from './setting.ts';

export type ReadSettings<T> =
  | { readonly ok: true; readonly settings: Values<T> }
  | { readonly ok: false; readonly problems: Problem[] };

/** Environment variables: what `process.env` is. */
export type Environment = { readonly [name: string]: string | undefined };

/** What may stand in the configuration file, whichever command reads it: one file serves them all. */
export interface FileSource {
  readonly open: OpenFile;
  readonly rows: Table;
}

/**
 * Reads the settings of a table. A flag goes before a variable, a variable before the file, the file before the default; an empty variable
 * counts as not given. Every problem is reported, not only the first.
 */
export function readSettings<const T extends Table>(
  table: T,
  args: readonly string[],
  env: Environment,
  source?: FileSource,
): ReadSettings<T> {
  const { flags, problems } = readFlags(table, args);
  const file = source && Object.hasOwn(table, 'config') ? fromFile(source, table, flags, env) : NO_FILE;
  problems.push(...file.problems);
  const values: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(table) as [string, Setting<unknown>][]) {
    const given = givenValue(key, row, flags, env) ?? file.values.get(key);
    if (given === undefined) {
      if (row.required) problems.push({ setting: sources(key, row), text: `must be given: ${row.doc}` });
      else values[key] = typeof row.default === 'function' ? row.default() : row.default;
      continue;
    }
    const reading = row.kind.read(given.text);
    if (reading.ok) values[key] = reading.value;
    else problems.push({ setting: given.source, text: `must be ${reading.expected}${told(given.text, row)}` });
  }
  const nameOf = (key: string) => (flags.has(flagName(key)) ? undefined : file.values.get(key)?.source) ?? `--${flagName(key)}`;
  problems.push(...relationProblems(values, nameOf));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, settings: values as Values<T> };
}

const NO_FILE: FileValues = { values: new Map(), problems: [] };

/** The values of the configuration file. Those that this command has no use for are checked too. */
function fromFile({ open, rows }: FileSource, table: Table, flags: Flags['flags'], env: Environment): FileValues {
  const asked = givenValue('config', table.config as Setting<unknown>, flags, env);
  const file = open(asked?.text);
  if (file === undefined) return NO_FILE;
  if ('trouble' in file) return { values: new Map(), problems: [{ setting: file.name, text: file.trouble }] };
  const { values, problems } = readFileValues(rows, file);
  const others = [...values].flatMap(([key, { source, text }]): Problem[] => {
    const row = Object.hasOwn(table, key) ? undefined : (rows[key] as Setting<unknown>);
    const reading = row?.kind.read(text);
    return row && reading && !reading.ok ? [{ setting: source, text: `must be ${reading.expected}${told(text, row)}` }] : [];
  });
  return { values, problems: [...problems, ...others] };
}

interface Flags {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly problems: Problem[];
}

/** The flags as given; unknown ones, ones without their value, and stray words are problems. */
function readFlags(table: Table, args: readonly string[]): Flags {
  const rows = new Map(
    (Object.entries(table) as [string, Setting<unknown>][])
      .filter(([, row]) => row.from !== 'environment')
      .map(([key, row]) => [flagName(key), row] as const),
  );
  const options = Object.fromEntries(
    [...rows].map(([name, row]) => [name, { type: row.kind.placeholder === '' ? 'boolean' : 'string', multiple: true } as const]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const flags = new Map<string, string[]>();
  const problems: Problem[] = [];
  let afterUnknown = false;
  for (const token of tokens) {
    // The word after an unknown flag is most likely its value, and may be a secret: it is not repeated.
    if (token.kind === 'positional' && !afterUnknown)
      problems.push({ setting: token.value.slice(0, 80), text: 'is not understood here' });
    afterUnknown = token.kind === 'option' && !rows.has(token.name);
    if (token.kind !== 'option') continue;
    const row = token.rawName.startsWith('--') ? rows.get(token.name) : undefined;
    if (!row) problems.push({ setting: token.rawName.slice(0, 80), text: unknownFlag(table, token.name) });
    else if (row.kind.placeholder !== '' && (token.value === undefined || token.value === ''))
      problems.push({ setting: token.rawName, text: `needs a value: ${row.kind.placeholder}` });
    else flags.set(token.name, [...(flags.get(token.name) ?? []), token.value ?? '1']);
  }
  return { flags, problems };
}

function unknownFlag(table: Table, name: string): string {
  const key = Object.keys(table).find((candidate) => flagName(candidate) === name);
  if (key !== undefined) return `is taken only from the environment: ${variableName(key)}`;
  const near = nearest(name, (Object.keys(table) as string[]).map(flagName));
  return `is no option of this command${near === undefined ? '' : `; did you mean --${near}?`}`;
}

function givenValue(key: string, row: Setting<unknown>, flags: Flags['flags'], env: Environment) {
  const flag = flags.get(flagName(key));
  if (flag) {
    // Repeating a flag lengthens a list; of a single value the last one counts, as everywhere.
    const text = row.kind.placeholder.endsWith(',...') ? flag.join(',') : (flag.at(-1) as string);
    return { source: `--${flagName(key)}`, text };
  }
  const variable = row.from === 'flag' ? undefined : env[variableName(key)];
  return variable ? { source: variableName(key), text: variable } : undefined;
}

/** Both names under which a setting may be given. */
function sources(key: string, row: Setting<unknown>): string {
  if (row.from === 'environment') return variableName(key);
  return row.from === 'flag' ? `--${flagName(key)}` : `--${flagName(key)} (${variableName(key)})`;
}

/** What was given instead; never of a secret. */
function told(text: string, row: Setting<unknown>): string {
  return row.from === 'environment' ? '' : `, not ${JSON.stringify(text.slice(0, 80))}`;
}
