import type { Held, Kept } from '../presence/index.ts';
import type { HistoryEntry } from '../protocol/index.ts';

/** Which entries of a history are wanted. Times are RFC 3339, UTC, with milliseconds, as `timestamp` writes them: they compare as text. */
export interface HistoryQuery {
  /** Below this version. */
  readonly before: number;
  /** From this time on. */
  readonly from?: string | undefined;
  /** Up to this time, which does not belong to it. */
  readonly to?: string | undefined;
  readonly limit: number;
}

/** A page of a history, newest first. */
export interface HistoryRead {
  readonly entries: readonly HistoryEntry[];
  /** Versions of the newest and the oldest entry that are kept. */
  readonly versions: readonly [number, number] | null;
  /** When the oldest entry came to be. */
  readonly keptSince: string | null;
}

/** What is kept of a history: the newest `entries` rows that are not older than `eldest`. */
export interface Window {
  readonly entries: number;
  readonly eldest: string;
}

const KEPT = `(SELECT version, body, json_extract(body, '$.at') AS at FROM history
  WHERE json_extract(body, '$.at') >= ? ORDER BY version DESC LIMIT ?)`;

/** A page of the entries, without what they keep of their documents. */
export function readHistory(sql: SqlStorage, { entries, eldest }: Window, query: HistoryQuery): HistoryRead {
  const { before, from = '', to = '\uffff', limit } = query;
  const rows = sql
    .exec<{ body: string }>(
      `SELECT json_remove(body, '$.document') AS body FROM ${KEPT}
       WHERE version < ? AND at >= ? AND at < ? ORDER BY version DESC LIMIT ?`,
      ...[eldest, entries, before, from, to, limit],
    )
    .toArray();
  const { newest, oldest } = sql
    .exec<{ newest: number | null; oldest: number | null }>(
      `SELECT max(version) AS newest, min(version) AS oldest FROM ${KEPT}`,
      eldest,
      entries,
    )
    .one();
  return {
    entries: rows.map(({ body }) => JSON.parse(body) as HistoryEntry),
    versions: newest === null || oldest === null ? null : [newest, oldest],
    keptSince: oldestOf(sql, { entries, eldest })?.at ?? null,
  };
}

/** What held at a time: of the rows that had begun by then, the newest. What was learned late counts from when it was so, not from when it was learned. */
export function heldAt(sql: SqlStorage, window: Window, at: string): Held {
  const { entries, eldest } = window;
  const [row] = sql
    .exec<{ version: number; body: string }>(
      `SELECT version, body FROM ${KEPT} WHERE at <= ? ORDER BY version DESC LIMIT 1`,
      ...[eldest, entries, at],
    )
    .toArray();
  const { until } = sql
    .exec<{ until: string | null }>(
      `SELECT min(at) AS until FROM ${KEPT} WHERE at > ? AND version > ?`,
      ...[eldest, entries, at, row?.version ?? 0],
    )
    .one();
  return { row: row && (JSON.parse(row.body) as Kept), until, oldest: oldestOf(sql, window) };
}

function oldestOf(sql: SqlStorage, { entries, eldest }: Window): Held['oldest'] {
  const [row] = sql
    .exec<{ version: number; at: string }>(`SELECT version, at FROM ${KEPT} ORDER BY version LIMIT 1`, eldest, entries)
    .toArray();
  return row ?? null;
}
