import { openapi } from '../../../worker/routes/openapi.ts';
import { ALL_OPERATIONS } from '../../../worker/routes/operations/index.ts';
import { Contract } from '../../support/contract.ts';

/** The document of the Worker under test. */
export const contract = new Contract(openapi(ALL_OPERATIONS));

/** Passes an answer on, having held it to what is declared of its operation; throws where it is not so. */
export async function hold(method: string, path: string, response: Response): Promise<Response> {
  // Questions about what pages of other origins may ask are the platform's.
  if (method === 'OPTIONS') return response;
  const type = response.headers.get('content-type');
  const isWhole = method !== 'HEAD' && response.webSocket === null && type?.startsWith('text/event-stream') !== true;
  const text = isWhole ? await response.clone().text() : undefined;
  const breach = contract.breach({ method, path, status: response.status, type, text });
  if (breach !== undefined) throw new Error(`not as declared: ${breach}`);
  return response;
}

/** The same of an answer to a request. */
export function holdTo(request: Request, response: Response): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  return hold(request.method, pathname + search, response);
}

/** The frame in a message of `GET /v1/watch`, or in an event of `GET /v1/events`; throws where it is not as declared. */
export function holdFrame<T>(operation: 'watch' | 'events', text: string): T {
  const breach = contract.breachOfFrame(operation, text);
  if (breach !== undefined) throw new Error(`not as declared: ${breach}`);
  return JSON.parse(text) as T;
}
