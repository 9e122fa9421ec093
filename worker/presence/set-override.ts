import { LIMITS, type OverrideActivity, type OverrideSource } from '../protocol/index.ts';
import { type Change, finish } from './finish.ts';
import { overrideEntry } from './history.ts';
import { PRESENCE_LIMITS } from './limits.ts';
import { sameSource } from './override.ts';
import type { OverrideRecord, PresenceRecord } from './record.ts';

/** What somebody says in place of what is observed. */
export interface OverrideWord {
  readonly source: OverrideSource;
  readonly activity: OverrideActivity;
  readonly note?: string;
  /** How long it holds unless it is said again, ms. */
  readonly lifetime: number;
}

/** What an override did to the record; `full` where there are as many as are kept. */
export type OverrideStep =
  | { readonly ok: true; readonly record: PresenceRecord; readonly change: Change | undefined }
  | { readonly ok: false; readonly reason: 'full' };

/**
 * Sets the override of a person or an application in the place of the one that they had. The same word again is a renewal: it moves the
 * expiry, of which only readers are told; soon after, it is the same request sent again and changes nothing.
 */
export function setOverride(record: PresenceRecord, word: OverrideWord, now: number): OverrideStep {
  const { source, activity, note, lifetime } = word;
  const known = record.overrides.find((other) => sameSource(other.source, source));
  if (known === undefined && record.overrides.length >= LIMITS.overrides) return { ok: false, reason: 'full' };
  const renewal = known !== undefined && known.activity === activity && known.note === note && known.lifetime === lifetime;
  const expires = now + lifetime;
  const repeat = Math.min(PRESENCE_LIMITS.overrideRepeat, lifetime / 10);
  if (renewal && Math.abs(expires - known.expires) <= repeat) return { ok: true, record, change: undefined };
  const since = known?.activity === activity ? known.since : now;
  const override: OverrideRecord = { source, activity, ...(note === undefined ? {} : { note }), since, lifetime, expires };
  const overrides =
    known === undefined ? [...record.overrides, override] : record.overrides.map((other) => (other === known ? override : other));
  return { ok: true, ...end(record, overrides, source, activity, now, !renewal) };
}

/** Takes back the override of a person or an application; changes nothing where they have none. */
export function clearOverride(record: PresenceRecord, source: OverrideSource, now: number) {
  const overrides = record.overrides.filter((other) => !sameSource(other.source, source));
  if (overrides.length === record.overrides.length) return { record, change: undefined };
  return end(record, overrides, source, null, now, true);
}

function end(
  before: PresenceRecord,
  overrides: readonly OverrideRecord[],
  source: OverrideSource,
  activity: OverrideActivity | null,
  now: number,
  loud: boolean,
) {
  return finish(
    before,
    { ...before, overrides },
    before.terminalStatus,
    now,
    now,
    (document, at) => overrideEntry(source, activity, at, document),
    loud,
  );
}
