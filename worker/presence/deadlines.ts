import type { OverrideRecord, PresenceRecord } from './record.ts';

/** Something that ends by itself unless more is heard of it, and when (ms since 1970). */
export type Deadline =
  | { readonly what: 'terminal-expired'; readonly at: number; readonly site: string; readonly contact: string }
  | { readonly what: 'call-expired'; readonly at: number; readonly site: string; readonly call: string }
  | { readonly what: 'override-expired'; readonly at: number; readonly override: OverrideRecord }
  | { readonly what: 'implied-online-expired'; readonly at: number };

/** The earliest deadline of a record; undefined where nothing in it ends by itself. */
export function nextDeadline(record: PresenceRecord): Deadline | undefined {
  let next: Deadline | undefined;
  for (const { site, terminals, calls } of record.sites) {
    for (const { contact, expires } of terminals) {
      if (expires !== null && expires < (next?.at ?? Infinity)) next = { what: 'terminal-expired', at: expires, site, contact };
    }
    for (const { id, deadline } of calls) {
      if (deadline < (next?.at ?? Infinity)) next = { what: 'call-expired', at: deadline, site, call: id };
    }
  }
  for (const override of record.overrides) {
    if (override.expires < (next?.at ?? Infinity)) next = { what: 'override-expired', at: override.expires, override };
  }
  const implied = record.impliedUntil;
  if (implied !== null && implied < (next?.at ?? Infinity)) next = { what: 'implied-online-expired', at: implied };
  return next;
}
