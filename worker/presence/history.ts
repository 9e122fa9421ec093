import type { Conflict, HistoryEntry, OverrideActivity, OverrideSource, PresenceDocument, Update } from '../protocol/index.ts';
import type { Deadline } from './deadlines.ts';

/** The history entry of an update that changed what is seen of a user. */
export function updateEntry(
  site: string,
  update: Update,
  at: string,
  document: PresenceDocument,
  conflict?: Conflict,
): HistoryEntry {
  const reason = 'reason' in update ? update.reason : undefined;
  return {
    ...seen(document),
    at,
    cause: { by: 'update', site, epoch: update.epoch, sequence: update.sequence, status: update.status },
    ...(reason === undefined ? {} : { reason }),
    ...(conflict === undefined ? {} : { conflict }),
  };
}

/** The history entry of somebody's word: set, changed, or (null) taken back. */
export function overrideEntry(
  setBy: OverrideSource,
  activity: OverrideActivity | null,
  at: string,
  document: PresenceDocument,
): HistoryEntry {
  return { ...seen(document), at, cause: { by: 'override', activity, setBy } };
}

/** The history entry of a deadline that passed: a terminal or an override expired, or a call was lost. */
export function deadlineEntry(what: Deadline['what'], at: string, document: PresenceDocument, conflict?: Conflict): HistoryEntry {
  const entry: HistoryEntry = {
    ...seen(document),
    at,
    cause: { by: 'deadline', what },
    ...(conflict === undefined ? {} : { conflict }),
  };
  if (what === 'terminal-expired' || what === 'override-expired') return { ...entry, reason: 'expired' };
  if (what === 'call-expired') return { ...entry, reason: { cause: 'lost' } };
  return entry;
}

function seen({ version, status, terminalStatus, callStatus }: PresenceDocument) {
  return { version, status, terminalStatus, callStatus };
}
