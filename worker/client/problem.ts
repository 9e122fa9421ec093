import type { Problem } from '../protocol/index.ts';

/**
 * What each method of the client throws where the Worker does not answer with what was asked for: RFC 9457's fields, as the Worker tells them. Where a
 * proxy on the way answers in its place, `type` is `about:blank`. (Where nobody answers at all, `fetch` throws its own error.)
 */
export class OffhookProblem extends Error {
  override readonly name = 'OffhookProblem';
  /** Path of the page that tells of this kind, relative to the Worker. */
  readonly type: string;
  /** Name of the kind, the last part of `type`: `user-never-seen`, `invalid-token`, `too-many-requests`... All are at `/problems`. */
  readonly kind: string;
  readonly title: string;
  /** HTTP status. */
  readonly status: number;
  /** Number of the kind: the status, and two digits. */
  readonly code: number;
  readonly detail: string;
  /** What in the request is wrong, as a path: `updates[3].call.id`. */
  readonly field: string | undefined;
  /** Cloudflare's name of the request, by which its logs are searched. */
  readonly requestId: string | undefined;
  /** After so many seconds it may be asked again. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail === '' ? problem.title : problem.detail);
    this.type = problem.type;
    this.kind = problem.type.slice(problem.type.lastIndexOf('/') + 1);
    this.title = problem.title;
    this.status = problem.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.field = problem.field;
    this.requestId = problem.requestId;
    this.retryAfter = retryAfter;
  }
}

/** Whether an item of an answer to `query` is a problem and no document. */
export function isProblem(item: object): item is Problem {
  return 'code' in item && 'title' in item;
}

/** The problem that an answer tells of. Never throws: a body that is no problem is one of which the status alone is known. `now` is ms since 1970. */
export async function problemOf(response: Response, now: number): Promise<OffhookProblem> {
  const { status } = response;
  const bare = { type: 'about:blank', title: response.statusText || `HTTP ${status}`, status, code: status * 100, detail: '' };
  const told: unknown = await response.json().catch(() => undefined);
  const problem = typeof told === 'object' && told !== null ? { ...bare, ...told, status } : bare;
  return new OffhookProblem(problem, secondsOf(response.headers.get('retry-after'), now));
}

/** RFC 9110 10.2.3: Retry-After = HTTP-date / delay-seconds. */
function secondsOf(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000));
}
