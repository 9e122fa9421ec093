import { median, round } from '../bench/figure.ts';
import type { Sample } from './sample.ts';

/** One line of the table. */
export interface Line {
  readonly name: string;
  /** Medians of the second and of the last third; absent where the line is of the end alone. */
  readonly second?: number;
  readonly last: number;
  /** The most that `last` may be (or, of `least`, the least); absent where it is for information. */
  readonly most?: number;
  readonly least?: number;
}

/** What memory may grow by from the second third to the last. */
const FLAT = 1.05;
/** Handles that come and go: so many more are no growth. */
const HANDLES = 2;
/** workerd's open files are those of the objects that are awake, so they are looked at when all sleep: the site's own objects may not. */
const AWAKE_FILES = 16;

export const isMet = ({ last, most = Infinity, least = -Infinity }: Line): boolean => last <= most && last >= least;

/** What the samples say: memory and handles of the last third against those of the second. The first third is for warming up. */
export function flatness(samples: readonly Sample[]): Line[] {
  const third = Math.floor(samples.length / 3);
  const [second, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
  const line = (name: string, of: (sample: Sample) => number, most?: (before: number) => number): Line => {
    const before = median(second.map(of));
    return { name, second: round(before), last: round(median(last.map(of))), ...(most && { most: round(most(before), 4) }) };
  };
  const flat = (before: number) => before * FLAT;
  const same = (before: number) => before + HANDLES;
  return [
    line('shim, RSS after garbage collection, MiB', ({ shim }) => shim.rss, flat),
    line('shim, live heap and buffers, MiB', ({ shim }) => shim.live, flat),
    line('workerd, RSS, MiB', ({ workerd }) => workerd.rss, flat),
    line('shim, open files', ({ shim }) => shim.files, same),
    line('shim, sockets', ({ shim }) => shim.sockets, same),
    line('shim, timers', ({ shim }) => shim.timers, same),
    line('workerd, open files (of objects that are awake)', ({ workerd }) => workerd.files),
    line('calls followed', ({ calls }) => calls),
    line('transactions', ({ transactions }) => transactions),
    line('updates that wait', ({ pending }) => pending),
  ];
}

/** The open files of workerd when all objects sleep, before the load and after it. */
export const asleep = (before: number, after: number): Line => ({
  name: `workerd, open files when objects sleep: ${before} before the load, after it`,
  last: after,
  most: before + AWAKE_FILES,
});

/** The table as text; what is not met is marked. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const { name, second, last, most, least } = line;
    const limit = most !== undefined ? `<= ${most}` : least !== undefined ? `>= ${least}` : '';
    return [
      isMet(line) ? (limit === '' ? '' : 'ok') : 'NOT MET',
      name,
      second === undefined ? '' : String(second),
      String(last),
      limit,
    ];
  });
  const all = [['', '', 'second third', 'last third or end', 'limit'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
