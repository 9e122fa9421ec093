import type { Conflict, HistoryEntry, PresenceDocument, Update } from '../protocol/index.ts';
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

/** The history entry of a deadline that passed: a terminal expired, or a call was lost. */
export function deadlineEntry(what: Deadline['what'], at: string, document: PresenceDocument, conflict?: Conflict): HistoryEntry {
  const entry: HistoryEntry = {
    ...seen(document),
    at,
    cause: { by: 'deadline', what },
    ...(conflict === undefined ? {} : { conflict }),
  };
  if (what === 'terminal-expired') return { ...entry, reason: 'expired' };
  if (what === 'call-expired') return { ...entry, reason: { cause: 'lost' } };
  return entry;
}

function seen({ version, status, terminalStatus, callStatus }: PresenceDocument) {
  return { version, status, terminalStatus, callStatus };
}
