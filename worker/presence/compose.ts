import type { CallDocument, CallReport, CallStatus, PresenceDocument, Status, TerminalDocument } from '../protocol/index.ts';
import { timestamp } from './clock.ts';
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
 * The one word, in order of precedence: offline-waiting, talking, held (every confirmed call is held), ringing, calling,
 * available, offline.
 */
export function status(record: PresenceRecord): Status {
  if (record.terminalStatus === 'offline-waiting') return 'offline-waiting';
  const calls = callStatus(record);
  if (calls === 'talking') return everyConfirmedHeld(record) ? 'held' : 'talking';
  if (calls === 'ringing' || calls === 'calling') return calls;
  return record.terminalStatus === 'online' ? 'available' : 'offline';
}

/** The presence document of a record; undefined for a user never seen. */
export function compose(record: PresenceRecord): PresenceDocument | undefined {
  if (record.version === 0) return undefined;
  return {
    user: record.user,
    status: record.status,
    terminalStatus: record.terminalStatus,
    callStatus: callStatus(record),
    stale: false,
    since: timestamp(record.since),
    terminals: record.sites.flatMap(terminalDocuments),
    calls: record.sites.flatMap((site) => site.calls.map((call) => callDocument(call, site.site))),
    override: null,
    version: record.version,
  };
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
