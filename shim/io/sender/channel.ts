import { Client, type Dispatcher } from 'undici';
import type { SendFailure } from '../../core/outbox/types.ts';
import { failureOfError, failureOfStatus } from './failure.ts';

export interface ChannelSettings {
  /** Base URL of the Worker. */
  readonly url: string;
  /** Bearer token with scope `ingest`. */
  readonly token: string;
  /** ms since 1970 */
  readonly clock: () => number;
  /** Whole request, from connecting to the end of the answer, ms. */
  readonly timeout: number;
  /** Greatest answer, bytes. */
  readonly answerBytes: number;
}

/** One connection to the Worker, for one request at a time. */
export interface Channel {
  /** Posts JSON to a path below the base URL. What comes back is read by `parse`; undefined from it is garbage. Never rejects. */
  post<T>(path: string, body: string, parse: (text: string) => T | undefined): Promise<T | SendFailure>;
  /** Cuts what is under way. */
  destroy(): Promise<void>;
}

/** Opens with the first request. Throws where the URL is none: check settings before. */
export function createChannel({ url, token, clock, timeout, answerBytes }: ChannelSettings): Channel {
  const base = new URL(url.endsWith('/') ? url : `${url}/`);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'user-agent': 'offhook' };
  const client = new Client(base.origin, {
    connectTimeout: timeout,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    keepAliveTimeout: 30_000,
    maxResponseSize: answerBytes,
  });

  function refusal({ statusCode, headers }: Dispatcher.ResponseData, text: string): SendFailure {
    const retryAfter = headers['retry-after'];
    const failure = failureOfStatus(statusCode, Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, clock());
    return { ...failure, detail: text.slice(0, 200) };
  }

  return {
    async post(path, body, parse) {
      const to = new URL(path, base).pathname;
      try {
        const response = await client.request({ path: to, method: 'POST', headers, body, signal: AbortSignal.timeout(timeout) });
        const text = await response.body.text();
        if (response.statusCode < 200 || response.statusCode > 299) return refusal(response, text);
        return parse(text) ?? { reason: 'garbage', status: response.statusCode, detail: text.slice(0, 200) };
      } catch (error) {
        return failureOfError(error);
      }
    },
    destroy: () => client.destroy(),
  };
}
