import { ACCESS_LIMITS } from './limits.ts';

/** What a counter tells, for the HELP line. */
export type CounterTable = { readonly [name: string]: string };

type Labels = { readonly [label: string]: string };

/** Counters with labels, and their text for Prometheus. The number of label sets is bounded: what is above goes into one `other`. */
export class Counters<T extends CounterTable> {
  readonly #table: T;
  readonly #values = new Map<keyof T & string, Map<string, number>>();

  constructor(table: T) {
    this.#table = table;
  }

  /** Adds to a counter. Label values are words of ours (routes, reasons), never a user's. */
  add(name: keyof T & string, labels: Labels = {}, by = 1): void {
    const series = this.#values.get(name) ?? new Map<string, number>();
    this.#values.set(name, series);
    const wanted = labelText(labels);
    const key = series.has(wanted) || series.size < ACCESS_LIMITS.series ? wanted : labelText({ other: 'true' });
    series.set(key, (series.get(key) ?? 0) + by);
  }

  /** All counters, each with its HELP and TYPE, in the order of the table. One that was never added to is 0. */
  text(): string {
    return Object.entries(this.#table)
      .map(([name, help]) => metric(name, 'counter', help, [...(this.#values.get(name) ?? new Map([['', 0]]))]))
      .join('');
  }
}

/** One metric in the text format of Prometheus: `samples` are label texts with their values. */
export function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly (readonly [string, number])[],
): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(([labels, value]) => `${name}${labels} ${value}\n`).join('')}`;
}

/** `{route="/v1/watch",status="2xx"}`; '' where there are none. */
export function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** In label values backslash, quote and line feed are escaped. */
function escaped(value: string): string {
  return value.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n');
}
