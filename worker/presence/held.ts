import { bucketOf, digestOf, type PresenceDocument } from '../protocol/index.ts';

/** A user's newest document, JSON. */
export interface Recorded {
  readonly user: string;
  readonly version: number;
  readonly text: string;
}

/** What a board has recorded of a site about one user. */
export interface HeldUser {
  readonly user: string;
  readonly version: number;
  /** Of the user's terminals and calls at the site. */
  readonly digest: string;
}

/** What is recorded of a site, about users in the buckets `from` up to, not including, `to`. */
export function heldOf(listed: Iterable<Recorded>, site: string, from: number, to: number): HeldUser[] {
  const held: HeldUser[] = [];
  for (const { user, version, text } of listed) {
    const bucket = bucketOf(user);
    if (bucket < from || bucket >= to) continue;
    const document = JSON.parse(text) as PresenceDocument;
    const terminals = document.terminals.filter((terminal) => terminal.site === site);
    const calls = document.calls.filter((call) => call.site === site);
    if (terminals.length + calls.length > 0) held.push({ user, version, digest: digestOf({ terminals, calls }) });
  }
  return held;
}

/** Users whom the site and the boards do not know by the same digest. After a change of their number two boards may know one: the newer word counts. */
export function differing(users: { readonly [user: string]: string }, held: readonly HeldUser[]): string[] {
  const recorded = new Map<string, HeldUser>();
  for (const one of held) {
    const known = recorded.get(one.user);
    if (known === undefined || known.version < one.version) recorded.set(one.user, one);
  }
  const differ = Object.entries(users).filter(([user, digest]) => recorded.get(user)?.digest !== digest);
  const unknown = [...recorded.values()].filter(({ user }) => !Object.hasOwn(users, user));
  return [...differ.map(([user]) => user), ...unknown.map(({ user }) => user)];
}
