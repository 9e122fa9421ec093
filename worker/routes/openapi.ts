import * as z from 'zod';
import { type Answer, commonProblems, type Operation } from './operation.ts';
import { KINDS, type Kind, type KindName } from './problems/kinds.ts';
import { HOOK_EVENTS } from './schema/event.ts';
import { problemSchema } from './schema/problem.ts';

/** A JSON Schema of draft 2020-12, as far as zod makes it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

interface Content {
  readonly [mediaType: string]: { readonly schema: JsonSchema };
}

/** A response object. `x-frames`: the schema of each message of a WebSocket, or of the data of each event of a stream. */
export interface ResponseObject {
  readonly description: string;
  readonly content?: Content;
  readonly 'x-frames'?: JsonSchema;
}

/** An operation object of OpenAPI 3.1. */
export interface OperationObject {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly { readonly bearer: readonly string[] }[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: { readonly [status: string]: ResponseObject };
}

/** What the Worker asks of others: an operation object without a token. */
export type WebhookObject = Pick<OperationObject, 'tags' | 'summary' | 'parameters' | 'requestBody' | 'responses'>;

export interface OpenapiDocument {
  readonly openapi: '3.1.1';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: { readonly [path: string]: { readonly [method: string]: OperationObject } };
  /** By the type of the event. */
  readonly webhooks: { readonly [type: string]: { readonly post: WebhookObject } };
  readonly components: { readonly schemas: { readonly [name: string]: JsonSchema }; readonly securitySchemes: object };
}

/** What the parts of a path are. */
const IN_PATH: Readonly<Record<string, string>> = {
  user: 'Address of record: `alice@example.com` or `sip:alice@example.com`.',
  domain: 'Domain of the users: `example.com`.',
  id: 'As told when it was made.',
  site: 'Name of the site.',
  kind: 'Name or number of a kind of error.',
};

/** The OpenAPI 3.1 document of these operations, made of the schemas by which they are checked. */
export function openapi(operations: readonly Operation[]): OpenapiDocument {
  const schemas: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, OperationObject>> = {};
  const problem = schemaOf(problemSchema, 'output', schemas);
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    const { id, method, tag, scope, summary, description, body, bodyOptional, answers } = operation;
    paths[path] = {
      ...paths[path],
      [method]: {
        operationId: id,
        tags: [tag],
        summary,
        ...(description === undefined ? {} : { description }),
        security: scope === undefined ? [] : [{ bearer: [scope] }],
        parameters: parameters(operation),
        ...(body === undefined
          ? {}
          : {
              requestBody: {
                required: bodyOptional !== true,
                content: { 'application/json': { schema: schemaOf(body, 'input', schemas) } },
              },
            }),
        responses: {
          ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer, schemas)])),
          ...problemResponses(operation, problem),
        },
      },
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Offhook',
      version: '1',
      description:
        'Who is online, ringing, talking or gone. Errors are problem details (RFC 9457), each kind with a page at `/problems`. The document is of this very Worker, and tells its answers to the letter; a later one may add fields to them: pass over those that you do not know.',
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    webhooks: webhooks(schemas),
    components: {
      schemas,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Made by `npx offhook token`; its scope is named by each request.',
        },
      },
    },
  };
}

/** What is delivered to the URLs of webhooks and callbacks (Standard Webhooks). */
function webhooks(schemas: Record<string, JsonSchema>): OpenapiDocument['webhooks'] {
  const header = (name: string, description: string): Parameter => {
    return { name, in: 'header', required: true, description, schema: { type: 'string' } };
  };
  const post = (summary: string, body: z.ZodType): WebhookObject => ({
    tags: ['Webhooks'],
    summary,
    parameters: [
      header('webhook-id', 'The same each time that this event is delivered: drop doubles by it.'),
      header('webhook-timestamp', 'When this attempt was made, seconds since 1970.'),
      header('webhook-signature', '`v1,` and the signature in base64; several, apart by spaces, while a secret is replaced.'),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'output', schemas) } } },
    responses: {
      '2XX': { description: 'It is delivered.' },
      '410': { description: 'Nothing more is wanted: the webhook is disabled.' },
      default: { description: 'It is tried again (docs/webhooks.md).' },
    },
  });
  return Object.fromEntries(
    Object.entries(HOOK_EVENTS).map(([type, { summary, body }]) => [type, { post: post(summary, body) }]),
  );
}

/** All kinds of problems that an operation answers. */
export function problemsOf(operation: Operation): KindName[] {
  return [...new Set([...(operation.problems ?? []), ...commonProblems(operation)])];
}

function parameters({ path, inPath: told = {}, query, headers = {} }: Operation): Parameter[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']): Parameter => {
    const description = told[name] ?? IN_PATH[name];
    return {
      name,
      in: 'path',
      required: true,
      ...(description === undefined ? {} : { description }),
      schema: { type: 'string', minLength: 1 },
    };
  });
  const whole =
    query === undefined ? {} : (schemaOf(query, 'input', {}) as { properties?: Record<string, JsonSchema>; required?: string[] });
  const inQuery = Object.entries(whole.properties ?? {}).map(([name, { description, ...schema }]): Parameter => {
    const means = typeof description === 'string' ? { description } : {};
    return { name, in: 'query', required: whole.required?.includes(name) === true, ...means, schema };
  });
  const inHeader = Object.entries(headers).map(
    ([name, description]): Parameter => ({ name, in: 'header', required: false, description, schema: { type: 'string' } }),
  );
  return [...inPath, ...inQuery, ...inHeader];
}

function response({ means, body, types, frames }: Answer, schemas: Record<string, JsonSchema>): ResponseObject {
  const content: Record<string, { schema: JsonSchema }> = {};
  if (body !== undefined) content['application/json'] = { schema: schemaOf(body, 'output', schemas) };
  for (const type of types ?? []) content[type] = { schema: { type: 'string' } };
  return {
    description: means,
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
      return [String(status), { description, content: { 'application/problem+json': { schema } } }];
    }),
  );
}

/** The JSON Schema of a zod schema; those that have an id go among `schemas`, and are referred to. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, JsonSchema>): JsonSchema {
  const {
    $schema: _,
    $defs = {},
    ...made
  } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: ({ jsonSchema }) => readable(jsonSchema) });
  const text = (value: unknown) => JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/');
  for (const [name, definition] of Object.entries($defs)) {
    const { id: _id, ...rest } = JSON.parse(text(definition)) as JsonSchema;
    // Of a request a schema says something else than of an answer: one of both needs two names.
    if (schemas[name] !== undefined && text(schemas[name]) !== text(rest)) throw new Error(`two schemas are named ${name}`);
    schemas[name] = rest;
  }
  return JSON.parse(text(made)) as JsonSchema;
}

/** Leaves out what only a machine could want: the format says it, or it holds of every number, or of every object. */
function readable(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length === 0)
    delete schema.additionalProperties;
}
