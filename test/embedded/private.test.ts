import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedWorker, startEmbedded } from '../../shim/embedded/worker.ts';
import { SILENT } from '../support/product.ts';
import { type Fixture, fixtureWorker } from './fixture.ts';

/** A Worker that fetches what it is asked to, and looks at nothing. */
const FETCHER = `
export class User {}
export default {
  async fetch(request) {
    const url = new URL(request.url).searchParams.get('url');
    try {
      return new Response(String((await fetch(url)).status));
    } catch {
      return new Response('unreachable');
    }
  },
};
`;

let fixture: Fixture;
let server: Server;
let worker: EmbeddedWorker | undefined;
let asked = 0;

beforeEach(async () => {
  fixture = await fixtureWorker(FETCHER, 'WEBHOOK_ALLOW_PRIVATE = "off"');
  asked = 0;
  server = createServer((_, response) => {
    asked += 1;
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  await worker?.close();
  server.close();
  await fixture.remove();
});

async function reach(vars: readonly string[]): Promise<string[]> {
  const place = { wrangler: fixture.wrangler, folder: join(fixture.folder, 'state'), host: '127.0.0.1', port: 0 };
  const started = await startEmbedded({ ...place, secret: 's'.repeat(40), log: SILENT, vars });
  if (!started.ok) throw new Error(started.text);
  worker = started.worker;
  const { port } = server.address() as AddressInfo;
  // The last is a name: it is what it resolves to that counts.
  const hosts = ['127.0.0.1', '2130706433', '0177.0.0.1', '[::ffff:127.0.0.1]', 'localhost'];
  return Promise.all(
    hosts.map(async (host) => {
      const answer = await fetch(`${worker?.url}/?url=${encodeURIComponent(`http://${host}:${port}/`)}`);
      return `${host} ${await answer.text()}`;
    }),
  );
}

describe('Offhook embedded workerd: what the Worker can reach', { timeout: 30_000 }, () => {
  it('no private address, in whatever spelling, and no name that resolves to one', async () => {
    for (const told of await reach([])) expect(told).toMatch(/ unreachable$/);
    expect(asked).toBe(0);
  });

  it('private ones too where WEBHOOK_ALLOW_PRIVATE is on', async () => {
    const told = await reach(['WEBHOOK_ALLOW_PRIVATE=on']);
    expect(told).toContain('127.0.0.1 200');
    expect(told).toContain('localhost 200');
  });
});
