import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An input that once broke something: a fixture, replayed by findings.test.ts for ever after. */
export interface Finding {
  readonly target: string;
  /** What broke when it was found. */
  readonly reason: string;
  readonly input: string;
}

const FOLDER = join(import.meta.dirname, 'findings');
/** Tries to make an input smaller end after so long, ms. */
const PATIENCE = 3000;

/** Writes a finding as a file named after its target and content; the path. */
export function keep(finding: Finding): string {
  mkdirSync(FOLDER, { recursive: true });
  const hash = createHash('sha256').update(finding.input).digest('hex').slice(0, 10);
  const path = join(FOLDER, `${finding.target}-${hash}.json`);
  writeFileSync(path, `${JSON.stringify(finding, null, 2)}\n`);
  return path;
}

/** All findings that are kept, each with its file's name. */
export function kept(): (Finding & { readonly file: string })[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ file, ...(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Finding) }));
}

/** The input with as much taken out as goes while it still fails. */
export function smaller(input: string, fails: (input: string) => boolean): string {
  const until = performance.now() + PATIENCE;
  let result = input;
  for (let size = result.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < result.length && performance.now() < until; ) {
      const without = result.slice(0, at) + result.slice(at + size);
      if (fails(without)) result = without;
      else at += size;
    }
  }
  return result;
}
