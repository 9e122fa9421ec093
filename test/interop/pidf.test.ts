import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pidf } from '../../worker/presence/index.ts';
import { canonicalAor } from '../../worker/protocol/index.ts';
import { documents } from '../presence/support/documents.ts';
import { program } from './program.ts';

const SCHEMA = new URL('schemas/all.xsd', import.meta.url).pathname;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'offhook-pidf-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What xmllint says against the RFCs' schemas of documents that it finds not valid, or not well-formed. */
async function complaints(texts: readonly string[]): Promise<string[]> {
  const files = texts.map((text, i) => {
    const file = join(folder, `${i}.xml`);
    writeFileSync(file, text);
    return file;
  });
  const run = promisify(execFile)(program('xmllint'), ['--nonet', '--noout', '--schema', SCHEMA, ...files]);
  const { stderr } = await run.catch((error: { stderr: string }) => error);
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(
    lines.filter((line) => / validates$/.test(line)).length +
      lines.filter((line) => / fails to validate$|parser error/.test(line)).length,
  ).toBeGreaterThan(0);
  return lines.filter((line) => !/ validates$/.test(line));
}

describe('RFC 3863, 4479, 4480 schemas', () => {
  it('find the documents of all states, names and notes valid', async () => {
    const texts = fc.sample(documents, { numRuns: 300, seed: 3863 }).map(pidf);
    expect(texts.some((text) => text.includes('<rpid:activities'))).toBe(true);
    expect(await complaints(texts)).toEqual([]);
  });

  it.each([
    'sip:alice@[2001:db8::1]',
    'sip:*72#@example.com',
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;*@example.com",
    'sip:a[b]{c}|d\\e^f`g@example.com',
    'tel:+12015550123;ext=12',
    'sip:%C3%A9%00%25@example.com',
  ])('find the document of %s valid', async (name) => {
    const user = canonicalAor(name);
    expect(user).toBeDefined();
    const [document] = fc.sample(documents, { numRuns: 1, seed: 1 });
    expect(await complaints([pidf({ ...(document as NonNullable<typeof document>), user: user as string })])).toEqual([]);
  });

  it('find what is wrong', async () => {
    const [text = ''] = fc
      .sample(documents, { numRuns: 50, seed: 7 })
      .map(pidf)
      .filter((one) => one.includes('on-the-phone'));
    for (const wrong of [
      text.replace(/entity="[^"]*"/, ''),
      text.replace('on-the-phone', 'on-the-fone'),
      text.replace('<note>', '<note><b/>'),
      text.replace('</presence>', ''),
    ]) {
      expect(wrong).not.toBe(text);
      expect(await complaints([wrong])).not.toEqual([]);
    }
  });
});
