import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UpdateBatch } from '#protocol';
import { Outbox } from '../../../shim/core/outbox/outbox.ts';
import type { OutboxEvent, OutboxLimits, Report } from '../../../shim/core/outbox/types.ts';
import { openDisk } from '../../../shim/io/disk.ts';
import { createSender, type SenderSettings } from '../../../shim/io/sender.ts';
import { ModelWorker } from '../../outbox/model-worker.ts';

export const TOKEN = 'the-token';

/** What the server does with one request: say nothing to have it answered as the Worker would. */
export type Manner = (request: {
  readonly batch: UpdateBatch;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly worker: ModelWorker;
}) => boolean;

/** A Worker over HTTP that may behave badly, and a count of its requests and connections that can be waited for. */
export class BadWorker {
  readonly worker = new ModelWorker();
  readonly batches: UpdateBatch[] = [];
  readonly requests: IncomingMessage[] = [];
  connections = 0;
  /** Manners of the next requests; after that they are answered well. */
  readonly manners: Manner[] = [];
  readonly #server = createServer((req, res) => void this.#answer(req, res));
  #waiting: { readonly is: () => boolean; readonly resolve: () => void }[] = [];

  constructor() {
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Until a condition on requests and effects holds. */
  until(is: () => boolean): Promise<void> {
    if (is()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ is, resolve });
    });
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of req.setEncoding('utf8')) text += chunk;
    const batch = JSON.parse(text) as UpdateBatch;
    this.requests.push(req);
    this.batches.push(batch);
    const manner = this.manners.shift();
    if (manner === undefined || !manner({ batch, req, res, worker: this.worker })) {
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify({ results: this.worker.take(batch.updates) }));
    }
    this.#waiting = this.#waiting.filter(({ is, resolve }) => {
      if (!is()) return true;
      resolve();
      return false;
    });
  }
}

/** The sending half of a shim: outbox, disk in memory, sender. */
export function createSite(url: string, limits: Partial<OutboxLimits> = {}, settings: Partial<SenderSettings> = {}) {
  const opened = openDisk({ folder: undefined, site: 'here', now: Date.now() });
  if (!opened.ok) throw new Error(opened.detail);
  const { disk, epoch } = opened;
  const events: OutboxEvent[] = [];
  const snapshot = { terminals: [], calls: [] };
  const outbox = new Outbox(
    { site: 'here', epoch, chance: Math.random, backoffMin: 5, backoffMax: 20, ...limits },
    () => snapshot,
  );
  const waiting: { is: () => boolean; resolve: () => void }[] = [];
  const check = () => {
    for (const { is, resolve } of waiting) if (is()) resolve();
  };
  const onEvent = (event: OutboxEvent) => {
    events.push(event);
    check();
  };
  /** The disk, and a look at what is waited for whenever the sender has an answer. */
  const watched: SenderSettings['disk'] = {
    write(ops) {
      disk.write(ops);
      check();
    },
  };
  const sender = createSender({ url, token: TOKEN, outbox, disk: watched, clock: Date.now, onEvent, timeout: 2000, ...settings });
  return {
    outbox,
    disk,
    sender,
    events,
    report(...reports: Report[]) {
      for (const report of reports) disk.write(outbox.add(report, Date.now()).ops);
      sender.poke();
    },
    /** Until a condition on the outbox or the events holds. */
    until(is: () => boolean): Promise<void> {
      return is() ? Promise.resolve() : new Promise((resolve) => waiting.push({ is, resolve }));
    },
    failures: () => events.flatMap((event) => (event.type === 'failed' ? [event.failure] : [])),
    async close() {
      await sender.close(0);
      disk.close();
    },
  };
}
