import { type LeaseAnswer, PROTOCOL_VERSION } from '#protocol';
import type { SiteLease } from '../core/lease/lease.ts';
import { parseAnswer, parseReconcileAnswer } from '../core/outbox/answer.ts';
import type { Outbox } from '../core/outbox/outbox.ts';
import type { Batch, OutboxEvent, Outcome, SendFailure } from '../core/outbox/types.ts';
import type { Disk } from './disk.ts';
import { type Channel, type ChannelSettings, createChannel } from './sender/channel.ts';
import { createLane } from './sender/lane.ts';

export interface SenderSettings extends Pick<ChannelSettings, 'url' | 'token' | 'clock'> {
  readonly outbox: Outbox;
  /** The site's lease; where there is none, nothing is sent but updates. */
  readonly lease?: SiteLease;
  /**
   * What the outbox says is to be written goes here. Sending does not wait for it: an update that reached the Worker and not the disk is
   * either lost with the call that it tells of (a new start, a new epoch, a snapshot of what is known), or it is there twice, which the
   * Worker sees.
   */
  readonly disk: Pick<Disk, 'write'>;
  /** For the log. */
  readonly onEvent: (event: OutboxEvent) => void;
  /** For the log: how the site stands at the Worker, whenever that changes. */
  readonly onStanding?: (standing: LeaseAnswer['state']) => void;
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

const NEVER = Number.POSITIVE_INFINITY;

const isDue = (what: { nextDeadline(): number | undefined } | undefined, now: number): boolean =>
  (what?.nextDeadline() ?? NEVER) <= now;

/**
 * Starts with the first `poke`. Updates and what keeps the lease go by connections of their own, so that neither waits for the other; one
 * timer wakes both. Throws where the URL is none: check settings before.
 */
export function createSender(settings: SenderSettings): Sender {
  const { outbox, lease, disk, clock, timeout = 10_000, answerBytes = 1024 * 1024 } = settings;
  const place = { url: settings.url, token: settings.token, clock, timeout, answerBytes };
  const channels = [createChannel(place)];
  let timer: NodeJS.Timeout | undefined;
  let armedFor = NEVER;
  let closed = false;
  let standing: LeaseAnswer['state'] | undefined;
  const updates = createLane({
    step: sendUpdates,
    onDefect: (error) => tell(outbox.fail(internal(error), clock())),
    onIdle: arm,
  });
  const keeping = lease && createLane({ step: () => keepLease(lease), onDefect: defectInLease, onIdle: arm });
  if (lease !== undefined) channels.push(createChannel(place));

  function poke(): void {
    if (closed) return;
    // Asked at each message: a lane begins only where it has something to do, and else waits for its time.
    const now = clock();
    if (isDue(outbox, now)) updates.run();
    if (isDue(lease, now)) keeping?.run();
    arm();
  }

  /** The one timer of outbox and lease. A lane that is busy arms it when it is idle. */
  function arm(): void {
    const at = Math.min(
      (updates.busy ? undefined : outbox.nextDeadline()) ?? NEVER,
      (keeping?.busy ? undefined : lease?.nextDeadline()) ?? NEVER,
    );
    if (closed || at === armedFor) return;
    clearTimeout(timer);
    armedFor = at;
    if (at === NEVER) return;
    timer = setTimeout(fire, Math.min(Math.max(1, at - clock()), TIMER_MAX));
    timer.unref();
  }

  function fire(): void {
    armedFor = NEVER;
    poke();
  }

  /** One batch; false where there is none. */
  async function sendUpdates(): Promise<boolean> {
    const batch = closed ? undefined : take();
    if (batch === undefined) return false;
    const sentAt = clock();
    const answer = 'reason' in batch ? batch : await post(0, batch);
    if (!('reason' in answer)) lease?.spoken(answer.lease, sentAt);
    tell('reason' in answer ? outbox.fail(answer, clock()) : outbox.settle(answer, clock()));
    keeping?.run();
    return true;
  }

  /** What keeps the lease; false where there is nothing of it to send. */
  async function keepLease(lease: SiteLease): Promise<boolean> {
    const request = closed ? undefined : lease.take(clock());
    if (request === undefined) return false;
    if (request.kind === 'heartbeat') {
      const answer = await post(1, { site: outbox.site, epoch: outbox.epoch, items: [] });
      if ('reason' in answer) lease.fail(answer, clock());
      else tell(lease.settle(answer.lease, undefined, clock()));
    } else {
      const path = `v1/sites/${encodeURIComponent(outbox.site)}/${request.kind === 'stop' ? 'stop' : 'reconcile'}`;
      const answer = await (channels[1] as Channel).post(path, request.body, parseReconcileAnswer);
      if ('reason' in answer) lease.fail(answer, clock());
      else tell(lease.settle(answer.lease, answer, clock()));
    }
    // Who differs is told at once.
    updates.run();
    return true;
  }

  function defectInLease(error: unknown): void {
    const failure = internal(error);
    const pause = lease?.fail(failure, clock()) ?? 0;
    settings.onEvent({ type: 'failed', failure, attempt: 1, pause });
  }

  /** A snapshot is built from all that is known of a user. Should that throw, the process goes on, and the fault is told with a pause. */
  function take(): Batch | SendFailure | undefined {
    try {
      return outbox.take(clock());
    } catch (error) {
      return internal(error);
    }
  }

  function lookAtStanding(): void {
    if (lease?.standing === standing || lease?.standing === undefined) return;
    standing = lease.standing;
    settings.onStanding?.(standing);
  }

  function tell({ ops, events }: Outcome): void {
    lookAtStanding();
    disk.write(ops);
    for (const event of events) settings.onEvent(event);
  }

  function post(channel: number, { site, epoch, items }: Batch) {
    // Items are JSON already: they are written once, for disk and network.
    const head = JSON.stringify({ version: PROTOCOL_VERSION, site, epoch, sentAt: clock() });
    const body = `${head.slice(0, -1)},"updates":[${items.join(',')}]}`;
    return (channels[channel] as Channel).post('v1/updates', body, (text) => parseAnswer(text, items.length));
  }

  return {
    poke,
    async close(grace = 1000) {
      closed = true;
      clearTimeout(timer);
      const cut = () => Promise.all(channels.map((channel) => channel.destroy()));
      const end = setTimeout(cut, grace);
      await Promise.all([updates.idle(), keeping?.idle()]);
      clearTimeout(end);
      await cut();
    },
  };
}

/** A fault of this process: it is told, and tried again with a pause. A rejection that nobody takes would end the process, and with it the calls. */
function internal(error: unknown): SendFailure {
  return { reason: 'internal', detail: String((error as Error)?.stack ?? error) };
}
