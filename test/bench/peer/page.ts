/**
 * Puts the table of the last run of `npm run bench -- --peer kamailio` (bench-results/peer.json) into docs/performance.md, between its marks, and its SVG
 * beside it: `node test/bench/peer/page.ts`. With `--runs 3` the ratios of the last three runs follow, and go to stdout; other runs than the
 * last are those of files that are named (bench-results/peer-*.json).
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repeatedOf, steadyWords } from './repeated.ts';
import { failuresOf, type Row, verdictOf } from './row.ts';
import { markdownTable, repeatedMarkdown, repeatedText } from './table.ts';

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

/** The ratios of several runs beside each other, the last one being that of the table. */
export function repeatedReport(runs: readonly PeerResults[]): string {
  const rows = repeatedOf(runs.map((run) => run.rows));
  const times = runs.map(({ at }) => at.slice(0, 16).replace('T', ' ')).join(', ');
  const disturbed = runs.filter(({ others }) => others > DISTURBED).length;
  return [
    `### The ratios of ${runs.length} runs`,
    '',
    `Of ${times} UTC${disturbed > 0 ? `, ${disturbed} of them not on a quiet machine` : ''}. ${steadyWords(rows)} Spread: the highest less the lowest, as a part of the median.`,
    '',
    repeatedMarkdown(rows),
  ].join('\n');
}

/** Where a run is kept, in the folder of results: in the order of their names, the last one is the newest. */
export const keptAs = (at: string): string => `peer-${at.slice(0, 19).replaceAll(':', '')}.json`;

/** The newest runs that are kept in a folder, of one kind with the last and of all groups that it has; at most so many, the oldest first. */
export function lastRuns(folder: string, count: number): PeerResults[] {
  const kept = readdirSync(folder)
    .filter((name) => /^peer-.*\.json$/.test(name))
    .toSorted();
  const runs = kept.map((name) => resultsIn(readFileSync(join(folder, name), 'utf8')));
  const last = runs.at(-1);
  const groups = ({ rows }: PeerResults) => [...new Set(rows.map(({ group }) => group))].toSorted().join();
  return last ? runs.filter((run) => run.quick === last.quick && groups(run) === groups(last)).slice(-count) : [];
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
  const folder = join(root, 'bench-results');
  const { values, positionals } = parseArgs({ options: { runs: { type: 'string' } }, allowPositionals: true });
  const wanted = Number(values.runs ?? 1);
  const read = (name: string) => resultsIn(readFileSync(name, 'utf8'));
  const last = join(folder, 'peer.json');
  const several =
    positionals.length > 0 ? positionals.map(read) : wanted > 1 && existsSync(folder) ? lastRuns(folder, wanted) : [];
  const shown = several.at(-1) ?? (existsSync(last) ? read(last) : undefined);
  if (shown === undefined || !(wanted >= 1) || (positionals.length === 0 && wanted > 1 && several.length < wanted)) {
    process.stderr.write(`bench-results/ has not so many runs of one kind: npm run bench -- --peer kamailio --runs ${wanted}\n`);
    process.exit(1);
  }
  const file = join(root, 'docs/performance.md');
  const report = [reportOf(shown), ...(several.length > 1 ? [repeatedReport(several)] : [])].join('\n\n');
  const page = pageWith(readFileSync(file, 'utf8'), report);
  if (page === undefined) throw new Error('docs/performance.md has lost its marks');
  writeFileSync(file, page);
  if (existsSync(join(folder, 'peer.svg'))) copyFileSync(join(folder, 'peer.svg'), join(root, 'docs/performance.svg'));
  if (several.length > 1) process.stdout.write(`${repeatedText(repeatedOf(several.map((run) => run.rows)))}\n`);
}
