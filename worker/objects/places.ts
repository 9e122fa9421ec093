import { createHmac } from 'node:crypto';
import type { Env } from '../env.ts';
import { domainOf } from '../protocol/index.ts';
import type { Board } from './board.ts';
import { OBJECT_LIMITS } from './limits.ts';
import type { ListServer } from './list-server.ts';
import { isListServer } from './shard.ts';
import type { Site } from './site.ts';
import type { User } from './user.ts';

/** Jurisdictions that Cloudflare knows: data of objects made in one never leaves it. */
const JURISDICTIONS: readonly string[] = ['eu', 'fedramp'] satisfies DurableObjectJurisdiction[];

/** What stands in `JURISDICTIONS` for all that it does not name: other domains and sites, and what is of none (the access object). */
export const REST = '*';

/** Key for the names of objects where no other is set: they must be the same in each process, and for ever. */
const DEFAULT_KEY = 'offhook';

/** What of the bindings says where objects are. */
export type Places = Pick<Env, 'USER' | 'BOARD' | 'JURISDICTIONS' | 'OBJECT_NAME_KEY'>;

/** The object of a user (a canonical address of record): the one place where it is found. */
export function userObject(env: Places, user: string): DurableObjectStub<User> {
  return inJurisdiction(env.USER, jurisdictionOf(env.JURISDICTIONS, domainOf(user))).getByName(
    knownName(user, env.OBJECT_NAME_KEY ?? DEFAULT_KEY),
  );
}

/** Names of users' objects that this isolate has computed, with the key by which it did. */
const names = { key: '', known: new Map<string, string>() };

function knownName(user: string, key: string): string {
  if (names.key !== key || names.known.size >= OBJECT_LIMITS.namesKnown) {
    names.known.clear();
    names.key = key;
  }
  const known = names.known.get(user);
  if (known !== undefined) return known;
  const name = nameOf(user, key);
  names.known.set(user, name);
  return name;
}

/** A board by its name (`boardOf`, `boardsOf`). */
export function boardObject(env: Places, board: string): DurableObjectStub<Board> {
  const domain = board.slice(0, board.lastIndexOf('#'));
  return inJurisdiction(env.BOARD, jurisdictionOf(env.JURISDICTIONS, domain)).getByName(board);
}

/** A list server by its name (`listServerOf`). */
export function listServerObject(env: Places & Pick<Env, 'LIST'>, name: string): DurableObjectStub<ListServer> {
  const domain = name.slice(0, name.lastIndexOf('#'));
  return inJurisdiction(env.LIST, jurisdictionOf(env.JURISDICTIONS, domain)).getByName(name);
}

/** What is watched, by the name that it gave the access object: a board or a list server. */
export function watchedObject(
  env: Places & Pick<Env, 'LIST'>,
  name: string,
): DurableObjectStub<Board> | DurableObjectStub<ListServer> {
  return isListServer(name) ? listServerObject(env, name) : boardObject(env, name);
}

/** The object of a site. It may tell of users of several domains, and is found by its name alone: so `JURISDICTIONS` names it for itself. */
export function siteObject(env: Pick<Env, 'SITE' | 'JURISDICTIONS'>, site: string): DurableObjectStub<Site> {
  return inJurisdiction(env.SITE, jurisdictionOf(env.JURISDICTIONS, `site:${site}`)).getByName(site);
}

/**
 * The name of a user's object: a keyed hash of the address of record, since names are seen in dashboards, logs and analytics, and an
 * address of record may be a telephone number.
 */
export function nameOf(user: string, key: string): string {
  return createHmac('sha256', key).update(user).digest('base64url');
}

/**
 * The jurisdiction that `JURISDICTIONS` (`example.de=eu example.com=fedramp site:office=eu *=eu`) names for a domain, or for a site as `site:office`;
 * else that of `*`; undefined where it names neither.
 */
export function jurisdictionOf(setting: string | undefined, name: string): DurableObjectJurisdiction | undefined {
  if (setting === undefined || setting === '') return undefined;
  const pairs = setting.split(/\s+/).map((pair) => pair.split('='));
  const named = (wanted: string) => pairs.find(([one, where = '']) => one === wanted && JURISDICTIONS.includes(where))?.[1];
  return (named(name) ?? named(REST)) as DurableObjectJurisdiction | undefined;
}

/** The part of a namespace that lies in a jurisdiction. A workerd of one's own knows none: all of it lies on that machine. */
export function inJurisdiction<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: DurableObjectJurisdiction | undefined,
): DurableObjectNamespace<T> {
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    if (!/not implemented in workerd/.test(String(error))) throw error;
    return namespace;
  }
}
