import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UpdateAnswer, UpdateBatch } from '#protocol';
import type { ShimWorker } from './shim.ts';

/** Takes every update at once and forgets it: a Worker for what is measured of the shim alone. */
export async function startSink(): Promise<ShimWorker & { close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'offhook-'));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const batch = JSON.parse(Buffer.concat(chunks).toString()) as UpdateBatch;
    const answer: UpdateAnswer = {
      results: batch.updates.map(({ sequence }) => ({ sequence, verdict: 'accepted', version: sequence })),
    };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    folder,
    token: async () => 'e30.e30.e30',
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
