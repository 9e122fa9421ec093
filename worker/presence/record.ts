import type { CallReport, OverrideActivity, OverrideSource, Status, TerminalReport, TerminalStatus } from '../protocol/index.ts';
import { type Evidence, NO_EVIDENCE } from './evidence.ts';

/** All that is stored of one user. Times are ms since 1970, already corrected to our clock. */
export interface PresenceRecord {
  readonly user: string;
  /** Of the presence document; `floor` before the first update. */
  readonly version: number;
  /** Where the versions of this record begin: 0, or the last one of a user whose data were deleted, so that none comes twice. */
  readonly floor: number;
  /** FIG. 8's stored terminal status. */
  readonly terminalStatus: TerminalStatus;
  /**
   * Where a call alone put the user online (FIG. 8, step 112) and no such call is left: when that ends. Null otherwise.
   */
  readonly impliedUntil: number | null;
  /** The composed word, kept so that `since` can be told. */
  readonly status: Status;
  /** When `status` began. */
  readonly since: number;
  /** What each site told, in the order in which the sites were first heard. */
  readonly sites: readonly SiteRecord[];
  /** What people and applications said in place of what is observed, in the order in which they first did. */
  readonly overrides: readonly OverrideRecord[];
  /** By which words terminal status and call status came to be what they are. */
  readonly evidence: Evidence;
}

/** The word of one person or application. */
export interface OverrideRecord {
  readonly source: OverrideSource;
  readonly activity: OverrideActivity;
  readonly note?: string;
  /** When this word was first said. */
  readonly since: number;
  /** How long it was to last when it was said, ms: the same word for as long again is a renewal. */
  readonly lifetime: number;
  readonly expires: number;
}

/** What one site told of the user, and how far its stream of updates was followed. */
export interface SiteRecord {
  readonly site: string;
  readonly cursor: Cursor;
  /** When its last update was accepted. */
  readonly heard: number;
  readonly terminals: readonly TerminalReport[];
  readonly calls: readonly CallReport[];
}

/** The updates `first` to `sequence` of `epoch` were stored without a break. */
export interface Cursor {
  readonly epoch: number;
  readonly first: number;
  readonly sequence: number;
}

/** The record of a user of whom nothing was ever told, or nothing since their data were deleted at version `floor`. */
export function emptyRecord(user: string, floor = 0): PresenceRecord {
  return {
    user,
    version: floor,
    floor,
    terminalStatus: 'offline',
    impliedUntil: null,
    status: 'offline',
    since: 0,
    sites: [],
    overrides: [],
    evidence: NO_EVIDENCE,
  };
}

/** A record as it was stored, by this program or an earlier one: what earlier ones did not know is empty. */
export function readRecord(text: string): PresenceRecord {
  const stored = JSON.parse(text) as PresenceRecord;
  return { ...emptyRecord(stored.user), ...stored };
}

/** What was told by `site`, or undefined where it was never heard. */
export function siteOf(record: PresenceRecord, site: string): SiteRecord | undefined {
  return record.sites.find((entry) => entry.site === site);
}

/** The record with `entry` in the place of what was told by the same site. */
export function withSite(record: PresenceRecord, entry: SiteRecord): PresenceRecord {
  const known = record.sites.some((other) => other.site === entry.site);
  const sites = known ? record.sites.map((other) => (other.site === entry.site ? entry : other)) : [...record.sites, entry];
  return { ...record, sites };
}

/** Live terminals, at all sites. */
export function liveTerminals(record: PresenceRecord): number {
  return record.sites.reduce((sum, site) => sum + site.terminals.length, 0);
}

/** Confirmed calls, at all sites: `talking` is at least one. */
export function confirmedCalls(record: PresenceRecord): number {
  return record.sites.reduce((sum, site) => sum + site.calls.filter((call) => call.state === 'confirmed').length, 0);
}
