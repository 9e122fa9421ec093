import { describe, expect, it } from 'vitest';
import { problem } from '../../worker/routes/problem.ts';
import { KINDS, type Kind, PLAIN_KINDS } from '../../worker/routes/problems/kinds.ts';
import { request } from './support/client.ts';

const sources = Object.values(
  import.meta.glob<string>('../../worker/**/*.ts', { query: '?raw', import: 'default', eager: true }),
);
/** What the sources tell problems of: names of kinds, and statuses. */
const told = new Set(
  sources.flatMap((text) =>
    [...text.matchAll(/\bproblem\(\s*(?:'([a-z-]+)'|(\d{3}))/g)].map(([, name, status]) => name ?? status),
  ),
);
const kinds: [string, Kind][] = Object.entries(KINDS);

describe('RFC 9457 problem types', () => {
  it('every kind is used, and what is used is a kind', () => {
    const names: string[] = kinds.map(([name]) => name);
    const plain: Record<string, string> = PLAIN_KINDS;
    const used = [...told].map((name) => plain[name as string] ?? (name as string));
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => !used.includes(name) && !Object.values(plain).includes(name))).toEqual([]);
  });

  it('a number begins with the status, and is that of one kind alone', () => {
    for (const [name, { number, status }] of kinds) expect([name, Math.floor(number / 100)]).toEqual([name, status]);
    expect(new Set(kinds.map(([, { number }]) => number)).size).toBe(kinds.length);
  });

  it.each(kinds)(
    '%s has a page by its name and by its number, as HTML and as text, without a token',
    async (name, { number, title, meaning }) => {
      expect(problem(name as keyof typeof KINDS, 'x').type).toBe(`/problems/${name}`);
      for (const path of [`/problems/${name}`, `/problems/${number}`]) {
        const text = await request(path, { headers: { authorization: '' } });
        expect(text.headers.get('content-type')).toMatch('text/plain');
        expect(await text.text()).toContain(`${title}\n\n${meaning}\n`);
        const page = await request(path, { headers: { authorization: '', accept: 'text/html,*/*;q=0.8' } });
        expect(page.headers.get('content-type')).toMatch('text/html');
        expect(page.headers.get('content-security-policy')).toMatch("default-src 'none'");
        expect(await page.text()).toContain(`<h1>${title}</h1>`);
      }
    },
  );

  it('a status alone is told of by its plain kind', () => {
    for (const [status, name] of Object.entries(PLAIN_KINDS)) {
      expect(problem(Number(status) as keyof typeof PLAIN_KINDS, 'x')).toMatchObject({
        status: Number(status),
        type: `/problems/${name}`,
      });
    }
  });

  it('the list names every kind, and an unknown one has no page', async () => {
    const list = await (await request('/problems')).text();
    const page = await (await request('/problems', { headers: { accept: 'text/html' } })).text();
    for (const [name, { number }] of kinds) {
      expect(list).toContain(`${number} ${name}: `);
      expect(page).toContain(`href="/problems/${name}"`);
    }
    expect((await request('/problems/nothing')).status).toBe(404);
  });

  it('the style of a page is the one that its policy names', async () => {
    const response = await request('/problems', { headers: { accept: 'text/html' } });
    const style = /<style>([\s\S]*?)<\/style>/.exec(await response.text())?.[1] ?? '';
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style)));
    expect(response.headers.get('content-security-policy')).toContain(`'sha256-${btoa(String.fromCharCode(...digest))}'`);
  });

  it("Cloudflare's name of the request is told, and nothing else that stands in its header", async () => {
    const ask = async (ray: string) => (await request('/nothing', { headers: { 'cf-ray': ray } })).json();
    expect(await ask('8f0e1d2c3b4a5968-FRA')).toMatchObject({ code: 40401, requestId: '8f0e1d2c3b4a5968-FRA' });
    expect(await ask('"><script>')).not.toHaveProperty('requestId');
  });
});
