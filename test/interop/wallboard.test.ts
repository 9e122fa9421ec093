import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quietPort } from '../support/port.ts';
import { openPage, type Page } from './chromium.ts';
import { DOMAIN, openScene, type Scene } from './scene.ts';

const OUT = join(import.meta.dirname, 'out');

let scene: Scene;
let page: Page;
let port: number;
beforeAll(async () => {
  scene = await openScene();
  port = await quietPort();
  await scene.register(['alice', 'bob', 'carol'], port);
  page = await openPage(`${scene.product.url}/#token=${await scene.product.token('read')}&domain=${DOMAIN}`);
});
afterAll(async () => {
  await page?.close();
  await scene?.close();
});

/** In the page: resolves with the words that the lamps have shown of a user, one for each change, once `status` is the last of them. */
const shown = (user: string, status: string) => `new Promise((resolve) => {
  const words = (globalThis.words ??= {});
  const seen = (words.${user} ??= []);
  const look = () => {
    const item = [...document.querySelectorAll('#users > li')].find((li) => li.querySelector('.name')?.textContent.startsWith('${user}'));
    const now = item?.dataset.status;
    if (now !== undefined && now !== seen.at(-1)) seen.push(now);
    if (seen.at(-1) === '${status}') resolve(seen);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  look();
})`;

describe('Offhook wallboard in Chromium', () => {
  it('shows the lamps of a SIPp call change as they change, and logs no error', async () => {
    expect(await page.evaluate(shown('bob', 'available'))).toEqual(['available']);
    await page.evaluate(shown('alice', 'available'));
    const call = scene.call('uac', 'uas', port, { fields: [['alice', 'bob']], hold: 1500 });
    expect(await page.evaluate(shown('bob', 'talking'))).toEqual(['available', 'ringing', 'talking']);
    expect(await page.evaluate(shown('alice', 'talking'))).toEqual(['available', 'calling', 'talking']);
    await mkdir(OUT, { recursive: true });
    await writeFile(join(OUT, 'wallboard.png'), await page.screenshot());
    await call;
    expect(await page.evaluate(shown('bob', 'available'))).toEqual(['available', 'ringing', 'talking', 'available']);
    expect(page.problems).toEqual([]);
  });

  it('takes the token out of the visible address', async () => {
    expect(await page.evaluate('location.href')).not.toContain('token');
  });
});
