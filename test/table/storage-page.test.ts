import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const OBJECTS = new URL('../../worker/objects/', import.meta.url);

/** The tables that the objects make, by the files that make them; those that were renamed on the way under their last name. */
function tables(): Map<string, string[]> {
  const stores = readdirSync(OBJECTS).filter((name) => name.endsWith('-store.ts'));
  return new Map(
    stores.map((store) => {
      const text = readFileSync(new URL(store, OBJECTS), 'utf8');
      const renamed = new Map([...text.matchAll(/ALTER TABLE (\w+) RENAME TO (\w+)/g)].map(([, from, to]) => [from, to]));
      const made = [...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+) \(/g)].map(([, name]) => renamed.get(name) ?? name);
      return [store, [...new Set(made as string[])]];
    }),
  );
}

describe('Offhook storage page', () => {
  const page = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8');

  it('finds the tables of the objects at all', () => {
    expect(tables().get('user-store.ts')).toEqual(['record', 'history', 'forgotten']);
    expect(tables().get('board-store.ts')).toContain('users');
  });

  it.each([...tables()])('has a row for every table of %s', (_, names) => {
    for (const name of names) expect(page).toMatch(new RegExp(`^\\|.*\\| \`${name}\` \\||^\\| \`${name}\` \\|`, 'm'));
  });
});
