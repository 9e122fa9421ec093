import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';

/** How big the domain of a site is, against all of the deployment. */
export type Kind = 'large' | 'medium' | 'small';

/** A site: one shim, with all of its users in one domain. */
export interface SitePlan {
  readonly name: string;
  readonly domain: string;
  readonly kind: Kind;
  /** The first of them is user number 0 of the site. */
  readonly users: number;
  /** Played from midnight to midnight; else for the busy hour alone. */
  readonly wholeDay: boolean;
}

export interface Layout {
  readonly users: number;
  readonly sites: readonly SitePlan[];
  /** BOARD_SHARDS: of the deployment, so of every domain, by the rule of docs/watching.md for its largest. */
  readonly shards: number;
  /** Users of the largest domain. */
  readonly largest: number;
}

/** Users of a site. */
export const SITE_USERS = 500;
/** Parts of all users: in the one large domain, and in each of the five of middle size. The others are small: a domain is a site. */
const LARGE = 0.1;
const MEDIUM = 0.02;
const MEDIUM_DOMAINS = 5;
/** docs/watching.md: "one board for each 5,000 users, or for each 100 changes a second, whichever is more". */
const USERS_A_BOARD = 5000;
const CHANGES_A_BOARD = 100;

/** BOARD_SHARDS for a domain of so many users and changes a second, no less than the default. */
export function boardsFor(users: number, changes: number): number {
  const wanted = Math.max(Math.ceil(users / USERS_A_BOARD), Math.ceil(changes / CHANGES_A_BOARD));
  return Math.min(Math.max(wanted, OBJECT_LIMITS.shardsDefault), OBJECT_LIMITS.shardsMax);
}

export interface LayoutSettings {
  /** Users in all: a multiple of those of a site. */
  readonly users: number;
  /** Changes a second of a user in the busy hour, for the rule. */
  readonly changesAUser: number;
  /** Small domains that are played for the whole day; the large domain and one of middle size always are. All of them where it is not given. */
  readonly smallWholeDay?: number;
  readonly siteUsers?: number;
}

/** One large domain over many sites, five of middle size, and many small ones of one site each. */
export function layout({ users, changesAUser, smallWholeDay = Infinity, siteUsers = SITE_USERS }: LayoutSettings): Layout {
  const count = Math.round(users / siteUsers);
  const sites: SitePlan[] = [];
  const add = (domain: string, kind: Kind, number: number, wholeDay: boolean) => {
    for (let n = 0; n < number; n++) sites.push({ name: `s${sites.length}`, domain, kind, users: siteUsers, wholeDay });
  };
  const large = Math.max(1, Math.round(count * LARGE));
  const medium = Math.max(1, Math.round(count * MEDIUM));
  add('large.example', 'large', large, true);
  for (let n = 0; n < MEDIUM_DOMAINS && sites.length + medium <= count; n++) {
    add(`medium${n}.example`, 'medium', medium, n === 0 || smallWholeDay === Infinity);
  }
  for (let n = 0; sites.length < count; n++) add(`small${n}.example`, 'small', 1, n < smallWholeDay);
  const largest = large * siteUsers;
  return { users: count * siteUsers, sites, shards: boardsFor(largest, largest * changesAUser), largest };
}
