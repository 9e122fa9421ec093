import { Client, type Dispatcher } from 'undici';
import { PROTOCOL_VERSION, type UpdateAnswer } from '#protocol';
import { parseAnswer } from '../core/outbox/answer.ts';
import type { Outbox } from '../core/outbox/outbox.ts';
import type { Batch, OutboxEvent, Outcome, SendFailure } from '../core/outbox/types.ts';
import type { Disk } from './disk.ts';
import { failureOfError, failureOfStatus } from './sender/failure.ts';

export interface SenderSettings {
  /** Base URL of the Worker; updates go to `v1/updates` below it. */
  readonly url: string;
  /** Bearer token with scope `ingest`. */
  readonly token: string;
  readonly outbox: Outbox;
  /**
   * What the outbox says is to be written goes here. Sending does not wait for it: an update that reached the Worker and not the disk is
   * either lost with the call that it tells of (a new start, a new epoch, a snapshot of what is known), or it is there twice, which the
   * Worker sees.
   */
  readonly disk: Pick<Disk, 'write'>;
  /** ms since 1970 */
  readonly clock: () => number;
  /** For the log. */
  readonly onEvent: (event: OutboxEvent) => void;
  /** Whole request, from connecting to the end of the answer, ms. Default 10,000. */
  readonly timeout?: number;
  /** Greatest answer, bytes. Default 1 MiB. */
  readonly answerBytes?: number;
}

/** Carries the outbox to the Worker: one request under way, the next as soon as its answer is there. Calls never wait for it. */
export interface Sender {
  /** There may be something to send: call after `outbox.add`. Cheap, and does nothing while a request is under way. */
  poke(): void;
  /** Stops. A request under way may still end within `grace` ms; what then remains stays in the outbox, on disk. */
  close(grace?: number): Promise<void>;
}

/** Longest delay that `setTimeout` takes, ms. */
const TIMER_MAX = 2 ** 31 - 1;

/** Starts with the first `poke`. Throws where the URL is none: check settings before. */
export function createSender(settings: SenderSettings): Sender {
  const { outbox, disk, clock, timeout = 10_000, answerBytes = 1024 * 1024 } = settings;
  const base = new URL(settings.url.endsWith('/') ? settings.url : `${settings.url}/`);
  const path = new URL('v1/updates', base).pathname;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${settings.token}`, 'user-agent': 'offhook' };
  const client = new Client(base.origin, {
    connectTimeout: timeout,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    keepAliveTimeout: 30_000,
    maxResponseSize: answerBytes,
  });
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let closed = false;

  function poke(): void {
    if (running !== undefined || closed) return;
    clearTimeout(timer);
    running = run()
      .catch((error) => tell(outbox.fail(internal(error), clock())))
      .finally(() => {
        running = undefined;
        arm();
      });
  }

  /** The one timer of the outbox. */
  function arm(): void {
    clearTimeout(timer);
    const at = closed ? undefined : outbox.nextDeadline();
    if (at === undefined) return;
    timer = setTimeout(poke, Math.min(Math.max(1, at - clock()), TIMER_MAX));
    timer.unref();
  }

  async function run(): Promise<void> {
    for (;;) {
      // What one message leads to is sent in one request.
      await undefined;
      const batch = closed ? undefined : take();
      if (batch === undefined) return;
      const answer = 'reason' in batch ? batch : await post(batch);
      const outcome = 'reason' in answer ? outbox.fail(answer, clock()) : outbox.settle(answer, clock());
      tell(outcome);
    }
  }

  /** A snapshot is built from all that is known of a user. Should that throw, the process goes on, and the fault is told with a pause. */
  function take(): Batch | SendFailure | undefined {
    try {
      return outbox.take(clock());
    } catch (error) {
      return internal(error);
    }
  }

  function tell({ ops, events }: Outcome): void {
    disk.write(ops);
    for (const event of events) settings.onEvent(event);
  }

  async function post(batch: Batch): Promise<UpdateAnswer | SendFailure> {
    // Items are JSON already: they are written once, for disk and network.
    const head = JSON.stringify({ version: PROTOCOL_VERSION, site: batch.site, sentAt: clock() });
    const body = `${head.slice(0, -1)},"updates":[${batch.items.join(',')}]}`;
    try {
      const response = await client.request({ path, method: 'POST', headers, body, signal: AbortSignal.timeout(timeout) });
      const text = await response.body.text();
      if (response.statusCode < 200 || response.statusCode > 299) return refusal(response, text);
      return parseAnswer(text, batch.items.length) ?? garbage(response.statusCode, text);
    } catch (error) {
      return failureOfError(error);
    }
  }

  function refusal({ statusCode, headers }: Dispatcher.ResponseData, text: string): SendFailure {
    const retryAfter = headers['retry-after'];
    const failure = failureOfStatus(statusCode, Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, clock());
    return { ...failure, detail: text.slice(0, 200) };
  }

  return {
    poke,
    async close(grace = 1000) {
      closed = true;
      clearTimeout(timer);
      const end = setTimeout(() => client.destroy(), grace);
      await running;
      clearTimeout(end);
      await client.destroy();
    },
  };
}

/** A fault of this process: it is told, and tried again with a pause. A rejection that nobody takes would end the process, and with it the calls. */
function internal(error: unknown): SendFailure {
  return { reason: 'internal', detail: String((error as Error)?.stack ?? error) };
}

function garbage(status: number, text: string): SendFailure {
  return { reason: 'garbage', status, detail: text.slice(0, 200) };
}
