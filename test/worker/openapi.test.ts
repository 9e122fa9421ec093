import { describe, expect, it } from 'vitest';
import table from '../../docs/api.md?raw';
import { app } from '../../worker/routes/app.ts';
import type { OpenapiDocument } from '../../worker/routes/openapi.ts';
import { ALL_OPERATIONS } from '../../worker/routes/operations/index.ts';
import { KINDS } from '../../worker/routes/problems/kinds.ts';
import { bearer, newDomain, newStream, okay, post, report, request, say } from './support/client.ts';

const braces = (path: string) => path.replace(/:(\w+)/g, '{$1}');

/** `GET /v1/presence/{user}` and its scope, of every operation. */
const declared = ALL_OPERATIONS.map(({ method, path, scope }) => `${method.toUpperCase()} ${braces(path)} ${scope ?? '-'}`);

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

  it('says the same as the table in docs/api.md, row by row', () => {
    const rows = [...table.matchAll(/^\| `(\w+ \S+)` \| (\S+) \|/gm)].map(([, request, scope]) => `${request} ${scope}`);
    expect(rows.toSorted()).toEqual(declared.toSorted());
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

  it('is shown as a page', async () => {
    const page = await request('/reference', { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect(await page.text()).toContain('/v1/presence/{user}');
  });
});
