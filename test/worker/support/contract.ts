import { afterEach, expect } from 'vitest';
import { openapi } from '../../../worker/routes/openapi.ts';
import { ALL_OPERATIONS } from '../../../worker/routes/operations/index.ts';
import { Contract } from '../../support/contract.ts';

/** The document of the Worker under test. */
export const contract = new Contract(openapi(ALL_OPERATIONS));

/** Passes an answer on, having held it to what is declared of its operation; throws where it is not so. `sent`: the body of the request. */
export async function hold(method: string, path: string, response: Response, sent?: BodyInit | null): Promise<Response> {
  // Questions about what pages of other origins may ask are the platform's.
  if (method === 'OPTIONS') return response;
  const type = response.headers.get('content-type');
  const isWhole = method !== 'HEAD' && response.webSocket === null && type?.startsWith('text/event-stream') !== true;
  const text = isWhole ? await response.clone().text() : undefined;
  const body = typeof sent === 'string' || sent === null ? (sent ?? '') : undefined;
  const breach = contract.breach({ method, path, sent: body, status: response.status, headers: response.headers, text });
  if (breach !== undefined) throw new Error(`not as declared: ${breach}`);
  return response;
}

/** The same of an answer to a request. */
export function holdTo(request: Request, response: Response, sent?: BodyInit | null): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  return hold(request.method, pathname + search, response, sent);
}

/** What came otherwise than by an answer and was not as declared: it fails the test, where throwing would only tell whoever told it. */
const breaches: string[] = [];
afterEach(() => {
  expect(breaches.splice(0)).toEqual([]);
});

/** The body of a delivery to a webhook or a callback; what is not as declared fails the test. */
export function holdEvent<T extends { readonly type: string }>(text: string): T {
  const event = JSON.parse(text) as T;
  note(contract.breachOfEvent(event.type, text));
  return event;
}

/** The frame in a message of `GET /v1/watch`, or in an event of `GET /v1/events`; what is not as declared fails the test. */
export function holdFrame<T>(operation: 'watch' | 'events', text: string): T {
  note(contract.breachOfFrame(operation, text));
  return JSON.parse(text) as T;
}

function note(breach: string | undefined): void {
  if (breach !== undefined) breaches.push(`not as declared: ${breach}`);
}
