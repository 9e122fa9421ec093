import type {
  CallStatus,
  DetailLevel,
  Dialog,
  PresenceDocument,
  Registration,
  TerminalStatus,
  Upcoming,
  Why,
  WhyPart,
  WhyStale,
} from '../protocol/index.ts';
import { timestamp } from './clock.ts';
import { callStatus, compose } from './compose.ts';
import { redactCause, redactReason } from './detail.ts';
import type { Decision } from './evidence.ts';
import { overrideDocuments } from './override.ts';
import type { PresenceRecord } from './record.ts';
import { callRule, decidingRule, rulesOf, terminalRule } from './rules.ts';
import { shown } from './stale.ts';
import { upcoming } from './upcoming.ts';
import { callText, staleText, statusText, terminalText } from './why-text.ts';

/** What the record does not hold: how its sites stand, and what the reader may see. */
export interface Reader {
  readonly detail: DetailLevel;
  /** Since when a site is out of touch (null while it is in touch), or until when it is in touch, ms since 1970; undefined where that is not known. */
  readonly standing: (site: string) => { readonly since: number | null; readonly until: number } | undefined;
}

/** On what the state of a user rests, and what will change it; undefined for a user never seen. Deadlines must have been applied. */
export function why(record: PresenceRecord, reader: Reader): Why | undefined {
  const composed = compose(record);
  if (composed === undefined) return undefined;
  const reporters = record.sites.map(({ site }) => site);
  const document = shown(composed, reporters, (site) => reader.standing(site)?.since ?? undefined);
  const [next = null, ...later] = upcoming(record, reader.detail);
  const parts = {
    status: whyStatus(document),
    terminalStatus: whyTerminal(record, reader.detail),
    callStatus: whyCall(record, reader.detail),
    stale: whyStale(record, document, reader),
  };
  return {
    user: record.user,
    version: record.version,
    text: whole(document, parts, next),
    ...parts,
    overrides: reader.detail === 'busy-only' ? [] : overrideDocuments(record),
    next,
    later,
  };
}

function whyStatus(document: PresenceDocument): Why['status'] {
  const rule = decidingRule(document);
  return { value: document.status, since: document.since, rules: rulesOf(document), rule, text: statusText(document, rule) };
}

function whyTerminal(record: PresenceRecord, detail: DetailLevel): Why['terminalStatus'] {
  const registrations = detail === 'busy-only' ? [] : record.sites.flatMap(registrationsOf);
  const count = record.sites.reduce((sum, { terminals }) => sum + terminals.length, 0);
  const decision = record.evidence.terminal;
  const part: WhyPart<TerminalStatus> = {
    value: record.terminalStatus,
    ...decided(decision, detail),
    rule: terminalRule(record, decision),
    text: terminalText(record, count, decision, detail),
  };
  return { ...part, registrations };
}

function whyCall(record: PresenceRecord, detail: DetailLevel): Why['callStatus'] {
  const value = callStatus(record);
  const calls = record.sites.flatMap(({ site, calls: held }) => held.map((call) => ({ ...call, site })));
  const decision = record.evidence.call;
  const part: WhyPart<CallStatus> = {
    value,
    ...decided(decision, detail),
    rule: callRule(value),
    text: callText(value, calls.length, decision, detail),
  };
  return { ...part, dialogs: detail === 'busy-only' ? [] : calls.map((call) => dialogOf(call, detail)) };
}

function decided(decision: Decision | null, detail: DetailLevel): Omit<WhyPart<never>, 'value' | 'rule' | 'text'> {
  if (decision === null) return { since: null, by: null };
  const { at, cause, reason, conflict } = decision;
  const told = reason === undefined || detail === 'busy-only' ? undefined : redactReason(reason, detail);
  return {
    since: timestamp(at),
    by: redactCause(cause, detail),
    ...(told === undefined ? {} : { reason: told }),
    ...(conflict === undefined ? {} : { conflict }),
  };
}

function registrationsOf({ site, terminals }: PresenceRecord['sites'][number]): Registration[] {
  return terminals.map(({ contact, address, userAgent, since, expires }) => ({
    site,
    contact,
    ...(address === undefined ? {} : { address }),
    ...(userAgent === undefined ? {} : { userAgent }),
    since: timestamp(since),
    expires: expires === null ? null : timestamp(expires),
  }));
}

function dialogOf(call: PresenceRecord['sites'][number]['calls'][number] & { site: string }, detail: DetailLevel): Dialog {
  const { site, id, callId, direction, state, held, peer, startedAt, answeredAt, deadline } = call;
  return {
    site,
    id,
    ...(detail === 'full' ? { callId } : {}),
    direction,
    state,
    held,
    ...(detail === 'full' ? { peer } : {}),
    since: timestamp(startedAt),
    answeredAt: answeredAt === null ? null : timestamp(answeredAt),
    deadline: timestamp(deadline),
  };
}

function whyStale(record: PresenceRecord, document: PresenceDocument, { detail, standing }: Reader): WhyStale {
  const all = record.sites.map(({ site, cursor, heard }) => {
    const { since, until } = standing(site) ?? { since: null, until: null };
    const { epoch, sequence } = cursor;
    return {
      site,
      epoch,
      sequence,
      heard: timestamp(heard),
      outOfTouchSince: since === null ? null : timestamp(since),
      inTouchUntil: since !== null || until === null ? null : timestamp(until),
    };
  });
  const { stale, staleSince } = document;
  const sites = detail === 'busy-only' ? [] : all;
  return {
    value: stale,
    ...(staleSince === undefined ? {} : { since: staleSince }),
    sites,
    text: staleText(document, all, detail),
  };
}

function whole(
  document: PresenceDocument,
  { status, terminalStatus, callStatus: call, stale }: Pick<Why, 'status' | 'terminalStatus' | 'callStatus' | 'stale'>,
  next: Upcoming | null,
): string {
  const end = next === null ? 'Nothing of it ends by itself: it stays until more is reported.' : next.text;
  const silence = document.stale ? [stale.text] : [];
  return [
    `${document.user} is ${status.value} since ${status.since}.`,
    status.text,
    terminalStatus.text,
    call.text,
    ...silence,
    end,
  ].join(' ');
}
