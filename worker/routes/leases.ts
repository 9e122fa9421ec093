import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import { OBJECT_LIMITS } from '../objects/limits.ts';
import { siteObject } from '../objects/places.ts';
import type { Standing } from '../objects/site.ts';
import { within } from '../objects/within.ts';
import { shown, sourcesOf } from '../presence/index.ts';
import type { LeaseAnswer, PresenceDocument } from '../protocol/index.ts';
import { ROUTE_LIMITS } from './limits.ts';

/** What this isolate knows of a site's lease by having renewed it. */
interface Renewed {
  readonly answer: LeaseAnswer;
  readonly at: number;
  /** Boards that its object was told of. */
  readonly boards: Set<string>;
}

/** A site that is in touch is so until a known time, so until then nobody has to ask its object again. */
const standings = new Map<string, { readonly standing: Standing; readonly askAgain: number }>();
const renewals = new Map<string, Renewed>();

/** The duration of a lease, ms, from the variable SITE_LEASE: 1 to 3600 seconds; what is no such number is the default, 30. */
export function leaseDuration(variable: string | undefined): number {
  const duration = Number(variable) * 1000;
  const valid = duration >= OBJECT_LIMITS.leaseMin && duration <= OBJECT_LIMITS.leaseMax;
  return valid ? Math.round(duration) : OBJECT_LIMITS.leaseDefault;
}

/**
 * A batch of a site arrived, of that incarnation, about users of these boards: its lease is renewed, unless this isolate did so a moment ago.
 * Undefined where the site's object does not answer in time: the updates are taken all the same.
 */
export async function renewLease(
  env: Env,
  site: string,
  epoch: number | undefined,
  boards: ReadonlySet<string>,
): Promise<LeaseAnswer | undefined> {
  const now = Date.now();
  const duration = leaseDuration(env.SITE_LEASE);
  const known = renewals.get(site);
  const unknown = [...boards].filter((board) => known?.boards.has(board) !== true);
  if (isRenewed(known, epoch, now, duration) && unknown.length === 0) return known?.answer;
  try {
    const answer = await within(ROUTE_LIMITS.siteTimeout, siteObject(env, site).renew(site, epoch, unknown, duration));
    noteLease(site, answer, now, unknown);
    return answer;
  } catch (error) {
    logError('the lease of a site could not be renewed', error);
    return undefined;
  }
}

/** Remembers what a site's object answered to a word of the site that arrived at `now`, and the boards that it was told of. */
export function noteLease(site: string, answer: LeaseAnswer, now: number, boards: readonly string[] = []): void {
  const known = renewals.get(site);
  if (renewals.size >= ROUTE_LIMITS.sitesKnown) renewals.clear();
  renewals.set(site, { answer, at: now, boards: new Set([...(known?.boards ?? []), ...boards]) });
  if (answer.state === 'held') note(site, { since: null, until: now + answer.duration }, now);
}

/**
 * Is that incarnation known here, since a moment, to be the latest of its site, so that its updates need not wait for the renewal: a later one may
 * have been heard elsewhere since.
 */
export function isLatest(env: Env, site: string, epoch: number): boolean {
  return isRenewed(renewals.get(site), epoch, Date.now(), leaseDuration(env.SITE_LEASE));
}

/** The document as it is to be shown: `stale` or `unknown` where sites on whose word it rests are out of touch. */
export async function withStaleness(
  env: Env,
  document: PresenceDocument,
  reporters: readonly string[],
): Promise<PresenceDocument> {
  const standing = await standingsOf(env, sourcesOf(document, reporters));
  return shown(document, reporters, (site) => standing(site)?.since ?? undefined);
}

/** How the sites stand; nothing of one that was never heard. One that cannot be asked counts as out of touch: nobody knows that it is not. */
export async function standingsOf(env: Env, sites: readonly string[]): Promise<(site: string) => Standing | undefined> {
  const found = new Map<string, Standing>();
  await Promise.all(
    sites.map(async (site) => {
      const standing = await standingOf(env, site);
      if (standing !== undefined) found.set(site, standing);
    }),
  );
  return (site) => found.get(site);
}

async function standingOf(env: Env, site: string): Promise<Standing | undefined> {
  const known = standings.get(site);
  const asked = Date.now();
  if (known !== undefined && asked < known.askAgain) return known.standing;
  try {
    const standing = await within(ROUTE_LIMITS.siteTimeout, siteObject(env, site).standing());
    note(site, standing ?? { since: null, until: Date.now() + ROUTE_LIMITS.askAgain }, Date.now());
    return standing ?? undefined;
  } catch (error) {
    logError('a site could not be asked', error);
    // That it is in touch is known up to then at most.
    const until = known?.standing.until ?? asked;
    return { since: known?.standing.since ?? until, until };
  }
}

function note(site: string, standing: Standing, now: number): void {
  if (standings.size >= ROUTE_LIMITS.sitesKnown) standings.clear();
  standings.set(site, { standing, askAgain: standing.since === null ? standing.until : now + ROUTE_LIMITS.askAgain });
}

function isRenewed(known: Renewed | undefined, epoch: number | undefined, now: number, duration: number): boolean {
  if (known === undefined || known.answer.state !== 'held' || known.answer.duration !== duration) return false;
  if (epoch !== undefined && known.answer.epoch !== epoch) return false;
  return now >= known.at && now - known.at < duration * ROUTE_LIMITS.renewEvery;
}
