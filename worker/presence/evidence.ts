import type { CallStatus, Conflict, EndReason, HistoryEntry, OfflineReason, TerminalStatus } from '../protocol/index.ts';

/** By which word a part of the state came to be what it is. */
export interface Decision {
  /** When that was, ms since 1970. */
  readonly at: number;
  /** The version of the document that first showed it. */
  readonly version: number;
  readonly cause: HistoryEntry['cause'];
  readonly reason?: OfflineReason | EndReason;
  /** What the consistency check found, where the word contradicted what was recorded. */
  readonly conflict?: Conflict;
}

/** The decisions on which the present state rests; null where nothing was decided yet, or an earlier program did not keep it. */
export interface Evidence {
  readonly terminal: Decision | null;
  readonly call: Decision | null;
}

export const NO_EVIDENCE: Evidence = { terminal: null, call: null };

/** The evidence after a change that `entry` tells of: what it changed rests on it, all else rests on what it did before. */
export function evidenceAfter(
  before: Evidence,
  was: { readonly terminalStatus: TerminalStatus; readonly callStatus: CallStatus } | undefined,
  entry: HistoryEntry,
): Evidence {
  const { version, cause, reason, conflict } = entry;
  const decision: Decision = { at: Date.parse(entry.at), version, cause, ...(reason === undefined ? {} : { reason }) };
  // What FIG. 8 resolves is the terminal status.
  const resolved = conflict === undefined ? decision : { ...decision, conflict };
  return {
    terminal: was?.terminalStatus === entry.terminalStatus ? before.terminal : resolved,
    call: was?.callStatus === entry.callStatus ? before.call : decision,
  };
}
