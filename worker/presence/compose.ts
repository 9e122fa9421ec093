import type { CallDocument, CallReport, CallStatus, PresenceDocument, Status, TerminalDocument } from '../protocol/index.ts';
import { timestamp } from './clock.ts';
import { effectiveOverride } from './override.ts';
import type { PresenceRecord, SiteRecord } from './record.ts';

/** FIG. 8's talking status of all calls together: talking before ringing, calling, terminating, idle. */
export function callStatus(record: PresenceRecord): CallStatus {
  const calls = record.sites.flatMap((site) => site.calls);
  if (calls.some((call) => call.state === 'confirmed')) return 'talking';
  if (calls.some((call) => call.state === 'early' && call.direction === 'incoming')) return 'ringing';
  if (calls.some((call) => call.state === 'early')) return 'calling';
  return calls.length > 0 ? 'terminating' : 'idle';
}

/**
 * The one word, in order of precedence: dnd, offline-waiting, talking, held (every confirmed call is held), ringing, calling, other
 * overrides (over a user without a telephone too: it is their word, and `terminalStatus` tells of the telephone), available, offline.
 * An override `available` hides other overrides and says nothing of a telephone, so it decides nothing here.
 */
export function status(record: PresenceRecord): Status {
  const override = effectiveOverride(record.overrides)?.activity;
  if (override === 'dnd') return override;
  if (record.terminalStatus === 'offline-waiting') return 'offline-waiting';
  const calls = callStatus(record);
  if (calls === 'talking') return everyConfirmedHeld(record) ? 'held' : 'talking';
  if (calls === 'ringing' || calls === 'calling') return calls;
  if (override === 'busy' || override === 'away') return override;
  return record.terminalStatus === 'online' ? 'available' : 'offline';
}

/** The presence document of a record; undefined for a user never seen. */
export function compose(record: PresenceRecord): PresenceDocument | undefined {
  if (record.version === record.floor) return undefined;
  return {
    user: record.user,
    status: record.status,
    terminalStatus: record.terminalStatus,
    callStatus: callStatus(record),
    stale: false,
    since: timestamp(record.since),
    terminals: record.sites.flatMap(terminalDocuments),
    calls: record.sites.flatMap((site) => site.calls.map((call) => callDocument(call, site.site))),
    override: overrideDocument(record),
    version: record.version,
  };
}

function overrideDocument({ overrides }: PresenceRecord): PresenceDocument['override'] {
  const override = effectiveOverride(overrides);
  if (override === undefined) return null;
  const { activity, note, expires } = override;
  return { activity, ...(note === undefined ? {} : { note }), expires: timestamp(expires) };
}

function everyConfirmedHeld(record: PresenceRecord): boolean {
  return record.sites.every((site) => site.calls.every((call) => call.state !== 'confirmed' || call.held));
}

function terminalDocuments({ site, terminals }: SiteRecord): TerminalDocument[] {
  return terminals.map(({ since, expires, ...terminal }) => ({
    ...terminal,
    site,
    since: timestamp(since),
    expires: expires === null ? null : timestamp(expires),
  }));
}

function callDocument({ startedAt, answeredAt, deadline: _, ...call }: CallReport, site: string): CallDocument {
  return {
    ...call,
    site,
    startedAt: timestamp(startedAt),
    answeredAt: answeredAt === null ? null : timestamp(answeredAt),
  };
}
