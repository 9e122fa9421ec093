import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_BUNDLE } from '../../shim/packaging/client-bundle.ts';
import { type RunningWorker, startWorker } from '../support/product.ts';
import { UpdateStream } from '../support/update-stream.ts';
import { openPage, type Page } from './chromium.ts';

let worker: RunningWorker;
let page: Page;
let site: UpdateStream;

/** As the document says: the page is a file, opened with the token behind it. */
beforeAll(async () => {
  worker = await startWorker();
  site = new UpdateStream(worker.url, await worker.token('ingest'), 'office', ['sip:bob@127.0.0.1']);
  await site.run(0);
  const document = await readFile(join(import.meta.dirname, '../../docs/integrations.md'), 'utf8');
  const file = join(worker.folder, 'page.html');
  await writeFile(file, /^```html\n([\s\S]*?)^```$/m.exec(document)?.[1] as string);
  const fragment = new URLSearchParams({ token: await worker.token('read'), url: worker.url });
  page = await openPage(`${pathToFileURL(file)}#${fragment}`);
}, 60_000);
afterAll(async () => {
  await page?.close();
  await worker?.close();
});

/** In the page: resolves with the words that were shown of Bob, once `status` is the last of them. */
const shown = (status: string) => `new Promise((resolve) => {
  const seen = (globalThis.seen ??= []);
  const list = document.getElementById('users');
  const look = () => {
    const word = /bob@127\\.0\\.0\\.1: ([\\w-]+)/.exec(list.textContent)?.[1];
    if (word !== undefined && word !== seen.at(-1)) seen.push(word);
    if (seen.at(-1) === '${status}') resolve(seen);
  };
  new MutationObserver(look).observe(list, { childList: true });
  look();
})`;

describe('Offhook integrations in Chromium: the page of docs/integrations.md', { timeout: 30_000 }, () => {
  it('opened as a file, shows changes as they come, and logs no error', async () => {
    expect(await page.evaluate(shown('available'))).toEqual(['available']);
    const talking = page.evaluate(shown('talking'));
    await site.run(2);
    expect(await talking).toEqual(['available', 'calling', 'talking']);
    expect(page.problems).toEqual([]);
  });

  it('may use the typed client, of another origin as it is', async () => {
    const entryPoints = [join(import.meta.dirname, '../../worker/client/index.ts')];
    const [file] = buildSync({ ...CLIENT_BUNDLE, entryPoints, write: false }).outputFiles;
    const settings = JSON.stringify({ url: worker.url, token: await worker.token('read', 'write') });
    const told = await page.evaluate(`(async () => {
      const code = new Blob([${JSON.stringify(file?.text)}], { type: 'text/javascript' });
      const { offhook } = await import(URL.createObjectURL(code));
      const client = offhook(${settings});
      const etag = (await client.presenceIfChanged('bob@127.0.0.1')).etag;
      const { changed } = await client.presenceIfChanged('bob@127.0.0.1', etag);
      const free = client.whenFree('bob@127.0.0.1', { until: 'dnd' });
      for await (const event of client.watch({ users: ['bob@127.0.0.1'] })) {
        if (event.type === 'presence') return [changed, (await free).status, event.presence.status];
        await client.override('bob@127.0.0.1').set({ activity: 'dnd' });
      }
    })()`);
    expect(told).toEqual([false, 'dnd', 'dnd']);
    expect(page.problems).toEqual([]);
  });
});
