import type { Context } from 'hono';
import { html } from 'hono/html';
import { type Html, marked, textPage } from './html.ts';
import type { JsonSchema } from './json-schema.ts';
import { type OpenapiDocument, type OperationObject, openapi, type WebhookObject } from './openapi.ts';
import type { Operation } from './operation.ts';
import { typeText } from './type-text.ts';

type Operations = () => readonly Operation[];

/** `GET /openapi.json`: it tells what there is to ask, and nothing of anybody; so it wants no token. */
export function getOpenapi(operations: Operations) {
  let text: string | undefined;
  return (c: Context): Response => {
    text ??= JSON.stringify(openapi(operations()));
    const headers = {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=3600',
    };
    return c.body(text, 200, headers);
  };
}

/** `GET /reference`: the OpenAPI document as a page for people. */
export function getReference(operations: Operations) {
  let body: Html | undefined;
  return (c: Context): Promise<Response> => {
    body ??= referenceOf(openapi(operations()));
    return textPage(c, 'Reference', body);
  };
}

function referenceOf({ info, paths, webhooks, components }: OpenapiDocument): Html {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => ({ path, method, told })),
  );
  const tags = [...new Set(all.flatMap(({ told }) => told.tags))];
  const contents = tags.map((tag) => {
    const rows = all.filter(({ told }) => told.tags.includes(tag));
    const lines = rows.map(
      ({ path, method, told }) =>
        html`<tr><td><a href="#${told.operationId}"><code>${method.toUpperCase()} ${path}</code></a></td><td>${told.summary}</td></tr>`,
    );
    return html`<h3>${tag}</h3><table>${lines}</table>`;
  });
  return html`<h1>${info.title}: reference</h1>
<p>${marked(info.description)} The same as an OpenAPI document: <a href="/openapi.json"><code>/openapi.json</code></a>.</p>
${contents}
<h2>Requests</h2>
${all.map(({ path, method, told }) => operationOf(path, method, told))}
<h2>What is delivered</h2>
${Object.entries(webhooks).map(([type, { post }]) => operationOf(type, 'post', post))}
<h2>What is told</h2>
${Object.entries(components.schemas).map(([name, schema]) => schemaOf(name, schema))}`;
}

function operationOf(path: string, method: string, told: OperationObject | WebhookObject): Html {
  const { operationId, summary, security, parameters, requestBody, responses } = told;
  const description = 'description' in told ? told.description : undefined;
  const scope = security[0]?.bearer[0];
  const rows = parameters.map(
    ({ name, in: place, schema, description: means }) =>
      html`<tr><td><code>${name}</code></td><td class="soft">${place}</td><td><code>${typeText(schema)}</code></td><td>${marked(means ?? '')}</td></tr>`,
  );
  const body = requestBody?.content['application/json']?.schema;
  const answers = Object.entries(responses).map(
    ([status, { description: means, content = {}, 'x-frames': frames }]) =>
      html`<tr><td>${status}</td><td>${means.split('\n').map((line) => html`${marked(line)}<br>`)}</td><td>${[...Object.values(content).map(({ schema }) => schema), ...(frames === undefined ? [] : [frames])].map((schema) => html`${typeOf(schema)} `)}</td></tr>`,
  );
  return html`<section id="${operationId}">
<h3><code>${method.toUpperCase()} ${path}</code></h3>
<p>${summary}. ${marked(description ?? '')}</p>
<p class="soft">${scope === undefined ? 'No token is needed.' : html`Scope of the token: <code>${scope}</code>`}</p>
${rows.length === 0 ? '' : html`<table><tr><th>Parameter</th><th>In</th><th>Type</th><th></th></tr>${rows}</table>`}
${body === undefined ? '' : html`<p>Body, JSON: ${typeOf(body)}</p>`}
<table><tr><th>Status</th><th></th><th>Type</th></tr>${answers}</table>
</section>
`;
}

function schemaOf(name: string, schema: JsonSchema): Html {
  const { properties, description } = schema as {
    properties?: Record<string, JsonSchema & { description?: string }>;
    description?: string;
  };
  const required = new Set((schema.required as string[] | undefined) ?? []);
  const told = description === undefined ? '' : html`<p>${marked(description)}</p>`;
  if (properties === undefined)
    return html`<section id="${name}"><h3>${name}</h3>${told}<pre>${typeText(schema)}</pre></section>\n`;
  const rows = Object.entries(properties).map(
    ([field, value]) =>
      html`<tr><td><code>${field}${required.has(field) ? '' : '?'}</code></td><td>${typeOf(value)}</td><td>${marked(value.description ?? '')}</td></tr>`,
  );
  return html`<section id="${name}"><h3>${name}</h3>${told}<table><tr><th>Field</th><th>Type</th><th></th></tr>${rows}</table></section>\n`;
}

/** A type, with links to those that it names. */
function typeOf(schema: JsonSchema): Html {
  const parts = typeText(schema).split(/(?<![\w"'])([A-Z][A-Za-z]+)(?![\w"'])/);
  return html`<code>${parts.map((part, i) => (i % 2 === 0 ? part : html`<a href="#${part}">${part}</a>`))}</code>`;
}
