import type { ProbeSettings } from './probe.ts';
import type { SessionRule } from './session-rules.ts';

/** What the tracker goes by. Times in ms. */
export interface TrackerSettings {
  /** When "talking" begins: at the 2xx (FIG. 3), at the ACK (FIG. 4), or by where the offer was made. */
  readonly talking: 'auto' | 'on-answer' | 'on-ack';
  /** When "terminating" is told: at the BYE (FIG. 5), or at its answer (FIG. 6). */
  readonly terminating: 'on-bye' | 'on-bye-answer';
  /** A confirmed call of which nothing is heard for so long is given up, ms. */
  readonly dialogCap: number;
  /** A call that is not answered is given up after so long without a provisional answer, ms: timer C and then some. */
  readonly earlyCap: number;
  /** A BYE that is not answered ends the call after so long, ms: 64*T1 (RFC 3261 17.1.2.2 timer F) and then some. */
  readonly byeCap: number;
  /** Calls followed at once; a call beyond is relayed and not followed. */
  readonly maxDialogs: number;
  /** How calls without a session timer are asked whether they live; undefined where they are not (mirrored calls cannot be). */
  readonly probe?: ProbeSettings;
  /** What calls of certain addresses are, in order of precedence. */
  readonly sessionRules?: readonly SessionRule[];
}
