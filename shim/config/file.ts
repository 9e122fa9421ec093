import { parse, TomlError } from 'smol-toml';
import { defaultOf } from './help.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { flagName, type Setting, sectionName, type Table, variableName } from './setting.ts';
import { tomlKeys } from './toml-keys.ts';

/** A configuration file that was found. */
export interface FileText {
  /** As it was named; stands before each of its problems. */
  readonly name: string;
  readonly text: string;
}

/** What a file gives: for each setting its text, as a variable would hold it, and where it stands. */
export interface FileValues {
  readonly values: ReadonlyMap<string, { readonly source: string; readonly text: string }>;
  readonly problems: readonly Problem[];
}

/** The values of a file that are none, or of no setting that may stand there. Sections have the names of the groups. */
export function readFileValues(rows: Table, { name, text }: FileText): FileValues {
  const values = new Map<string, { source: string; text: string }>();
  const problems: Problem[] = [];
  let toml: Record<string, unknown>;
  try {
    toml = parse(text);
  } catch (error) {
    return { values, problems: [syntaxProblem(name, error)] };
  }
  const places = tomlKeys(text);
  const source = (path: readonly string[]) => {
    let place = places.get(path.join('.'));
    for (let n = path.length - 1; place === undefined && n > 0; n--) place = places.get(path.slice(0, n).join('.'));
    return `${name}:${place?.line ?? 1}:${place?.column ?? 1}: ${path.map(shown).join('.')}`;
  };
  const problem = (path: readonly string[], what: string) => problems.push({ setting: source(path), text: what });
  const settings = new Map(
    (Object.entries(rows) as [string, Setting<unknown>][]).map(([key, row]) => [flagName(key), { key, row }]),
  );
  const sections = new Set([...settings.values()].map(({ row }) => sectionName(row.group)));

  for (const [section, content] of Object.entries(toml)) {
    if (!isTable(content)) {
      const found = settings.get(section);
      problem([section], found ? belongs(found.row) : unknown('section', section, sections));
      continue;
    }
    if (!sections.has(section)) {
      problem([section], unknown('section', section, sections));
      continue;
    }
    for (const [key, value] of Object.entries(content)) {
      const found = settings.get(key);
      const path = [section, key];
      if (found === undefined) problem(path, unknown('setting', key, settings.keys()));
      else if (found.row.from === 'environment') problem(path, `is taken only from the environment: ${variableName(found.key)}`);
      else if (found.row.from === 'flag' || found.key === 'config') problem(path, 'does not stand in a file');
      else if (sectionName(found.row.group) !== section) problem(path, belongs(found.row));
      else if (!isDefaultList(value, found.row)) {
        const read = textOf(value, found.row);
        if (read === undefined) problem(path, `must be ${wanted(found.row)}`);
        else values.set(found.key, { source: source(path), text: read });
      }
    }
  }
  return { values, problems };
}

/** `registrar.min-expires = 60` and `["a", "b"]` as a flag would say it: `60`, `a,b`. Undefined where it can be no value of that setting. */
function textOf(value: unknown, row: Setting<unknown>): string | undefined {
  if (typeof value === 'boolean') return row.kind.placeholder === '' ? String(value) : undefined;
  if (row.kind.placeholder === '') return undefined;
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (!Array.isArray(value) || !isList(row) || value.length === 0) return undefined;
  const parts = value.map((part) => (Array.isArray(part) ? undefined : textOf(part, row)));
  return parts.every((part) => part !== undefined) ? parts.join(',') : undefined;
}

/** An empty list, where that is the default. */
const isDefaultList = (value: unknown, row: Setting<unknown>) =>
  Array.isArray(value) && value.length === 0 && isList(row) && defaultOf(row) === '';

const isList = (row: Setting<unknown>) => row.kind.placeholder.endsWith(',...');

function wanted(row: Setting<unknown>): string {
  if (row.kind.placeholder === '') return 'true or false';
  return isList(row) ? 'a list with something in it, or a text' : 'a text or a number';
}

const belongs = (row: Setting<unknown>) => `belongs in the section [${sectionName(row.group)}]`;

function unknown(what: string, name: string, names: Iterable<string>): string {
  const near = nearest(name, names);
  return `is no ${what}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function syntaxProblem(name: string, error: unknown): Problem {
  const reason = (error as Error).message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '';
  const place = error instanceof TomlError ? `:${error.line}:${error.column}` : '';
  return { setting: `${name}${place}`, text: `is not TOML: ${reason}` };
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** A key in a problem: bounded, and quoted where it is not bare. */
const shown = (key: string) => (/^[\w-]{1,80}$/.test(key) ? key : JSON.stringify(key.slice(0, 80)));
