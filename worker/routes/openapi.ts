import type * as z from 'zod';
import { type JsonSchema, schemaOf } from './json-schema.ts';
import type { Operation } from './operation.ts';
import { type Content, type ResponseObject, responses } from './responses.ts';
import { HOOK_EVENTS } from './schema/event.ts';
import { problemSchema } from './schema/problem.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
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

/** What the Worker asks of others. */
export type WebhookObject = Omit<OperationObject, 'description'>;

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
    const { id, method, tag, scope, summary, description, body, bodyOptional } = operation;
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
        responses: responses(operation, problem, schemas),
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
  const post = (id: string, summary: string, body: z.ZodType): WebhookObject => ({
    operationId: id,
    tags: ['Webhooks'],
    summary,
    // It is known by its signature.
    security: [],
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
    Object.entries(HOOK_EVENTS).map(([type, { id, summary, body }]) => [type, { post: post(id, summary, body) }]),
  );
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
