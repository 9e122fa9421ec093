import type { Context, Hono, MiddlewareHandler } from 'hono';
import type * as z from 'zod';
import type { Scope } from '../protocol/index.ts';
import type { AppEnv } from './auth.ts';
import { authorize } from './authorize.ts';
import { limitBody } from './body.ts';
import { takes } from './parameters.ts';
import type { KindName } from './problems/kinds.ts';

/** A header of an answer that makes a difference to who asks. */
export type HeaderName = 'ETag' | 'RateLimit' | 'RateLimit-Policy' | 'Retry-After' | 'WWW-Authenticate';

/** What is answered with one status. */
export interface Answer {
  /** When, and what it tells. */
  readonly means: string;
  /** Of a JSON answer. */
  readonly body?: z.ZodType;
  /** Media types, where it is not JSON or may be something else too. */
  readonly types?: readonly string[];
  /** What is told one by one after it: each message of a WebSocket, the data of each event of a stream. */
  readonly frames?: z.ZodType;
  /** Headers that it has always, besides those of every answer to a token. */
  readonly headers?: readonly HeaderName[];
}

/**
 * One request that the Worker takes, declared once: the route, its token check, the names of its parameters and its place in the OpenAPI
 * document are all made of this.
 */
export interface Operation {
  /** Its name in the document, and in clients made of it. Stays for ever. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** As hono writes it: `/v1/presence/:user`. */
  readonly path: string;
  readonly tag: string;
  /** The scope that the token must have; undefined where none is needed. */
  readonly scope: Scope | undefined;
  /** It is answered even where no secret is set. */
  readonly bare?: true;
  readonly summary: string;
  readonly description?: string;
  /** What a parameter of the path is, where it is not what its name says. */
  readonly inPath?: Readonly<Record<string, string>>;
  /** The parameters of the query; with a scope, any other is refused. An array stands for a parameter that may be there several times. */
  readonly query?: z.ZodObject;
  /** Headers of the request that make a difference, with what they do. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The JSON body. */
  readonly body?: z.ZodType;
  /** The body may be left out. */
  readonly bodyOptional?: true;
  readonly answers: Readonly<Record<number, Answer>>;
  /** The kinds of problems that it answers, besides those of `commonProblems`. */
  readonly problems?: readonly KindName[];
  /** Further checks, before the handler. */
  readonly before?: readonly MiddlewareHandler<AppEnv>[];
  // The path's parameters are part of a context's type, and differ from route to route.
  // biome-ignore lint/suspicious/noExplicitAny: any path
  readonly handle: (c: Context<AppEnv, any>) => Response | Promise<Response>;
}

const WITH_TOKEN = [
  'no-token',
  'invalid-token',
  'missing-scope',
  'too-many-requests',
  'unknown-parameter',
  'unavailable',
  'user-unreachable',
] as const satisfies readonly KindName[];

/** The kinds of problems that follow from what an operation needs. */
export function commonProblems({ scope, bare, query, body }: Operation): KindName[] {
  return [
    'fault',
    ...(bare === true ? [] : (['no-secret'] as const)),
    ...(scope === undefined ? [] : WITH_TOKEN),
    ...(query === undefined ? [] : (['bad-parameter'] as const)),
    ...(body === undefined ? [] : (['not-json', 'body-too-large', 'invalid-body'] as const)),
  ];
}

/** Makes the routes. */
export function mount(app: Hono<AppEnv>, operations: readonly Operation[]): void {
  for (const { method, path, scope, query, body, before = [], handle } of operations) {
    const checks = [
      ...(scope === undefined ? [] : [authorize(scope), takes(...Object.keys(query?.shape ?? {}))]),
      ...(body === undefined ? [] : [limitBody]),
      ...before,
    ];
    app.on(method.toUpperCase(), [path], ...checks, handle);
  }
}
