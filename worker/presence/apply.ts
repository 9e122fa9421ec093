import type { Conflict, Update, Verdict } from '../protocol/index.ts';
import { check, type Facts, type Resolution } from './consistency.ts';
import { place } from './cursor.ts';
import { type Deadline, nextDeadline } from './deadlines.ts';
import { type Change, finish } from './finish.ts';
import { deadlineEntry, updateEntry } from './history.ts';
import { PRESENCE_LIMITS } from './limits.ts';
import { confirmedCalls, liveTerminals, type PresenceRecord, type SiteRecord, siteOf, withSite } from './record.ts';
import { type Live, take } from './take.ts';

/** What an update did: the record after it (the same object where nothing changed), and what to answer. */
export interface UpdateStep {
  readonly record: PresenceRecord;
  readonly verdict: Verdict;
  readonly change: Change | undefined;
}

/** What the deadlines that passed did, in the order of time. */
export interface DeadlineStep {
  readonly record: PresenceRecord;
  readonly changes: readonly Change[];
}

/**
 * Applies an update of `site` (times corrected already) to the record. Whatever is not `accepted` changes nothing at all.
 * `now` is ms since 1970.
 */
export function applyUpdate(record: PresenceRecord, site: string, update: Update, now: number): UpdateStep {
  const { sequence } = update;
  const unchanged = (verdict: Verdict): UpdateStep => ({ record, verdict, change: undefined });
  const known = siteOf(record, site);
  const at = place(known, update);
  switch (at.place) {
    case 'duplicate':
      return unchanged({ sequence, verdict: 'duplicate', version: record.version });
    case 'stale':
      return unchanged({ sequence, verdict: 'stale', last: { epoch: at.last.epoch, sequence: at.last.sequence } });
    case 'gap': {
      const last = at.last && { epoch: at.last.epoch, sequence: at.last.sequence };
      return unchanged({ sequence, verdict: 'gap', last });
    }
    case 'next':
  }
  const roomy = known === undefined ? makeRoom(record, now) : record;
  if (roomy === undefined) {
    return unchanged({
      sequence,
      verdict: 'rejected',
      field: 'site',
      reason: `more than ${PRESENCE_LIMITS.sites} sites report this user`,
    });
  }
  const taken = take(known ?? { terminals: [], calls: [] }, update, now);
  if (!taken.ok) return unchanged({ sequence, verdict: 'rejected', field: taken.field, reason: taken.reason });
  const entry: SiteRecord = { site, cursor: at.cursor, heard: now, terminals: taken.terminals, calls: taken.calls };
  const next = withSite(roomy, entry);
  if (!fits(next)) {
    return unchanged({ sequence, verdict: 'rejected', field: 'user', reason: 'more is live of this user than can be kept' });
  }
  const { terminalStatus, conflict } = resolve(update, record, next);
  const done = finish(record, next, terminalStatus, update.at, now, (document, time) =>
    updateEntry(site, withReason(update, known, taken), time, document, conflict),
  );
  const version = done.record.version;
  const verdict: Verdict = { sequence, verdict: 'accepted', version, ...(conflict === undefined ? {} : { conflict }) };
  return { record: done.record, verdict, change: done.change };
}

/** A snapshot that leaves out what its site held before ends it: without a reason of its own, as lost. */
function withReason(update: Update, before: Live | undefined, after: Live): Update {
  if (update.status !== 'snapshot' || update.reason !== undefined || before === undefined) return update;
  const lost =
    before.calls.some(({ id }) => !after.calls.some((call) => call.id === id)) ||
    before.terminals.some(({ contact }) => !after.terminals.some((terminal) => terminal.contact === contact));
  return lost ? { ...update, reason: { cause: 'lost' } } : update;
}

/** Ends what has passed its deadline. Late or early calls are harmless: all is told from the record and `now`. */
export function applyDeadlines(record: PresenceRecord, now: number): DeadlineStep {
  const changes: Change[] = [];
  let current = record;
  for (let due = nextDeadline(current); due !== undefined && due.at <= now; due = nextDeadline(current)) {
    const { record: next, change } = expire(current, due, now);
    if (change !== undefined) changes.push(change);
    current = next;
  }
  return { record: current, changes };
}

function expire(record: PresenceRecord, due: Deadline, now: number) {
  const { next, terminalStatus, conflict } = end(record, due);
  return finish(record, next, terminalStatus, due.at, now, (document, time) => deadlineEntry(due.what, time, document, conflict));
}

/** A terminal that passed its expiry acts as an offline report, a call that passed its deadline as an idle one. */
function end(
  record: PresenceRecord,
  due: Deadline,
): { next: PresenceRecord; terminalStatus: Resolution['terminalStatus']; conflict?: Conflict } {
  if (due.what === 'implied-online-expired') return { next: { ...record, impliedUntil: null }, terminalStatus: 'offline' };
  if (due.what === 'override-expired') {
    const overrides = record.overrides.filter((override) => override !== due.override);
    return { next: { ...record, overrides }, terminalStatus: record.terminalStatus };
  }
  const site = siteOf(record, due.site) as SiteRecord;
  if (due.what === 'terminal-expired') {
    const next = withSite(record, { ...site, terminals: site.terminals.filter(({ contact }) => contact !== due.contact) });
    return { next, ...check('offline', facts(record, next)) };
  }
  const next = withSite(record, { ...site, calls: site.calls.filter(({ id }) => id !== due.call) });
  return { next, ...check('terminating', facts(record, next), 'idle') };
}

/** What FIG. 8 makes of an update. */
function resolve(update: Update, before: PresenceRecord, after: PresenceRecord): Resolution {
  const seen = facts(before, after);
  switch (update.status) {
    case 'online':
    case 'offline':
    case 'talking':
    case 'terminating':
      return check(update.status, seen);
    case 'early':
    case 'idle':
      return check('terminating', seen, update.status);
    case 'snapshot':
      return check(snapshotReport(before, seen), seen, update.status);
  }
}

/** A snapshot says several things at once; this is the one that decides. */
function snapshotReport(before: PresenceRecord, { recorded, terminals, confirmed }: Facts) {
  if (terminals > 0) return 'online';
  if (liveTerminals(before) > 0) return 'offline';
  if (confirmed > 0) return 'talking';
  return recorded === 'offline-waiting' ? 'terminating' : 'offline';
}

function facts(before: PresenceRecord, after: PresenceRecord): Facts {
  return { recorded: before.terminalStatus, terminals: liveTerminals(after), confirmed: confirmedCalls(after) };
}

/** Can the record be stored: its row is bounded, and one that is too long would fail each time. */
function fits(record: PresenceRecord): boolean {
  const live = record.sites.reduce((sum, { terminals, calls }) => sum + terminals.length + calls.length, 0);
  return live <= PRESENCE_LIMITS.unmeasured || JSON.stringify(record).length <= PRESENCE_LIMITS.recordText;
}

/** Room for one more site, if need be by forgetting one that has nothing live and was not heard for long; undefined where there is none. */
function makeRoom(record: PresenceRecord, now: number): PresenceRecord | undefined {
  if (record.sites.length < PRESENCE_LIMITS.sites) return record;
  const idle = record.sites
    .filter(({ terminals, calls, heard }) => terminals.length + calls.length === 0 && heard + PRESENCE_LIMITS.siteMemory <= now)
    .sort((a, b) => a.heard - b.heard)[0];
  return idle && { ...record, sites: record.sites.filter((site) => site !== idle) };
}
