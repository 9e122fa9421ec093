import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { COMMANDS, commandHelp } from '../../shim/cli/commands.ts';
import { CONFIGURATION, EXAMPLE, example, withReference } from '../../shim/config/write-reference.ts';

describe('Offhook configuration reference', () => {
  it('is up to date in docs/configuration.md (if not: npm run docs)', async () => {
    const page = await readFile(CONFIGURATION, 'utf8');
    expect(page).toBe(withReference(page));
  });

  it('is up to date in docs/offhook.example.toml (if not: npm run docs)', async () => {
    expect(await readFile(EXAMPLE, 'utf8')).toBe(example());
  });

  it('tells every setting of a command in its help, in lines that fit', () => {
    for (const [name, command] of Object.entries(COMMANDS)) {
      const help = commandHelp(name, command);
      for (const row of Object.values(command.settings)) expect(help.replace(/\s+/g, ' ')).toContain(row.doc);
      expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
    }
  });
});
