import type { Context } from 'hono';
import { html, raw } from 'hono/html';

/** HTML that is escaped already. */
export type Html = ReturnType<typeof html>;

const STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--edge:#dfe3e8;--text:#1b2430;--soft:#5b6776;--accent:#1d5fbf}
@media(prefers-color-scheme:dark){:root{--ground:#12161c;--card:#1b2129;--edge:#2d3642;--text:#e8ecf1;--soft:#9aa7b6;--accent:#79acf5}}
body{margin:0 auto;padding:1.5rem;max-width:60rem;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif}
a{color:var(--accent)}
code,pre{font:13px/1.5 ui-monospace,monospace}
pre{overflow:auto;padding:.75rem;background:var(--card);border:1px solid var(--edge);border-radius:6px}
section{margin:1rem 0;padding:.25rem 1rem 1rem;background:var(--card);border:1px solid var(--edge);border-radius:8px}
table{width:100%;border-collapse:collapse}
th,td{padding:.35rem .6rem .35rem 0;border-top:1px solid var(--edge);text-align:left;vertical-align:top}
h1,h2,h3{line-height:1.25}
h3{margin:1rem 0 .25rem;font-size:1rem}
.soft{color:var(--soft)}
nav a{display:inline-block;margin-right:1rem}
`;

/** Answers a page of text: no script, nothing from elsewhere, its style by hash. It may be kept for an hour. */
export async function textPage(c: Context, title: string, body: Html): Promise<Response> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE)));
  const hash = btoa(String.fromCharCode(...digest));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Offhook</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
</head>
<body>
<nav><a href="/">Wallboard</a><a href="/reference">Reference</a><a href="/problems">Problems</a></nav>
${body}
</body>
</html>
`;
  return c.html(page, 200, {
    'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'public, max-age=3600',
    vary: 'Accept',
  });
}

/** Whether who asks is a browser: it names HTML, as no program does that reads text or JSON. */
export function wantsHtml(c: Context): boolean {
  return c.req.header('accept')?.includes('text/html') === true;
}

/** Text in which `code` stands in backquotes, as HTML. */
export function marked(text: string): Html {
  const parts = text.split('`').map((part, i) => (i % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));
  return html`${parts}`;
}
