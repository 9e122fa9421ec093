import type { DetailLevel, PresenceDocument, Upcoming } from '../protocol/index.ts';
import { applyDeadlines } from './apply.ts';
import { timestamp } from './clock.ts';
import { compose } from './compose.ts';
import { type Deadline, nextDeadline } from './deadlines.ts';
import { PRESENCE_LIMITS } from './limits.ts';
import type { PresenceRecord } from './record.ts';

/** What ends by itself unless more is heard, in the order of time, each with the state that it leaves: what the deadlines would do is tried out. */
export function upcoming(record: PresenceRecord, detail: DetailLevel): Upcoming[] {
  const list: Upcoming[] = [];
  let current = record;
  while (list.length < PRESENCE_LIMITS.whyUpcoming) {
    const due = nextDeadline(current);
    if (due === undefined) return list;
    current = applyDeadlines(current, due.at).record;
    const { status, terminalStatus, callStatus } = compose(current) as PresenceDocument;
    const at = timestamp(due.at);
    const text = `Unless more is heard, ${subject(due, detail)} at ${at}; ${record.user} is ${status} then.`;
    list.push({ at, what: due.what, text, becomes: { status, terminalStatus, callStatus } });
  }
  return list;
}

function subject(due: Deadline, detail: DetailLevel): string {
  switch (due.what) {
    case 'terminal-expired':
      return detail === 'busy-only' ? 'a registration expires' : `the registration of ${due.contact} at site ${due.site} expires`;
    case 'call-expired':
      return detail === 'full' ? `the call ${due.call} at site ${due.site} is taken for lost` : 'a call is taken for lost';
    case 'override-expired':
      return `the override ${due.override.activity} ends`;
    case 'implied-online-expired':
      return 'it is forgotten that a call put the user on-line';
  }
}
