import type { Conflict, TerminalStatus } from '../protocol/index.ts';

/** What FIG. 8 looks at: the stored terminal status, and what is live once the report itself has been taken in. */
export interface Facts {
  readonly recorded: TerminalStatus;
  /** Live terminals, at any site. */
  readonly terminals: number;
  /** Confirmed calls, at any site. */
  readonly confirmed: number;
}

/** The terminal status to store, and the conflict with what was stored where there was one. */
export interface Resolution {
  readonly terminalStatus: TerminalStatus;
  readonly conflict?: Conflict;
}

/** What is reported, as FIG. 8 tells reports apart. Early calls pass as `terminating`: they leave no confirmed call behind. */
export type Reported = 'online' | 'offline' | 'talking' | 'terminating';

/**
 * FIG. 8, the consistency check, for any number of terminals and calls. `word` is the reported status as it shall stand in the
 * conflict (`idle` passes the check as `terminating`).
 */
export function check(reported: Reported, facts: Facts, word: string = reported): Resolution {
  const { recorded, terminals, confirmed } = facts;
  switch (reported) {
    case 'online':
      // Steps 101, 102; from `offline-waiting` too: the terminal is back, the call goes on.
      if (recorded !== 'offline-waiting') return { terminalStatus: 'online' };
      return resolved('online-while-waiting', word, recorded, 'online');
    case 'offline':
      // One terminal of several is gone: the user is still there.
      if (terminals > 0) return { terminalStatus: 'online' };
      // Steps 103 to 107: the call outlives the binding.
      if (confirmed === 0) return { terminalStatus: 'offline' };
      if (recorded === 'offline-waiting') return { terminalStatus: recorded };
      return resolved('offline-while-talking', word, 'talking', 'offline-waiting');
    case 'talking':
      // Step 112: "if an on-line notification is not issued before a talking session, the means changes the terminal status
      // to on-line during the processing of step 112".
      if (recorded !== 'offline') return { terminalStatus: recorded };
      return resolved('talking-while-offline', word, recorded, 'online');
    case 'terminating':
      // Steps 114 to 116: nothing is left that kept the user from being off-line.
      if (recorded !== 'offline-waiting' || confirmed > 0) return { terminalStatus: recorded };
      return resolved('terminating-while-waiting', word, recorded, 'offline');
  }
}

function resolved(rule: Conflict['rule'], reported: string, recorded: string, terminalStatus: TerminalStatus): Resolution {
  return { terminalStatus, conflict: { rule, reported, recorded, resolved: terminalStatus } };
}
