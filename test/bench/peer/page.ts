/**
 * Puts the table of the last run of `npm run bench -- --peer kamailio` (bench-results/peer.json) into docs/performance.md, between its marks, and its SVG
 * beside it: `node test/bench/peer/page.ts`.
 */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failuresOf, type Row, verdictOf } from './row.ts';
import { markdownTable } from './table.ts';

const BEGIN = '<!-- the table of the last run: node test/bench/peer/page.ts -->';
const END = '<!-- end of the table of the last run -->';

/** What run.ts leaves in bench-results/peer.json. */
export interface PeerResults {
  /** RFC 3339. */
  readonly at: string;
  readonly quick: boolean;
  readonly machine: { readonly node: string; readonly linux: string; readonly cores: number; readonly cpu?: string | undefined };
  /** s */
  readonly took: number;
  /** Cores that others on the machine took at most while load ran. */
  readonly others: number;
  readonly rows: readonly Row[];
}

/** Others took so much of the machine, cores, that figures are not to be trusted. */
export const DISTURBED = 0.25;

/** What the file holds: numbers that JSON cannot tell are null in it. */
export function resultsIn(text: string): PeerResults {
  return JSON.parse(text, (key, value) => (key === 'value' && value === null ? Number.NaN : value)) as PeerResults;
}

/** The text between the marks. */
export function reportOf({ at, quick, machine, took, others, rows }: PeerResults): string {
  const named = (verdict: string) => rows.filter((row) => verdictOf(row) === verdict).map(({ name }) => name);
  const list = (title: string, names: readonly string[]) =>
    names.length === 0 ? [] : ['', `${title}:`, '', ...names.map((name) => `- ${name}`)];
  const failed = rows.filter((row) => failuresOf(row).length > 0).map(({ name }) => name);
  return [
    `${quick ? 'A quick run' : 'A full run'} of ${at.slice(0, 16).replace('T', ' ')} UTC, ${Math.round(took / 60)} minutes, on ${machine.cores} cores (${machine.cpu ?? 'unknown processor'}), Node ${machine.node}, Linux ${machine.linux}.`,
    ...(others > DISTURBED
      ? [
          '',
          `**Not on a quiet machine: others took up to ${others.toFixed(1)} of its ${machine.cores} cores while load ran. Rates are lower, and times longer, than they would be.**`,
        ]
      : []),
    '',
    markdownTable(rows),
    ...list('Missed', named('MISSED')),
    ...list('Hoped for, and not reached', named('not reached')),
    ...list(
      'Failed in the measuring itself, on one side at least (a call failed, a state was wrong, or a frame was missing)',
      failed,
    ),
  ].join('\n');
}

/** The page with the report in it; undefined where it has no place for it. */
export function pageWith(page: string, report: string): string | undefined {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) return undefined;
  return `${page.slice(0, begin + BEGIN.length)}\n\n${report}\n\n${page.slice(end)}`;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../../..');
  const results = join(root, 'bench-results');
  if (!existsSync(join(results, 'peer.json'))) {
    process.stderr.write('no bench-results/peer.json: npm run bench -- --peer kamailio\n');
    process.exit(1);
  }
  const file = join(root, 'docs/performance.md');
  const page = pageWith(readFileSync(file, 'utf8'), reportOf(resultsIn(readFileSync(join(results, 'peer.json'), 'utf8'))));
  if (page === undefined) throw new Error('docs/performance.md has lost its marks');
  writeFileSync(file, page);
  if (existsSync(join(results, 'peer.svg'))) copyFileSync(join(results, 'peer.svg'), join(root, 'docs/performance.svg'));
}
