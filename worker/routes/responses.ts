import { type JsonSchema, schemaOf } from './json-schema.ts';
import { type Answer, commonProblems, type HeaderName, type Operation } from './operation.ts';
import { KINDS, type Kind, type KindName } from './problems/kinds.ts';

export interface Content {
  readonly [mediaType: string]: { readonly schema: JsonSchema };
}

/** A response object. `x-frames`: the schema of each message of a WebSocket, or of the data of each event of a stream. */
export interface ResponseObject {
  readonly description: string;
  readonly headers?: { readonly [name: string]: HeaderObject };
  readonly content?: Content;
  readonly 'x-frames'?: JsonSchema;
}

interface HeaderObject {
  readonly description: string;
  readonly required: true;
  readonly schema: JsonSchema;
}

/** What headers of answers tell. */
const HEADERS: Readonly<Record<HeaderName, string>> = {
  ETag: 'Stands for this state of what is told, as far as the token shows it.',
  RateLimit: 'How many requests are left to the token, and for how long (draft-ietf-httpapi-ratelimit-headers).',
  'RateLimit-Policy': 'How many it has, in which time.',
  'Retry-After': 'Seconds after which it may be asked again.',
  'WWW-Authenticate': 'What the token lacks (RFC 6750).',
};

/** Headers that problems of a status have. */
const WITH_STATUS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  412: ['ETag'],
  429: ['Retry-After'],
};

/** All kinds of problems that an operation answers. */
export function problemsOf(operation: Operation): KindName[] {
  return [...new Set([...(operation.problems ?? []), ...commonProblems(operation)])];
}

/** The response objects of an operation; schemas that have a name go among `schemas`. */
export function responses(
  operation: Operation,
  problem: JsonSchema,
  schemas: Record<string, JsonSchema>,
): Record<string, ResponseObject> {
  const good = Object.entries(operation.answers).map(([status, answer]): [string, ResponseObject] => {
    // The headers of an upgrade are the handshake's.
    const limited = operation.scope !== undefined && status !== '101';
    return [status, response(answer, limited, schemas)];
  });
  return { ...Object.fromEntries(good), ...problemResponses(operation, problem) };
}

function response(
  { means, body, types, frames, headers = [] }: Answer,
  limited: boolean,
  schemas: Record<string, JsonSchema>,
): ResponseObject {
  const content: Record<string, { schema: JsonSchema }> = {};
  if (body !== undefined) content['application/json'] = { schema: schemaOf(body, 'output', schemas) };
  for (const type of types ?? []) content[type] = { schema: { type: 'string' } };
  return {
    description: means,
    ...headersOf(limited ? [...headers, 'RateLimit', 'RateLimit-Policy'] : headers),
    ...(Object.keys(content).length === 0 ? {} : { content }),
    ...(frames === undefined ? {} : { 'x-frames': schemaOf(frames, 'output', schemas) }),
  };
}

/** The problems of an operation by status: `type` says which kinds there are. */
function problemResponses(operation: Operation, problem: JsonSchema): Record<string, ResponseObject> {
  const byStatus = new Map<number, KindName[]>();
  for (const name of problemsOf(operation)) {
    const { status }: Kind = KINDS[name];
    byStatus.set(status, [...(byStatus.get(status) ?? []), name]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => {
      const schema = { ...problem, properties: { type: { enum: names.map((name) => `/problems/${name}`) } } };
      const description = names.map((name) => `\`${name}\`: ${KINDS[name].title}`).join('\n');
      return [
        String(status),
        { description, ...headersOf(WITH_STATUS[status] ?? []), content: { 'application/problem+json': { schema } } },
      ];
    }),
  );
}

function headersOf(names: readonly HeaderName[]): Pick<ResponseObject, 'headers'> {
  if (names.length === 0) return {};
  const told = names.map((name) => [name, { description: HEADERS[name], required: true, schema: { type: 'string' } }] as const);
  return { headers: Object.fromEntries(told) };
}
