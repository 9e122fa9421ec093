import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { madeReadme, specificationsOf, specificationTable, testFilesIn } from '../support/specification-table.ts';

// In lines, so that the table does not take these for titles of its own.
const source = [
  "describe('RFC 3261 10.3 registrar', () => {",
  "  it('keeps a binding', () => {});",
  "  describe('with \\'*\\'', () => {",
  "    it.each([['a(', 1], [\"b)\", 2]])('removes %s', () => {});",
  '    test(',
  '      `is quoted`, () => {});',
  '  });',
  "  it('goes on', () => {});",
  '});',
  "describe('FIG. 8 check', () => {",
  "  it('has a | and a <tag>', () => {});",
  '});',
].join('\n');

describe('Offhook specification table', () => {
  it('reads describes and sentences, nested and parametrised ones too', () => {
    expect(specificationsOf({ path: 'a.test.ts', text: source })).toEqual([
      {
        name: 'RFC 3261 10.3 registrar',
        path: 'a.test.ts',
        sentences: ['keeps a binding', "with '*': removes %s", "with '*': is quoted", 'goes on'],
      },
      { name: 'FIG. 8 check', path: 'a.test.ts', sentences: ['has a | and a <tag>'] },
    ]);
  });

  it('reads the names of a parametrised describe from its table', () => {
    const text = [
      'const T = [',
      '  [',
      "    'RFC 3261 17 Figure 5',",
      '    1,',
      '  ],',
      '];',
      "describe.each(T)('%s', () => {",
      "  it('ends', () => {});",
      '});',
    ];
    expect(specificationsOf({ path: 'a.test.ts', text: text.join('\n') })).toEqual([
      { name: 'RFC 3261 17 Figure 5', path: 'a.test.ts', sentences: ['ends'] },
    ]);
  });

  it('puts figures before RFCs and RFC 3261 9 before RFC 3261 10', () => {
    const text = "describe('RFC 3261 9 cancel', () => {\n  it('ends', () => {});\n});";
    const rows = specificationTable([
      { path: 'a.test.ts', text: source },
      { path: 'b.test.ts', text },
    ]).split('\n');
    expect(rows.slice(2).map((row) => row.split(' | ')[0])).toEqual([
      '| FIG. 8 check',
      '| RFC 3261 9 cancel',
      '| RFC 3261 10.3 registrar',
    ]);
    expect(rows[2]).toContain('has a \\| and a &lt;tag>');
  });

  it('finds a specification in the first describe of every test file', () => {
    for (const file of testFilesIn(join(import.meta.dirname, '..'))) {
      const specifications = specificationsOf(file);
      expect(specifications.length, file.path).toBeGreaterThan(0);
      for (const { name } of specifications) expect(name, file.path).toMatch(/^(?:FIG\. \d|RFC \d{4}|Offhook )/);
    }
  });

  it('is up to date in test/README.md (npm run test:table rewrites it)', () => {
    const folder = join(import.meta.dirname, '..');
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(readme).toBe(madeReadme(readme, folder));
  });
});
