// Makes page.ts of page.html, page.css and client/: one self-contained page, so that the Worker needs no build step of its own.
// `npm run wallboard` writes it; `--check` fails where it is out of date.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const file = (name) => join(import.meta.dirname, name);
const read = (name) => readFileSync(file(name), 'utf8');
const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const built = buildSync({
  entryPoints: [file('client/main.ts')],
  bundle: true,
  write: false,
  format: 'iife',
  target: 'es2022',
  minifyWhitespace: true,
  minifySyntax: true,
  minifyIdentifiers: true,
  charset: 'ascii',
});
const script = built.outputFiles[0].text.trim();
if (script.includes('</script')) throw new Error('the script would end its own element');
const style = `\n${read('page.css')}`;
const html = read('page.html')
  .replace('/* page.css */', () => style)
  .replace('/* client */', () => script);
// Nothing but what is in the page runs, and it talks to nobody but the Worker that served it.
const csp = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = `// Made by \`npm run wallboard\` of page.html, page.css and client/. Not to be edited.
/** The wallboard: the whole page, and the Content-Security-Policy to serve it with. */
export const page: { readonly html: string; readonly csp: string } = {
  csp: ${JSON.stringify(csp)},
  html: ${JSON.stringify(html)},
};
`;

if (process.argv.includes('--check')) {
  if (read('page.ts') !== page) {
    console.error('worker/wallboard/page.ts is out of date: npm run wallboard');
    process.exit(1);
  }
} else writeFileSync(file('page.ts'), page);
