import { type IncomingMessage, request } from 'node:http';
import type { Scope } from '#protocol';
import { Contract, type Document } from '../support/contract.ts';
import { soon } from '../support/until.ts';

/** A request for an operation: what stands in the place of its path's parameters, its query, headers and body. */
export interface Asked {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As JSON; a text as it is. */
  readonly body?: object | string;
  /** Scopes of the token; where none are given, the one that the document names, and no other. */
  readonly scopes?: readonly Scope[];
  /** Another method than that of the operation: what is answered is of none then. */
  readonly method?: string;
}

export interface Answered {
  readonly status: number;
  readonly type: string | null;
  /** Of a problem. */
  readonly kind: string | undefined;
  /** Undefined where it is a stream, or has none. */
  readonly json: unknown;
  readonly text: string;
}

interface Known {
  readonly method: string;
  readonly path: string;
  readonly scope: Scope | undefined;
}

/** Asks a running Worker as its own OpenAPI document says, and holds each answer to it. */
export class Asker {
  readonly document: Document;
  readonly #url: string;
  readonly #token: (...scopes: Scope[]) => Promise<string>;
  readonly #contract: Contract;
  readonly #known = new Map<string, Known>();

  /** `token` makes one of these scopes. */
  static async of(url: string, token: (...scopes: Scope[]) => Promise<string>): Promise<Asker> {
    return new Asker(url, token, (await (await fetch(`${url}/openapi.json`)).json()) as Document);
  }

  private constructor(url: string, token: (...scopes: Scope[]) => Promise<string>, document: Document) {
    this.#url = url;
    this.#token = token;
    this.document = document;
    this.#contract = new Contract(document);
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, { operationId, security }] of Object.entries(item)) {
        this.#known.set(operationId, { method: method.toUpperCase(), path, scope: security[0]?.bearer[0] as Scope | undefined });
      }
    }
  }

  /** All operations of the document. */
  get operations(): string[] {
    return this.#contract.operations;
  }

  /** The kinds of problems that an operation may answer. */
  problemsOf(id: string): string[] {
    return this.#contract.problemsOf(id);
  }

  /** The scope that an operation wants. */
  scopeOf(id: string): Scope | undefined {
    return this.#of(id).scope;
  }

  /** The answer; throws where it is not as declared. */
  async ask(id: string, asked: Asked): Promise<Answered> {
    const known = this.#of(id);
    const method = asked.method ?? known.method;
    const path = this.#path(known, asked);
    if (asked.method === undefined && this.#contract.operationOf(method, path) !== id) throw new Error(`${path} is not ${id}`);
    const scopes = asked.scopes ?? (known.scope === undefined ? [] : [known.scope]);
    const headers = {
      ...(scopes.length === 0 ? {} : { authorization: `Bearer ${await this.#token(...scopes)}` }),
      ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...asked.headers,
    };
    const body = typeof asked.body === 'object' ? JSON.stringify(asked.body) : asked.body;
    const { status, headers: told, text } = await send(`${this.#url}${path}`, method, headers, body);
    const type = told.get('content-type');
    const answered = { status, headers: told, text: isStream(type) ? undefined : text };
    const breach = this.#contract.breach({ method, path, sent: body ?? '', ...answered });
    if (breach !== undefined) throw new Error(`not as declared: ${breach}`);
    const json = type?.includes('json') === true ? (JSON.parse(text) as unknown) : undefined;
    const kind = status < 400 ? undefined : (json as { type: string }).type.replace('/problems/', '');
    return { status, type, kind, json, text };
  }

  /** The first frame of a WebSocket, its token given as a subprotocol; throws where it is not as declared. */
  async firstMessage(id: string, asked: Asked): Promise<unknown> {
    const known = this.#of(id);
    const url = `${this.#url.replace(/^http/, 'ws')}${this.#path(known, asked)}`;
    const socket = new WebSocket(url, ['offhook.v1', `offhook.token.${await this.#token(known.scope as Scope)}`]);
    const text = await soon(
      'a message',
      new Promise<string>((resolve) => socket.addEventListener('message', ({ data }) => resolve(String(data)), { once: true })),
    );
    socket.close();
    return this.frame(id, text);
  }

  /** What a frame says; throws where it is not as declared. */
  frame(id: string, text: string): unknown {
    const breach = this.#contract.breachOfFrame(id, text);
    if (breach !== undefined) throw new Error(`not as declared: ${breach}`);
    return JSON.parse(text);
  }

  /** What is wrong with a delivery; undefined where nothing is. */
  breachOfEvent(text: string): string | undefined {
    return this.#contract.breachOfEvent((JSON.parse(text) as { type: string }).type, text);
  }

  #of(id: string): Known {
    const known = this.#known.get(id);
    if (known === undefined) throw new Error(`the document has no operation ${id}`);
    return known;
  }

  #path({ path }: Known, { path: parts = {}, query }: Asked): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ''));
    return query === undefined ? filled : `${filled}?${query}`;
  }
}

function isStream(type: string | null): boolean {
  return type?.startsWith('text/event-stream') === true;
}

/** By `node:http`, which asks for an upgrade too. Of a stream the first event is waited for. */
async function send(url: string, method: string, headers: Record<string, string>, body: string | undefined) {
  const asking = request(url, { method, headers });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    asking.on('response', resolve);
    asking.on('upgrade', (upgraded, socket) => {
      socket.destroy();
      resolve(upgraded);
    });
    asking.on('error', reject);
  });
  asking.end(body);
  const answer = await soon(`${method} ${url}`, response);
  const told = new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string]));
  let text = '';
  if (answer.statusCode !== 101) {
    for await (const chunk of answer.setEncoding('utf8')) {
      text += chunk;
      if (isStream(told.get('content-type')) && /^data: .*\n\n/m.test(text)) break;
    }
  }
  return { status: answer.statusCode ?? 0, headers: told, text };
}
