import { describe, expect, it } from 'vitest';
import table from '../../docs/api.md?raw';
import { app } from '../../worker/routes/app.ts';
import type { OpenapiDocument } from '../../worker/routes/openapi.ts';
import { ALL_OPERATIONS } from '../../worker/routes/operations/index.ts';
import { problem } from '../../worker/routes/problem.ts';
import { KINDS } from '../../worker/routes/problems/kinds.ts';
import { bearer, newDomain, newStream, okay, post, report, request, say } from './support/client.ts';
import { contract } from './support/contract.ts';

const JSON_TYPE = 'application/json';
const LIMIT = { ratelimit: '"requests";r=1;t=1', 'ratelimit-policy': '"requests";q=1;w=60' };
const PROBLEM = 'application/problem+json';

const braces = (path: string) => path.replace(/:(\w+)/g, '{$1}');

/** What was promised before there was anything; `api.md` of the design. */
const PROMISED = [
  'GET /v1/presence/{user}',
  'POST /v1/presence/query',
  'GET /v1/domains/{domain}/presence',
  'GET /v1/presence/{user}/history',
  'GET /v1/presence/{user}/why',
  'GET /v1/watch',
  'GET /v1/events',
  'PUT /v1/presence/{user}/override',
  'DELETE /v1/presence/{user}/override',
  'POST /v1/watches/{user}',
  'POST /v1/webhooks',
  'GET /v1/webhooks',
  'DELETE /v1/webhooks/{id}',
  'POST /v1/webhooks/{id}/test',
  'POST /v1/updates',
  'GET /healthz',
  'GET /metrics',
];

const document = async () => okay<OpenapiDocument>(await request('/openapi.json', { headers: {} }));

describe('Offhook OpenAPI document', () => {
  it('has every route of the Worker, and none besides', async () => {
    const routes = new Set(
      app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${braces(path)}`),
    );
    const { paths } = await document();
    const told = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(told.toSorted()).toEqual([...routes].toSorted());
    expect(told).toEqual(expect.arrayContaining(PROMISED));
  });

  it('says the same as the table in docs/api.md, row by row', async () => {
    const rows = [...table.matchAll(/^\| `([A-Z]+ \/\S*)` \| (\S+) \|/gm)].map(([, request, scope]) => `${request} ${scope}`);
    const declared = Object.entries((await document()).paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { security }]) => `${method.toUpperCase()} ${path} ${security[0]?.bearer[0] ?? '-'}`),
    );
    expect(rows.toSorted()).toEqual(declared.toSorted());
  });

  it('has no two paths that differ in the names of their parameters alone, which OpenAPI takes for the same', async () => {
    const blank = Object.keys((await document()).paths).map((path) => path.replaceAll(/\{\w+\}/g, '{}'));
    expect(blank.toSorted()).toEqual([...new Set(blank)].toSorted());
  });

  it('leaves no answer open: whatever object is told has the fields that are declared, and no others', async () => {
    const { paths, components } = await document();
    const answers = Object.values(paths).flatMap((item) => Object.values(item).map(({ responses }) => responses));
    const requests = ALL_OPERATIONS.flatMap(({ body }) => (body === undefined ? [] : [body.meta()?.id as string]));
    const told = Object.entries(components.schemas).filter(([name]) => !requests.includes(name));
    const objects = (value: unknown): object[] => {
      if (typeof value !== 'object' || value === null) return [];
      const { type, additionalProperties } = value as { type?: unknown; additionalProperties?: unknown };
      const open = type === 'object' && additionalProperties !== false;
      return [...(open ? [value] : []), ...Object.values(value).flatMap(objects)];
    };
    expect(told.length).toBeGreaterThan(30);
    // The document itself is one of OpenAPI, whatever there is in it.
    expect(objects([answers, told])).toEqual([{ type: 'object', properties: {} }]);
  });

  it('is well-formed: ids of their own, parameters of each path, every reference leads somewhere', async () => {
    const { openapi, paths, components } = await document();
    expect(openapi).toBe('3.1.1');
    const operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.values(item).map((operation) => ({ path, operation })),
    );
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
    for (const { path, operation } of operations) {
      const names = operation.parameters.filter(({ in: where }) => where === 'path').map(({ name }) => name);
      expect(names, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(operation.summary, path).not.toBe('');
      expect(Object.keys(operation.responses).length, path).toBeGreaterThan(0);
    }
    const references = [...JSON.stringify(paths).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name as string);
    expect(references.length).toBeGreaterThan(10);
    for (const name of references) expect(Object.keys(components.schemas), name).toContain(name);
  });

  it('names only kinds of problems that there are', () => {
    for (const { id, problems = [] } of ALL_OPERATIONS)
      for (const kind of problems) expect(Object.keys(KINDS), id).toContain(kind);
  });

  it('describes the answers that are given', async () => {
    const stream = newStream('alice', newDomain());
    await report([stream.next(say.online()), stream.next(say.talking('c1'))]);
    const user = encodeURIComponent(stream.user);
    const headers = await bearer({ scope: ['read', 'write', 'admin'] });
    const answers: [id: string, status: number, response: Promise<Response>][] = [
      ['getPresence', 200, request(`/v1/presence/${user}`, { headers })],
      ['getHistory', 200, request(`/v1/presence/${user}/history`, { headers })],
      ['getWhy', 200, request(`/v1/presence/${user}/why`, { headers })],
      ['getOverrides', 200, request(`/v1/presence/${user}/override`, { headers })],
      ['queryPresence', 200, post('/v1/presence/query', { users: [stream.user, 'sip:nobody@example.com'] }, headers)],
      ['listDomain', 200, request(`/v1/domains/${stream.user.split('@')[1]}/presence`, { headers })],
      ['listWebhooks', 200, request(`/v1/webhooks?domain=${stream.user.split('@')[1]}`, { headers })],
      ['getAudit', 200, request('/v1/audit', { headers })],
      ['getRevocations', 200, request('/v1/tokens/revocations', { headers })],
      ['getHealth', 200, request('/healthz')],
    ];
    for (const [id, status, response] of answers) {
      const operation = ALL_OPERATIONS.find((one) => one.id === id);
      const given = await response;
      expect(given.status, id).toBe(status);
      expect(operation?.answers[status]?.body?.safeParse(await given.json()), id).toMatchObject({ success: true });
    }
  });

  it.each<[wrong: string, path: string, status: number, type: string, body: object, sent?: string]>([
    ['a status', '/v1/presence/a', 202, JSON_TYPE, {}],
    ['a media type', '/healthz', 200, 'text/plain', { status: 'ok' }],
    ['a field more', '/healthz', 200, JSON_TYPE, { status: 'ok', more: 1 }],
    ['a field less', '/healthz', 200, JSON_TYPE, {}],
    ['a kind of problem', '/v1/presence/a', 404, PROBLEM, problem('no-such-watch', 'x')],
    ['a kind of problem where nothing is', '/x', 404, PROBLEM, problem('bad-user', 'x')],
    ['a body', '/v1/presence/a', 304, JSON_TYPE, {}],
    ['a parameter that is taken', '/v1/webhooks?domains=a', 200, JSON_TYPE, { webhooks: [] }],
    ['a value that is taken', '/v1/audit?limit=x', 200, JSON_TYPE, { entries: [] }],
    ['a body that is taken', '/v1/presence/query', 200, JSON_TYPE, { users: [] }, '{"users":"a"}'],
    ['no body, that is taken,', '/v1/presence/query', 200, JSON_TYPE, { users: [] }, ''],
  ])('binds every test of the Worker: %s which is not declared is a failure', async (_, path, status, type, body, sent) => {
    const headers = new Headers({ ...LIMIT, etag: '"1"', 'content-type': type });
    const given = (method: string) => ({ method, path, sent, status, headers, text: JSON.stringify(body) });
    expect(contract.breach(given(sent === undefined ? 'GET' : 'POST'))).toBeDefined();
  });

  it.each<[what: string, method: string, path: string, status: number, type: string, text: string, sent?: string]>([
    ['an answer', 'GET', '/healthz', 200, JSON_TYPE, '{"status":"ok"}'],
    ['a problem', 'GET', '/x', 404, PROBLEM, JSON.stringify(problem('no-such-path', 'x'))],
    ['a request', 'POST', '/v1/presence/query', 200, JSON_TYPE, '{"users":[]}', '{"users":["a"]}'],
    [
      'a body that may be left out',
      'POST',
      '/v1/webhooks/x/pause',
      404,
      PROBLEM,
      JSON.stringify(problem('no-such-webhook', 'x')),
      '',
    ],
  ])('and %s as declared is none', (_, method, path, status, type, text, sent) => {
    const headers = new Headers({ ...LIMIT, 'content-type': type });
    expect(contract.breach({ method, path, sent, status, headers, text })).toBeUndefined();
  });

  it('binds headers: an answer without one that is declared is a failure', () => {
    const answer = { method: 'GET', path: '/v1/webhooks', sent: '', status: 200, text: '{"webhooks":[]}' };
    const headers = new Headers({ ...LIMIT, 'content-type': JSON_TYPE });
    expect(contract.breach({ ...answer, headers })).toBeUndefined();
    headers.delete('ratelimit');
    expect(contract.breach({ ...answer, headers })).toContain('RateLimit');
  });

  it('binds the frames of a watch and of a stream of events', () => {
    const check = '{"type":"check","cursor":"x"}';
    expect([contract.breachOfFrame('watch', check), contract.breachOfFrame('events', check)]).toEqual([
      undefined,
      expect.stringContaining('check'),
    ]);
    expect(contract.breachOfFrame('watch', '{"type":"check","cursor":"x","more":1}')).toBeDefined();
    expect(contract.breachOfFrame('events', '{"type":"end","code":1011,"reason":""}')).toBeUndefined();
  });

  it('is shown as a page', async () => {
    const page = await request('/reference', { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    const text = await page.text();
    for (const told of ['/v1/presence/{user}', 'presence.changed', '<a href="#WatchFrame">']) expect(text).toContain(told);
  });
});
