import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { type DetailLevel, domainOf, type TokenClaims } from '../protocol/index.ts';
import { answer, type Problem, problem } from './problem.ts';

/** What the routes know besides the request: the bearer, once `authorize` has let it in. */
export interface AppEnv {
  Bindings: Env;
  Variables: { claims: TokenClaims };
}

type AppContext = Context<AppEnv>;

/** Sub-protocols of `GET /v1/watch`: a browser can send its token in no other way. */
export const WATCH_PROTOCOL = 'offhook.v1';

/** Whether a token covers a domain (lower case): all users of it, or some where the token names users (see `usersOf`). */
export function covers(claims: TokenClaims, domain: string): boolean {
  const domains = domainsOf(claims);
  if (!domains.includes('*') && !domains.includes(domain)) return false;
  return claims.users === undefined || claims.users.some((user) => domainOf(user) === domain);
}

/** Whether a token covers a user (a canonical address of record). Whatever is told of a user, or done to one, asks this first. */
export function mayRead(claims: TokenClaims, user: string): boolean {
  return covers(claims, domainOf(user)) && (claims.users === undefined || claims.users.includes(user));
}

/** The only users of a domain that a token covers; undefined for all of them. What lists or watches a domain keeps to these. */
export function usersOf(claims: TokenClaims, domain: string): string[] | undefined {
  return claims.users?.filter((user) => domainOf(user) === domain);
}

/** The domains that a token names; `*` among them stands for all. */
export function domainsOf({ domain }: TokenClaims): readonly string[] {
  return typeof domain === 'string' ? [domain] : domain;
}

/**
 * Whether a token may hold the lease of a site: it decides whether all users of the site are fresh, of whatever domain, so a token of some
 * domains must name the site.
 */
export function holdsLease(claims: TokenClaims, site: string): boolean {
  return claims.site === undefined ? coversAll(claims) : claims.site === site;
}

/** Whether a token covers everybody: what is of no domain (revocations, the whole audit) is for such tokens alone. */
export function coversAll(claims: TokenClaims): boolean {
  return claims.users === undefined && domainsOf(claims).includes('*');
}

/** How much of a document the bearer may see. */
export function detailOf(claims: TokenClaims): DetailLevel {
  return claims.detail ?? 'full';
}

/** What is said of a domain or a user that a token does not cover: the same whether it exists or not. */
export function uncovered(what: string): Problem {
  return problem('domain-not-covered', `the token does not cover ${what}`);
}

/** Answers that the token does not cover a domain or a user. */
export function forbidden(c: AppContext, what: string): Response {
  return answer(c, uncovered(what));
}

/** The sub-protocols that the client of a WebSocket offers. */
export function protocols(c: AppContext): string[] {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') return [];
  return (c.req.header('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
}
