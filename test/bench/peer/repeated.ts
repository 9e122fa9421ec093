import { median, round } from '../figure.ts';
import { failuresOf, type Row, ratioOf } from './row.ts';

/** Between runs, the ratio of a row differs by less than this part of its median. */
export const STEADY = 0.15;

/** The ratio of one row in several runs. */
export interface Repeated {
  readonly name: string;
  /** Undefined where a run has none. */
  readonly ratios: readonly (number | undefined)[];
  /** Of the runs that have one. */
  readonly median: number;
  /** The highest less the lowest, as a part of the median; 0 where all are the same. */
  readonly spread: number;
  readonly verdict: '' | 'UNSTEADY' | 'not in every run' | 'FAILED';
}

/** Every row that has a ratio in one run at least, in the order of the last run; rows that tell the ratio of the one before again are left out. */
export function repeatedOf(runs: readonly (readonly Row[])[]): Repeated[] {
  const last = runs.at(-1) ?? [];
  return last.flatMap(({ name }) => {
    const found = runs.map((rows) => rows.find((row) => row.name === name));
    const ratios = found.map((row) => row && ratioOf(row));
    const values = ratios.filter((ratio) => ratio !== undefined);
    if (values.length === 0 || name.endsWith(', beside the peer')) return [];
    const [low, high, middle] = [Math.min(...values), Math.max(...values), median(values)];
    const spread = high === low ? 0 : round((high - low) / middle);
    const failed = found.some((row) => row !== undefined && failuresOf(row).length > 0);
    const verdict = failed ? 'FAILED' : values.length < runs.length ? 'not in every run' : spread >= STEADY ? 'UNSTEADY' : '';
    return [{ name, ratios, median: middle, spread, verdict }];
  });
}

/** One row each: the name, the ratios, their median and spread, what is wrong with it. */
export function repeatedCells(rows: readonly Repeated[]): string[][] {
  const count = rows[0]?.ratios.length ?? 0;
  const runs = Array.from({ length: count }, (_, n) => `run ${n + 1}`);
  return [
    ['ratio of', ...runs, 'median', 'spread', ''],
    ...rows.map(({ name, ratios, median: middle, spread, verdict }) => [
      name,
      ...ratios.map((ratio) => ratio?.toString() ?? '-'),
      String(middle),
      `${Math.round(spread * 1000) / 10} %`,
      verdict,
    ]),
  ];
}

/** How many are steady, in words. */
export function steadyWords(rows: readonly Repeated[]): string {
  const steady = rows.filter(({ verdict }) => verdict === '').length;
  return `${steady} of ${rows.length} ratios differ by less than ${STEADY * 100} % of their median between the runs.`;
}
