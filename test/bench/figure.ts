/** One measured figure. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What issue and architecture ask of it; absent where it is for information. */
  readonly goal?: { readonly at: 'most' | 'least'; readonly value: number };
  /** The single runs, where `value` is their median. */
  readonly runs?: readonly number[];
  /** What is and is not in it. */
  readonly note?: string;
}

export interface Measurement {
  readonly name: string;
  /** It takes so long that it is measured only where it is asked for. */
  readonly onlyByName?: boolean;
  measure(say: (text: string) => void): Promise<Figure[]>;
}

export function isMet({ value, goal }: Figure): boolean | undefined {
  if (!goal) return undefined;
  return goal.at === 'most' ? value <= goal.value : value >= goal.value;
}

/** The value below which that part of all values lies (nearest rank); NaN of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const round = (value: number, digits = 3): number => Number(value.toPrecision(digits));
