/**
 * Holds docs/api.md to what it tells of: each request of the OpenAPI document is a row with its scope, each field of the presence document has
 * a line that names its values, each command is in the table of commands, and none is there besides. `node test/support/api-page.ts`
 * (`npm run test:api`) names what differs, and fails then.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { COMMANDS } from '../../shim/cli/commands.ts';
import type { Document } from './contract.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the page lacks, and what it has besides. */
export interface Difference {
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
}

/** The OpenAPI document of the Worker's sources, made without a Worker; of `cloudflare:workers` it needs no more than that there is such a module. */
export async function sourceDocument(): Promise<Document> {
  const { openapi } = await import(join(ROOT, 'worker/routes/openapi.ts'));
  const { ALL_OPERATIONS } = await import(join(ROOT, 'worker/routes/operations/index.ts'));
  return openapi(ALL_OPERATIONS);
}

/** The text of docs/api.md. */
export function apiPage(): string {
  return readFileSync(join(ROOT, 'docs/api.md'), 'utf8');
}

/** Requests with their scopes: `GET /v1/presence/{user} read`. */
export function requestsDifference({ paths }: Document, page: string): Difference {
  const declared = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { security }]) => `${method.toUpperCase()} ${path} ${security[0]?.bearer[0] ?? '-'}`),
  );
  const rows = [...page.matchAll(/^\| `([A-Z]+ \/\S*)` \| (\S+) \|/gm)].map(([, request, scope]) => `${request} ${scope}`);
  return difference(declared, rows);
}

/** Fields of the presence document, those of what is in it with a dot: `calls.peer.uri`; and the values that one can have: `calls.state early`. */
export function fieldsDifference({ components: { schemas } }: Document, page: string): Difference {
  const rows = new Map(rowsOf(page, 'The presence document').map((row) => [/^\| `([\w.]+)` \|/.exec(row)?.[1] ?? row, row]));
  const fields = fieldsOf({ $ref: '#/components/schemas/Presence' }, schemas, '');
  const names = difference([...fields.keys()], [...rows.keys()]);
  const values = [...fields].flatMap(([field, all]) =>
    all.filter((value) => rows.get(field)?.includes(`\`${value}\``) === false).map((value) => `${field} ${value}`),
  );
  return { missing: [...names.missing, ...values], unknown: names.unknown };
}

/** Commands: the scripts of package.json, and those of `offhook`. */
export function commandsDifference(page: string): Difference {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const short = ['start', 'test'];
  const declared = [
    ...Object.keys(scripts).map((name) => (short.includes(name) ? `npm ${name}` : `npm run ${name}`)),
    ...Object.keys(COMMANDS).map((name) => `npx offhook ${name}`),
  ];
  return difference(
    declared,
    rowsOf(page, 'Commands').map((row) => /^\| `([^`]+)` \|/.exec(row)?.[1] ?? row),
  );
}

/** The rows of the table in a section, without its head. */
function rowsOf(page: string, section: string): string[] {
  const [, text = ''] = page.split(`\n## ${section}\n`);
  const [own = ''] = text.split('\n## ');
  return own.split('\n').filter((line) => line.startsWith('| `'));
}

interface Field {
  readonly $ref?: string;
  readonly enum?: readonly string[];
  readonly properties?: { readonly [name: string]: Field };
  readonly items?: Field;
  readonly anyOf?: readonly Field[];
}

/** The fields of a schema, and the values that each can have, where these are told. */
function fieldsOf(schema: Field, schemas: Document['components']['schemas'], path: string): Map<string, readonly string[]> {
  const named = schema.$ref?.split('/').at(-1);
  if (named !== undefined) return fieldsOf(schemas[named] as Field, schemas, path);
  if (schema.items !== undefined) return fieldsOf(schema.items, schemas, path);
  if (schema.anyOf !== undefined) return new Map(schema.anyOf.flatMap((part) => [...fieldsOf(part, schemas, path)]));
  return new Map([
    ...(path === '' ? [] : [[path, schema.enum ?? []] as const]),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
      const inner = path === '' ? name : `${path}.${name}`;
      return [[inner, []] as const, ...fieldsOf(value, schemas, inner)];
    }),
  ]);
}

function difference(declared: readonly string[], told: readonly string[]): Difference {
  return {
    missing: declared.filter((one) => !told.includes(one)),
    unknown: told.filter((one, i) => !declared.includes(one) || told.indexOf(one) !== i),
  };
}

if (import.meta.main) {
  // The platform's module is there in workerd alone; to tell of the operations nothing of it is needed.
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith('cloudflare:')
        ? { url: 'data:text/javascript,export class DurableObject {}', shortCircuit: true }
        : next(specifier, context),
  });
  const [document, page] = [await sourceDocument(), apiPage()];
  for (const { missing, unknown } of [
    requestsDifference(document, page),
    fieldsDifference(document, page),
    commandsDifference(page),
  ]) {
    for (const one of missing) console.error(`docs/api.md lacks ${one}`);
    for (const one of unknown) console.error(`docs/api.md has ${one}, which is not there`);
    if (missing.length + unknown.length > 0) process.exitCode = 1;
  }
}
