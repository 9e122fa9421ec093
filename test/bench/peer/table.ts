import { type Repeated, repeatedCells, steadyWords } from './repeated.ts';
import { type Cell, failuresOf, type Row, ratioOf, verdictOf } from './row.ts';

/** Which row, both values, ratio, what is asked of it and whether it is so. */
const HEAD = ['measured', 'Offhook', 'Kamailio', 'unit', 'ratio', 'goal', ''] as const;

/** The ratios of several runs, for a terminal. */
export function repeatedText(rows: readonly Repeated[]): string {
  const cells = repeatedCells(rows);
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const padded = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return [...cells.map((row) => row.map(padded).join('  ').trimEnd()), steadyWords(rows)].join('\n');
}

/** The same for a page. */
export function repeatedMarkdown(rows: readonly Repeated[]): string {
  const [head = [], ...body] = repeatedCells(rows);
  return [head, head.map((_, column) => (column === 0 || column === head.length - 1 ? '---' : '---:')), ...body]
    .map(tableRow)
    .join('\n');
}

/** For a terminal. What failed stands below the first row that it fails. */
export function textTable(rows: readonly Row[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((text, column) =>
        column === 1 || column === 2 || column === 4 ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const [head = HEAD, ...body] = cells;
  const told = new Set<string>();
  return [
    line(head),
    ...body.flatMap((row, n) => {
      const failures = failuresOf(rows[n] as Row).filter((text) => !told.has(text));
      for (const text of failures) told.add(text);
      return [line(row), ...failures.map((text) => `    FAILED ${text}`)];
    }),
  ].join('\n');
}

/** For a page; notes and failures below the table, numbered. */
export function markdownTable(rows: readonly Row[]): string {
  const notes: string[] = [];
  const lines = rows.map((row) => {
    const [name = '', ...rest] = cellsOf(row);
    const texts = [...(row.note === undefined ? [] : [row.note]), ...failuresOf(row)];
    const marks = texts.map((text) => {
      const known = notes.indexOf(text);
      return known >= 0 ? known + 1 : notes.push(text);
    });
    return tableRow([marks.length === 0 ? name : `${name} (${marks.join(', ')})`, ...rest]);
  });
  return [
    tableRow(HEAD),
    tableRow(['---', '---:', '---:', '---', '---:', '---', '---']),
    ...lines,
    ...(notes.length > 0 ? [''] : []),
    ...notes.map((text, n) => `${n + 1}. ${text.replaceAll('<', '&lt;')}`),
  ].join('\n');
}

function cellsOf(row: Row): string[] {
  const { goal } = row;
  const ratio = ratioOf(row);
  const asked = goal
    ? `${goal.stretch ? 'stretch: ' : ''}${goal.of === 'ratio' ? 'ratio ' : ''}at ${goal.at} ${goal.value.toLocaleString('en')}`
    : '';
  return [row.name, shown(row.ours), shown(row.peer), row.unit, ratio === undefined ? '' : String(ratio), asked, verdictOf(row)];
}

function shown({ value, text }: Cell): string {
  if (!Number.isFinite(value)) return text ?? '-';
  const number = value.toLocaleString('en', { maximumSignificantDigits: 6 });
  return text === undefined ? number : `${number} ${text}`;
}

const tableRow = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
