import {
  applyDeadlines,
  applyUpdate,
  type Change,
  clockShift,
  compose,
  confirmedCalls,
  emptyRecord,
  liveTerminals,
  nextDeadline,
  PRESENCE_LIMITS,
  type PresenceRecord,
  readRecord,
  shiftTimes,
} from '../../../worker/presence/index.ts';
import { LIMITS, type PresenceDocument, type TerminalStatus, type Update, type Verdict } from '../../../worker/protocol/index.ts';
import { USER } from '../support/user.ts';
import type { Packet } from './site.ts';

/** The object of the user, with somebody beside it who looks at each step whether it was allowed. */
export class Witness {
  readonly wrong: string[] = [];
  /** Verdicts, changes and what brought them, counted. */
  readonly counts = new Map<string, number>();
  record: PresenceRecord = emptyRecord(USER);
  /** The newest update accepted of each site. */
  readonly #heard = new Map<string, Update>();
  #read: PresenceDocument | undefined;
  #text = '';
  readonly #single: boolean;
  readonly #server: boolean;

  /** `single`: one site, one telephone, one call, for which FIG. 8's table stands as it is drawn. `server`: expiry is kept here. */
  constructor(single: boolean, server: boolean) {
    this.#single = single;
    this.#server = server;
  }

  /** As the route and the object do with a batch: clocks put right, each update in order, then the deadlines that have passed. */
  take({ site, updates, sentAt }: Packet, now: number): Verdict[] {
    const shift = clockShift(sentAt, now);
    const verdicts = updates.map((update) => this.#apply(site.name, shiftTimes(update, shift), now));
    this.settle(now);
    return verdicts;
  }

  /** The alarm, or a read that finds something to have ended. */
  settle(now: number): void {
    const step = applyDeadlines(this.record, now);
    this.step(step.record, step.changes);
    if (applyDeadlines(this.record, now).record !== this.record) this.#says('a second alarm did something');
    this.#look(now);
  }

  /** Memory is lost: what is stored comes back. */
  evict(): void {
    const before = JSON.stringify(compose(this.record));
    this.record = readRecord(JSON.stringify(this.record));
    if (JSON.stringify(compose(this.record)) !== before) this.#says('the record is another after an eviction');
  }

  /** Goes on to a record, with the changes on the way. */
  step(record: PresenceRecord, changes: readonly Change[]): void {
    const before = this.record;
    let version = before.version;
    for (const { document, entry } of changes) {
      if (document.version !== ++version) this.#says(`version ${document.version} after ${version - 1}`);
      if (entry !== undefined) this.count(`entry ${entry.cause.by}${'what' in entry.cause ? ` ${entry.cause.what}` : ''}`);
      if (entry?.conflict !== undefined) this.count(`conflict ${entry.conflict.rule}`);
    }
    if (record.version !== version) this.#says(`version ${record.version}, told ${version}`);
    if (record.since < before.since) this.#says('since goes back');
    this.record = record;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #apply(site: string, update: Update, now: number): Verdict {
    const before = this.record;
    const { record, verdict, change } = applyUpdate(before, site, update, now);
    this.count(`verdict ${verdict.verdict}`);
    this.step(record, change === undefined ? [] : [change]);
    if (verdict.verdict !== 'accepted') {
      if (record !== before) this.#says(`${verdict.verdict} changed something`);
      return verdict;
    }
    const again = applyUpdate(record, site, update, now);
    if (again.record !== record || again.verdict.verdict !== 'duplicate') this.#says(`replayed: ${again.verdict.verdict}`);
    const last = this.#heard.get(site);
    if (last !== undefined && (update.epoch - last.epoch || update.sequence - last.sequence) <= 0)
      this.#says('an older word was accepted');
    this.#heard.set(site, update);
    for (const other of before.sites) {
      if (other.site !== site && record.sites.find((entry) => entry.site === other.site) !== other)
        this.#says(`${site} disturbed ${other.site}`);
    }
    if (this.#single) this.#figure8(update, before, record);
    return verdict;
  }

  /** FIG. 8 as it is drawn, for one telephone and one call. */
  #figure8(update: Update, before: PresenceRecord, after: PresenceRecord): void {
    const calls = [before, after].flatMap(({ sites }) => sites.flatMap((site) => site.calls));
    // A call of which the end was lost may still be there: then it is not the single case.
    if (update.status === 'snapshot' || new Set(calls.map(({ id }) => id)).size > 1) return;
    this.count('FIG. 8 as it is drawn');
    const talking = before.sites.some((site) => site.calls.some(({ state }) => state === 'confirmed'));
    const stored = before.terminalStatus;
    const report = update.status === 'early' || update.status === 'idle' ? 'terminating' : update.status;
    const table: Record<typeof report, TerminalStatus> = {
      // Steps 101, 102.
      online: 'online',
      // Steps 103 to 107.
      offline: talking ? 'offline-waiting' : 'offline',
      // Steps 111, 112.
      talking: stored === 'offline' ? 'online' : stored,
      // Steps 114 to 116.
      terminating: stored === 'offline-waiting' ? 'offline' : stored,
    };
    if (after.terminalStatus !== table[report])
      this.#says(`FIG. 8: ${report} at ${stored}, talking ${talking}: ${after.terminalStatus}`);
  }

  /** What always holds, once what has passed its deadline has ended; and what a reader sees. */
  #look(now: number): void {
    const { record } = this;
    const terminals = liveTerminals(record);
    const confirmed = confirmedCalls(record);
    if (record.since > now) this.#says('since is in the future');
    const { terminalStatus, impliedUntil } = record;
    if (terminals > 0 && terminalStatus !== 'online') this.#says(`${terminalStatus} with a terminal`);
    if (terminalStatus === 'offline-waiting' && confirmed === 0) this.#says('waiting without a call');
    if (terminalStatus === 'offline' && confirmed > 0) this.#says('offline with a call');
    const bare = terminalStatus === 'online' && terminals === 0 && confirmed === 0;
    if (bare !== (impliedUntil !== null)) this.#says('online without anything behind it has no deadline');
    const within = (time: number, limit: number) => time > now && time <= now + limit;
    if (impliedUntil !== null && !within(impliedUntil, PRESENCE_LIMITS.impliedOnline)) this.#says('implied deadline');
    for (const site of record.sites) {
      for (const { deadline } of site.calls)
        if (!within(deadline, PRESENCE_LIMITS.callDeadline)) this.#says('a call without a deadline');
      for (const { expires } of site.terminals) {
        if (expires === null ? this.#server : !within(expires, PRESENCE_LIMITS.terminalExpiry))
          this.#says('a terminal without a deadline');
      }
    }
    for (const { expires } of record.overrides)
      if (!within(expires, LIMITS.overrideMax * 1_000)) this.#says('an override without a deadline');
    if ((nextDeadline(record)?.at ?? Infinity) <= now) this.#says('a deadline has passed and nothing came of it');
    this.#reading(compose(record));
  }

  /** What a reader sees never goes back, and is another only with another version. */
  #reading(document: PresenceDocument | undefined): void {
    if (document === undefined) {
      if (this.#read !== undefined) this.#says('the user is gone');
      return;
    }
    const text = JSON.stringify(document);
    const before = this.#read;
    if (before !== undefined && document.version < before.version) this.#says('a read went back');
    if (document.version === before?.version && text !== this.#text) this.#says('another document of the same version');
    if (document.callStatus === 'talking' && confirmedCalls(this.record) === 0) this.#says('talking without a call');
    this.#read = document;
    this.#text = text;
  }

  #says(what: string): void {
    this.wrong.push(what);
  }
}
