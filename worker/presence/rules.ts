import type { CallStatus, PresenceDocument } from '../protocol/index.ts';
import type { Decision } from './evidence.ts';
import { liveTerminals, type PresenceRecord } from './record.ts';

/** The rules by which the one word is chosen, in their order; the last holds always. */
const PRECEDENCE: readonly { readonly rule: string; readonly holds: (document: PresenceDocument) => boolean }[] = [
  { rule: 'unknown: nothing live is known, and the sources are out of touch', holds: ({ status }) => status === 'unknown' },
  { rule: 'dnd: an override says so', holds: ({ override }) => override?.activity === 'dnd' },
  { rule: 'offline-waiting: the registration is gone, a call is up', holds: (d) => d.terminalStatus === 'offline-waiting' },
  {
    rule: 'talking: a call is confirmed, and not every one is held',
    holds: (d) => d.callStatus === 'talking' && !everyHeld(d),
  },
  { rule: 'held: every confirmed call is held', holds: (d) => d.callStatus === 'talking' },
  { rule: 'ringing: an incoming call is not answered yet', holds: (d) => d.callStatus === 'ringing' },
  { rule: 'calling: an outgoing call is not answered yet', holds: (d) => d.callStatus === 'calling' },
  {
    rule: 'another override: busy or away',
    holds: ({ override }) => override?.activity === 'busy' || override?.activity === 'away',
  },
  { rule: 'available: a telephone is there', holds: (d) => d.terminalStatus === 'online' },
  { rule: 'offline: no telephone is there', holds: () => true },
];

/** All rules, and which of them hold; the first that does has chosen the word. */
export function rulesOf(document: PresenceDocument): { readonly rule: string; readonly holds: boolean }[] {
  return PRECEDENCE.map(({ rule, holds }) => ({ rule, holds: holds(document) }));
}

/** The rule that has chosen the word. */
export function decidingRule(document: PresenceDocument): string {
  return (PRECEDENCE.find(({ holds }) => holds(document)) as { rule: string }).rule;
}

function everyHeld({ calls }: PresenceDocument): boolean {
  return calls.every(({ state, held }) => state !== 'confirmed' || held);
}

const CONFLICT_RULES = {
  'offline-while-talking':
    'FIG. 8, steps 103 to 107: an off-line report while a call is up leaves the user off-line waiting (offline-while-talking)',
  'talking-while-offline': 'FIG. 8, step 112: a call of an off-line user puts them on-line (talking-while-offline)',
  'terminating-while-waiting':
    'FIG. 8, steps 114 to 116: when the last call ends of a user who is off-line waiting, they are off-line (terminating-while-waiting)',
  'online-while-waiting':
    'FIG. 8, steps 101 and 102: an on-line report ends off-line waiting, and the call goes on (online-while-waiting)',
} as const;

/** Which step of FIG. 8 made the terminal status what it is. */
export function terminalRule(record: PresenceRecord, decision: Decision | null): string {
  if (decision?.conflict !== undefined) return CONFLICT_RULES[decision.conflict.rule];
  switch (record.terminalStatus) {
    case 'online':
      if (liveTerminals(record) > 0) return 'FIG. 8, steps 101 and 102: an on-line report puts the user on-line';
      return 'FIG. 8, step 112: a call put the user on-line, and that is remembered for a time';
    case 'offline-waiting':
      return CONFLICT_RULES['offline-while-talking'];
    case 'offline':
      if (decision?.cause.by === 'deadline' && decision.cause.what === 'implied-online-expired') {
        return 'What FIG. 8, step 112, put on-line without a registration is off-line after a time';
      }
      return 'FIG. 8, steps 103 to 107: no registration is there, and no call that outlives it';
  }
}

/** How the calls together made the call status what it is. */
export function callRule(status: CallStatus): string {
  switch (status) {
    case 'talking':
      return 'At least one call is confirmed; that comes before calls that ring';
    case 'ringing':
      return 'No call is confirmed, and an incoming one is early';
    case 'calling':
      return 'No call is confirmed or comes in, and an outgoing one is early';
    case 'terminating':
      return 'All calls that are left are being ended';
    case 'idle':
      return 'There is no call';
  }
}
