import { median, round } from '../figure.ts';
import type { Group } from './plan.ts';

/** What one of the two shows in a row. */
export interface Cell {
  /** NaN where there is no number to tell, infinite where the end was not seen; in a file, both are null. */
  readonly value: number;
  /** What stands in the place of a number, or behind it. */
  readonly text?: string;
  /** The single runs, where `value` is their median. */
  readonly runs?: readonly number[];
  /** What went wrong in the measuring itself, calls that failed or states that were wrong: then the row has failed. */
  readonly failed?: readonly string[];
}

export interface Row {
  readonly group: Group;
  readonly name: string;
  readonly unit: string;
  readonly ours: Cell;
  readonly peer: Cell;
  /** What is asked of our value, or of ours divided by the peer's. A stretch is hoped for, not promised. */
  readonly goal?: {
    readonly of: 'ours' | 'ratio';
    readonly at: 'most' | 'least';
    readonly value: number;
    readonly stretch?: boolean;
  };
  readonly note?: string;
}

export type Verdict = 'met' | 'MISSED' | 'FAILED' | 'not reached' | '';

/** Nothing to tell: the row is about the other side alone. */
export const NOTHING: Cell = { value: Number.NaN, text: '-' };

/** The median of single runs. */
export function ofRuns(runs: readonly number[], failed: readonly string[] = []): Cell {
  const values = runs.map((value) => round(value));
  return { value: median(values), ...(values.length > 1 && { runs: values }), ...(failed.length > 0 && { failed }) };
}

/** Ours divided by the peer's; undefined where one has no number, no end, or the peer's is nothing. */
export function ratioOf({ ours, peer }: Row): number | undefined {
  if (!Number.isFinite(ours.value) || !Number.isFinite(peer.value) || peer.value === 0) return undefined;
  return round(ours.value / peer.value);
}

/** A row whose measuring failed on a side that the goal looks at is neither met nor missed. */
export function verdictOf(row: Row): Verdict {
  const { ours, peer, goal } = row;
  if (ours.failed || (peer.failed && goal?.of !== 'ours')) return 'FAILED';
  if (goal === undefined) return '';
  const value = goal.of === 'ours' ? ours.value : ratioOf(row);
  if (value === undefined || Number.isNaN(value)) return 'FAILED';
  if (goal.at === 'most' ? value <= goal.value : value >= goal.value) return 'met';
  return goal.stretch ? 'not reached' : 'MISSED';
}

/** All that went wrong in the measuring of a row, with the side where it did. */
export function failuresOf({ ours, peer }: Row): string[] {
  const of = (side: string, { failed }: Cell) => (failed ?? []).map((text) => `${side}: ${text}`);
  return [...of('Offhook', ours), ...of('Kamailio', peer)];
}
