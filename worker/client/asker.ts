import type { FetchLike, OffhookOptions, WithSignal } from './options.ts';
import { OffhookProblem, problemOf } from './problem.ts';
import { RETRY, type RetryPolicy, retryWait } from './retry.ts';

/** How long an answer may take by default, ms. */
const TIMEOUT = 30_000;

/** One request. */
export interface Ask extends WithSignal {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** What stands behind `/v1`, escaped. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** It changes nothing, so it may be sent again. By default GET alone. */
  readonly reads?: boolean;
  /** In the place of the client's own, ms. */
  readonly timeout?: number;
  /** A status that is an answer too. */
  readonly also?: number;
}

/** Sends requests with the token, tries those that read again where the Worker says "not now", and throws what it refuses. */
export class Asker {
  readonly base: string;
  readonly fetch: FetchLike;
  readonly #token: OffhookOptions['token'];
  readonly #timeout: number;
  readonly #policy: RetryPolicy;

  constructor({ url, token, fetch: given, timeout = TIMEOUT, retry = {} }: OffhookOptions) {
    this.base = url.replace(/\/+$/, '');
    if (!/^https?:\/\//i.test(this.base)) throw new TypeError(`url: ${url} does not begin with http:// or https://`);
    // Called with the global object as `this`, as browsers want it.
    this.fetch = given ?? ((input, init) => fetch(input, init));
    this.#token = token;
    this.#timeout = timeout;
    this.#policy = { ...RETRY, ...retry };
  }

  /** The token. One that no header could hold is refused here, as the Worker would. */
  async token(): Promise<string> {
    const token = typeof this.#token === 'string' ? this.#token : await this.#token();
    if (/^[!-~]+$/.test(token)) return token;
    const title = 'The token is not valid';
    throw new OffhookProblem({
      type: '/problems/invalid-token',
      title,
      status: 401,
      code: 40102,
      detail: 'the token is not valid',
    });
  }

  /** The answer: 2xx, or `also`. Throws `OffhookProblem` for any other, and what `fetch` throws. */
  async ask(ask: Ask): Promise<Response> {
    const { method = 'GET', signal } = ask;
    const reads = ask.reads ?? method === 'GET';
    for (let made = 1; ; made += 1) {
      const response = await this.#send(ask, method);
      if (response.ok || response.status === ask.also) return response;
      const problem = await problemOf(response, Date.now());
      const wait = reads ? retryWait(problem, made, this.#policy, Math.random()) : undefined;
      if (wait === undefined) throw problem;
      await pause(wait, signal);
    }
  }

  /** The JSON of the answer. */
  async json<T>(ask: Ask): Promise<T> {
    return jsonOf(await this.ask(ask));
  }

  async #send({ path, query = {}, body, headers = {}, signal, timeout = this.#timeout }: Ask, method: string): Promise<Response> {
    const url = `${this.base}/v1${path}${queryOf(query)}`;
    const limit = AbortSignal.timeout(timeout);
    return this.fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${await this.token()}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
  }
}

/** A body that is no JSON comes from something else than the Worker. */
export async function jsonOf<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch {
    const { status } = response;
    const detail = `${response.url || 'what answered'} is no Offhook: the answer is no JSON`;
    throw new OffhookProblem({ type: 'about:blank', title: 'Not an answer of Offhook', status, code: status * 100, detail });
  }
}

export function queryOf(query: NonNullable<Ask['query']>): string {
  const told = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return told.length === 0 ? '' : `?${new URLSearchParams(told)}`;
}

/** Waits; throws the signal's reason where it is broken off. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
