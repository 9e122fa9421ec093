import type { Context } from 'hono';
import { pidf, redact } from '../presence/index.ts';
import type { DetailLevel, PresenceDocument } from '../protocol/index.ts';
import { type AppEnv, detailOf } from './auth.ts';
import { preferred } from './negotiate.ts';
import { answer, problem } from './problem.ts';

const JSON_TYPE = 'application/json';
const PIDF_TYPE = 'application/pidf+xml';

/** What a document's answer depends on besides its address. */
const VARY = 'Authorization, Accept';

/**
 * Answers a document in the form that the request prefers, as far as its token shows it; 304 where the reader has that already. `tag`: what tells
 * this state of the document from others, where its version does not.
 */
export function represent(c: Context<AppEnv>, document: PresenceDocument, tag = stateTag(document)): Response {
  const type = preferred(c.req.header('accept'), [JSON_TYPE, PIDF_TYPE]);
  if (type === undefined) {
    return answer(c, problem('not-acceptable', `there is ${JSON_TYPE}, and ${PIDF_TYPE}`), { vary: VARY });
  }
  const detail = detailOf(c.get('claims'));
  const headers = { etag: `"${tag}${DETAIL_TAGS[detail]}${type === PIDF_TYPE ? '.x' : ''}"`, ...CACHE };
  if (matches(c.req.header('if-none-match'), headers.etag)) return c.body(null, 304, headers);
  const seen = redact(document, detail);
  if (type === JSON_TYPE) return c.json(seen, 200, headers);
  return c.body(pidf(seen), 200, { ...headers, 'content-type': `${PIDF_TYPE}; charset=UTF-8` });
}

/** Answers JSON that has no other form, with a tag; 304 where the reader has that already. */
export function tagged(c: Context<AppEnv>, value: object, tag: string): Response {
  const headers = { etag: `"${tag}${DETAIL_TAGS[detailOf(c.get('claims'))]}"`, ...CACHE, vary: 'Authorization' };
  if (matches(c.req.header('if-none-match'), headers.etag)) return c.body(null, 304, headers);
  return c.json(value, 200, headers);
}

const CACHE = { 'cache-control': 'private, no-cache', vary: VARY };

/** RFC 9110 8.8.3: another form, or another part of the document, is another representation and has a tag of its own. */
const DETAIL_TAGS: Readonly<Record<DetailLevel, string>> = { full: '', direction: '.d', 'busy-only': '.b' };

/** Staleness leaves the version as it is: a document that is stale has a tag of its own. */
export function stateTag({ version, stale, staleSince = '' }: PresenceDocument): string {
  return stale ? `${version}-${Date.parse(staleSince).toString(36)}` : `${version}`;
}

// RFC 9110 13.1.2: the condition is false "if the field value is * " or one of the listed tags matches, by the weak comparison.
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}
