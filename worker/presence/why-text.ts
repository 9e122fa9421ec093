import type { CallStatus, DetailLevel, PresenceDocument, WhyStale } from '../protocol/index.ts';
import { timestamp } from './clock.ts';
import type { Decision } from './evidence.ts';
import type { PresenceRecord } from './record.ts';

/** The sentences of `why`. They name no contact, no peer and no Call-ID, and to `busy-only` no site. */
export function statusText({ override }: PresenceDocument, rule: string): string {
  const until = override === null ? '' : ` An override (${override.activity}) holds until ${override.expires}.`;
  return `The first rule that holds is "${rule}".${until}`;
}

export function terminalText(
  { terminalStatus, impliedUntil }: PresenceRecord,
  count: number,
  decision: Decision | null,
  detail: DetailLevel,
): string {
  const there = count === 0 ? 'No registration is there' : `${count} registration${count === 1 ? ' is' : 's are'} there`;
  const implied =
    impliedUntil === null ? '' : `; a call put the user on-line, which is remembered until ${timestamp(impliedUntil)}`;
  return `${there}${implied}: the terminal status is ${terminalStatus}${decidedText(decision, detail)}.`;
}

export function callText(status: CallStatus, count: number, decision: Decision | null, detail: DetailLevel): string {
  const there = count === 0 ? 'There is no call' : `There ${count === 1 ? 'is 1 call' : `are ${count} calls`}`;
  return `${there}: the call status is ${status}${decidedText(decision, detail)}.`;
}

function decidedText(decision: Decision | null, detail: DetailLevel): string {
  return decision === null ? '' : `, since ${timestamp(decision.at)} by ${causeText(decision.cause, detail)}`;
}

function causeText(cause: Decision['cause'], detail: DetailLevel): string {
  switch (cause.by) {
    case 'update':
      if (detail === 'busy-only') return `an update (${cause.status})`;
      return `update ${cause.sequence} (${cause.status}) of site ${cause.site}, incarnation ${cause.epoch}`;
    case 'override':
      return cause.activity === null ? 'an override that was taken back' : `the override ${cause.activity}`;
    case 'deadline':
      return DEADLINE_TEXTS[cause.what];
  }
}

const DEADLINE_TEXTS = {
  'terminal-expired': 'a registration that expired',
  'call-expired': 'a call of which nothing was heard up to its deadline',
  'implied-online-expired': 'the end of the time for which a call without registration is remembered',
  'override-expired': 'the end of an override',
} as const;

export function staleText({ stale, staleSince }: PresenceDocument, sites: WhyStale['sites'], detail: DetailLevel): string {
  const lost = sites.filter(({ outOfTouchSince }) => outOfTouchSince !== null).map(({ site }) => site);
  const named = detail === 'busy-only' ? '' : ` (${lost.join(', ')})`;
  const count = `${lost.length} of ${sites.length} sites that reported the user${named}`;
  if (stale) return `This is what was known at ${staleSince}: out of touch: ${count}.`;
  if (sites.length === 0) return 'No site has reported the user.';
  if (lost.length > 0) return `Out of touch, with nothing live of the user: ${count}.`;
  const [first] = sites.flatMap(({ inTouchUntil }) => inTouchUntil ?? []).sort();
  const until = first === undefined ? '' : `; one that is not heard again by ${first} will not be`;
  return `All sites that reported the user are in touch${until}.`;
}
