import type { SendFailure } from '../../core/outbox/types.ts';

/** What an HTTP status other than 2xx means for the outbox. `now` in ms since 1970, for a Retry-After that is a date. */
export function failureOfStatus(status: number, retryAfter: string | undefined, now: number): SendFailure {
  const wait = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, now);
  return { reason: reasonOf(status), status, ...(wait === undefined ? {} : { retryAfter: wait }) };
}

function reasonOf(status: number): SendFailure['reason'] {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 413) return 'too-large';
  if (status === 400 || status === 422) return 'invalid';
  if (status === 429 || status === 503) return 'busy';
  if (status === 408) return 'timeout';
  return status >= 500 ? 'server' : 'misdirected';
}

/** What an exception of the HTTP client means. Whatever it is, the request may have been taken by the Worker. */
export function failureOfError(error: unknown): SendFailure {
  const { name = '', code = '', message = '' } = (error ?? {}) as { name?: string; code?: string; message?: string };
  const detail = `${code || name} ${message}`.trim();
  if (name === 'TimeoutError' || /TIMEOUT/.test(code)) return { reason: 'timeout', detail };
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' || name === 'HTTPParserError') return { reason: 'garbage', detail };
  return { reason: 'unreachable', detail };
}

/** RFC 9110 10.2.3: `Retry-After = HTTP-date / delay-seconds`. ms from now; undefined where it is neither. */
export function parseRetryAfter(text: string, now: number): number | undefined {
  const value = text.trim();
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const at = /^[A-Z][a-z]+, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
