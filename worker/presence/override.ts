import { OVERRIDE_ACTIVITIES, type OverrideDocument, type OverrideSource } from '../protocol/index.ts';
import { timestamp } from './clock.ts';
import type { OverrideRecord, PresenceRecord } from './record.ts';

/**
 * The override that counts: the person's own before those of applications; among these `dnd` before `busy` before `away` before
 * `available`, and of equals the newest.
 */
export function effectiveOverride(overrides: readonly OverrideRecord[]): OverrideRecord | undefined {
  return overrides.reduce<OverrideRecord | undefined>(
    (best, other) => (best === undefined || beats(other, best) ? other : best),
    undefined,
  );
}

function beats(one: OverrideRecord, other: OverrideRecord): boolean {
  if (one.source.by !== other.source.by) return one.source.by === 'person';
  const difference = OVERRIDE_ACTIVITIES.indexOf(one.activity) - OVERRIDE_ACTIVITIES.indexOf(other.activity);
  return difference === 0 ? one.since >= other.since : difference < 0;
}

/** All that are set, as they are told. */
export function overrideDocuments({ overrides }: PresenceRecord): OverrideDocument[] {
  const effective = effectiveOverride(overrides);
  return overrides.map((override) => {
    const { source, activity, note, since, expires } = override;
    const shown = { activity, ...(note === undefined ? {} : { note }) };
    return { ...source, ...shown, since: timestamp(since), expires: timestamp(expires), effective: override === effective };
  });
}

/** Is it the same person or application. */
export function sameSource(one: OverrideSource, other: OverrideSource): boolean {
  if (one.by === 'person' || other.by === 'person') return one.by === other.by;
  return one.application === other.application;
}
