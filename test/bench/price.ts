/**
 * What Cloudflare asks beyond what is included, US dollars (Workers paid plan, November 2026: developers.cloudflare.com, "Durable Objects,
 * Pricing"). An alarm set is billed as a row written. Duration is billed by the GB-second, an object as 128 MB while it is awake.
 */
export const PRICE = {
  request: 0.15e-6,
  objectRequest: 0.15e-6,
  rowWritten: 1e-6,
  rowRead: 0.001e-6,
  gigabyteSecond: 12.5e-6,
} as const;

/** What was counted, by name: `worker requests`, and of each class of objects `user requests`, `user rows written`, `user alarms set` and so on. */
export type Counters = Record<string, number>;

/** The sum of all counters whose names end so. */
export const sum = (counters: Counters, ending: string): number =>
  Object.entries(counters).reduce((total, [name, value]) => total + (name.endsWith(ending) ? value : 0), 0);

/** Rows written as they are billed: alarms that were set are among them. */
export const rowsWritten = (counters: Counters): number => sum(counters, 'rows written') + sum(counters, 'alarms set');

/** Requests to objects as they are billed: alarms that went off are among them. */
export const objectRequests = (counters: Counters): number =>
  sum(counters, ' requests') - (counters['worker requests'] ?? 0) + sum(counters, 'alarms fired');

/** US dollars, without duration and what is included. */
export function priceOf(counters: Counters): number {
  return (
    (counters['worker requests'] ?? 0) * PRICE.request +
    objectRequests(counters) * PRICE.objectRequest +
    rowsWritten(counters) * PRICE.rowWritten +
    sum(counters, 'rows read') * PRICE.rowRead
  );
}
