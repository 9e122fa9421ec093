import * as z from 'zod';

/** What is read of an OpenAPI 3.1 document. */
export interface Document {
  readonly paths: { readonly [path: string]: { readonly [method: string]: DeclaredOperation } };
  readonly webhooks: { readonly [type: string]: { readonly post: { readonly requestBody?: { readonly content: Content } } } };
  readonly components: { readonly schemas: { readonly [name: string]: object } };
}

interface DeclaredOperation {
  readonly operationId: string;
  readonly security: readonly { readonly bearer: readonly string[] }[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: { readonly [status: string]: DeclaredResponse };
}

interface Content {
  readonly [mediaType: string]: { readonly schema: Schema };
}

interface DeclaredResponse {
  readonly headers?: { readonly [name: string]: object };
  readonly content?: Content;
  readonly 'x-frames'?: Schema;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: { readonly [name: string]: { readonly enum?: readonly string[] } };
}

/** A request and its answer, as far as they are held to the document. */
export interface Given {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** What was sent with the request; empty for nothing, undefined where that is not known. */
  readonly sent: string | undefined;
  readonly status: number;
  readonly headers: Headers;
  /** The whole body; undefined where it is a stream, or was not asked for. */
  readonly text: string | undefined;
}

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly operation: DeclaredOperation;
  /** Parameters in the path: the fewer, the more it is meant. */
  readonly parameters: number;
}

/** Operations that look at each item of a body by itself, and answer 200 though some are bad. */
const ITEM_BY_ITEM = ['postUpdates'];

/** Problems of requests that no operation is for. */
const OF_NONE = ['/problems/no-such-path', '/problems/method-not-allowed', '/problems/no-secret'];

/**
 * An OpenAPI document, as a contract to which answers are held: status, media type, kind of problem, and the body to the letter; and requests that
 * are not refused, by their parameters and body. Schemas are read once, when they are first needed.
 */
export class Contract {
  readonly #routes: readonly Route[];
  readonly #webhooks: Document['webhooks'];
  readonly #components: object;
  readonly #read = new Map<string, z.ZodType>();

  constructor(document: Document) {
    this.#webhooks = document.webhooks;
    this.#components = JSON.parse(local(JSON.stringify(document.components.schemas))) as object;
    const routes = Object.entries(document.paths).flatMap(([path, item]) => {
      const pattern = new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`);
      const parameters = path.split('{').length - 1;
      return Object.entries(item).map(([method, operation]) => ({ method, pattern, operation, parameters }));
    });
    this.#routes = routes.sort((one, other) => one.parameters - other.parameters);
  }

  /** The ids of all operations. */
  get operations(): string[] {
    return this.#routes.map(({ operation }) => operation.operationId);
  }

  /** The id of the operation that a request is for; undefined where it is for none. */
  operationOf(method: string, path: string): string | undefined {
    return this.#operation(method, path)?.operationId;
  }

  /** The kinds of problems that an operation may answer. */
  problemsOf(operationId: string): string[] {
    const route = this.#routes.find(({ operation }) => operation.operationId === operationId);
    const problems = Object.values(route?.operation.responses ?? {}).map(({ content }) => content?.['application/problem+json']);
    return problems.flatMap((told) => told?.schema.properties?.type?.enum ?? []).map((type) => type.replace('/problems/', ''));
  }

  /** What is not as it was declared, of an answer or of a request that it takes for good; undefined where all is. */
  breach(given: Given): string | undefined {
    const operation = this.#operation(given.method, given.path);
    return (
      this.#breachOfAnswer(operation, given) ??
      (operation && given.status < 400 ? this.#breachOfRequest(operation, given) : undefined)
    );
  }

  #breachOfRequest(
    { operationId, security, parameters, requestBody }: DeclaredOperation,
    { path, sent }: Given,
  ): string | undefined {
    const query = new URLSearchParams(path.split('?')[1]);
    const said = `${operationId} takes`;
    // What needs no token is the same for everybody, whatever is asked besides.
    for (const name of security.length === 0 ? [] : new Set(query.keys())) {
      const schema = parameters.find((parameter) => parameter.in === 'query' && parameter.name === name)?.schema;
      if (schema === undefined) return `${said} the parameter ${name}, which is not declared`;
      const value = schema.type === 'array' ? query.getAll(name) : query.get(name);
      const wrong = this.#wrong(schema, JSON.stringify(value));
      if (wrong !== undefined) return `${said} ${name}: ${wrong}`;
    }
    if (requestBody === undefined || sent === undefined || ITEM_BY_ITEM.includes(operationId)) return undefined;
    if (sent === '') return requestBody.required ? `${said} no body, where one is needed` : undefined;
    const schema = requestBody.content['application/json']?.schema;
    const wrong = schema === undefined ? 'it is not declared' : this.#wrong(schema, sent);
    return wrong && `${said} a body: ${wrong}`;
  }

  #breachOfAnswer(operation: DeclaredOperation | undefined, { status, headers, text }: Given): string | undefined {
    const media = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
    if (operation === undefined) return this.#breachOfNone(status, media, text);
    const declared = operation.responses[status];
    const said = `${operation.operationId} answers ${status}`;
    if (declared === undefined) return `${said}, which is not declared: ${text}`;
    const lacking = Object.keys(declared.headers ?? {}).find((name) => !headers.has(name));
    if (lacking !== undefined) return `${said} without ${lacking}`;
    if (declared.content === undefined) return text ? `${said} with a body, where none is declared: ${text}` : undefined;
    const schema = declared.content[media ?? '']?.schema;
    if (schema === undefined) return `${said} as ${media}, where ${Object.keys(declared.content)} is declared`;
    if (text === undefined || schema.type === 'string') return undefined;
    const wrong = this.#wrong(schema, text);
    return wrong && `${said}: ${wrong}`;
  }

  /** What is wrong with a message of a WebSocket, or the data of an event, of an operation; undefined where nothing is. */
  breachOfFrame(operationId: string, text: string): string | undefined {
    const route = this.#routes.find(({ operation }) => operation.operationId === operationId);
    const schema = Object.values(route?.operation.responses ?? {}).find((response) => response['x-frames'])?.['x-frames'];
    const wrong = schema === undefined ? 'no frames are declared' : this.#wrong(schema, text);
    return wrong && `${operationId} tells a frame: ${wrong}`;
  }

  /** What is wrong with the body of a delivery to a webhook or a callback; undefined where nothing is. */
  breachOfEvent(type: string, text: string): string | undefined {
    const schema = this.#webhooks[type]?.post.requestBody?.content['application/json']?.schema;
    const wrong = schema === undefined ? 'it is not declared' : this.#wrong(schema, text);
    return wrong && `an event ${type} is delivered: ${wrong}`;
  }

  #operation(method: string, path: string): DeclaredOperation | undefined {
    const asked = method === 'HEAD' ? 'get' : method.toLowerCase();
    const [plain = ''] = path.split('?');
    return this.#routes.find((route) => route.method === asked && route.pattern.test(plain))?.operation;
  }

  #breachOfNone(status: number, media: string | undefined, text: string | undefined): string | undefined {
    if (media !== 'application/problem+json') return `what is no operation is answered ${status} as ${media}`;
    return text === undefined
      ? undefined
      : this.#wrong({ $ref: '#/components/schemas/Problem', properties: { type: { enum: OF_NONE } } }, text);
  }

  #wrong(schema: Schema, text: string): string | undefined {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return `no JSON: ${text}`;
    }
    const kinds = schema.properties?.type?.enum;
    const kind = (value as { type?: string } | null)?.type;
    if (kinds !== undefined && !kinds.includes(String(kind))) return `${kind} is not declared: ${text}`;
    const read = this.#schema(schema).safeParse(value);
    return read.success ? undefined : `${JSON.stringify(read.error.issues)} in ${text}`;
  }

  #schema(schema: Schema): z.ZodType {
    const key = schema.$ref ?? JSON.stringify(schema);
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    const { $ref, ...own } = schema;
    // What stands beside a reference was looked at by `#wrong`.
    const plain = JSON.parse(local(JSON.stringify($ref === undefined ? own : { $ref }))) as object;
    const made = z.fromJSONSchema({ ...plain, $defs: this.#components } as Parameters<typeof z.fromJSONSchema>[0]);
    this.#read.set(key, made);
    return made;
  }
}

/** Schemas that refer to each other as JSON Schema does it by itself. */
function local(text: string): string {
  return text.replaceAll('"#/components/schemas/', '"#/$defs/');
}
