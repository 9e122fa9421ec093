import type { Context } from 'hono';
import { html } from 'hono/html';
import { marked, textPage, wantsHtml } from '../html.ts';
import { answer, problem } from '../problem.ts';
import { KINDS, type Kind } from './kinds.ts';

const ALL: readonly (readonly [string, Kind])[] = Object.entries(KINDS);

/** `GET /problems`: all kinds of errors, as a page for browsers and as text for the rest. */
export function listProblems(c: Context): Response | Promise<Response> {
  if (!wantsHtml(c)) return text(c, ALL.map(([name, { number, title }]) => `${number} ${name}: ${title}\n`).join(''));
  const rows = ALL.map(
    ([name, { number, title }]) =>
      html`<tr><td>${number}</td><td><a href="/problems/${name}"><code>${name}</code></a></td><td>${title}</td></tr>`,
  );
  return textPage(c, 'Problems', html`<h1>Problems</h1><table><tr><th>Code</th><th>Name</th><th>Means</th></tr>${rows}</table>`);
}

/** `GET /problems/{name}` or `/problems/{number}`: what one kind of error means, and what to do. */
export function getProblem(c: Context): Response | Promise<Response> {
  const wanted = c.req.param('kind');
  const found = ALL.find(([name, { number }]) => name === wanted || String(number) === wanted);
  if (found === undefined) return answer(c, problem('no-such-path', 'there is no problem of this name or number'));
  const [name, { number, status, title, meaning }] = found;
  if (!wantsHtml(c)) return text(c, `${title}\n\n${meaning}\n\nname: ${name}\ncode: ${number}\nstatus: ${status}\n`);
  const body = html`<h1>${title}</h1><p>${marked(meaning)}</p><p class="soft">Name <code>${name}</code>, code ${number}, HTTP status ${status}.</p>`;
  return textPage(c, title, body);
}

function text(c: Context, told: string): Response {
  return c.text(told, 200, { vary: 'Accept', 'cache-control': 'public, max-age=3600', 'x-content-type-options': 'nosniff' });
}
