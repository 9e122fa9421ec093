import type { CallStatus, CallUpdate, IdleUpdate, OnlineUpdate, Update, UpdateAnswer } from '#protocol';
import { until } from './until.ts';

/** What the Worker has acknowledged of one user. */
export interface Acknowledged {
  /** Of the newest acknowledged update. */
  version: number;
  callStatus: CallStatus;
  /** Version that the Worker named for each acknowledged sequence. */
  readonly versions: Map<number, number>;
}

const STEPS = ['early', 'talking', 'terminating', 'idle'] as const;
const CALL_STATUS = { online: 'idle', early: 'calling', talking: 'talking', terminating: 'terminating', idle: 'idle' } as const;

/** A site that reports one call after the other of each of its users, a batch at a time, and sends again what was not acknowledged. */
export class UpdateStream {
  readonly acknowledged = new Map<string, Acknowledged>();
  /** Batches that had to be sent again. */
  repeated = 0;
  duplicates = 0;
  readonly #url: string;
  readonly #token: string;
  readonly #site: string;
  readonly #epoch = Date.now();
  readonly #previous = new Map<string, number>();
  #sequence = 0;

  constructor(url: string, token: string, site: string, users: readonly string[]) {
    this.#url = url;
    this.#token = token;
    this.#site = site;
    for (const user of users) this.acknowledged.set(user, { version: 0, callStatus: 'idle', versions: new Map() });
  }

  /** Updates acknowledged, of all users. */
  get total(): number {
    return [...this.acknowledged.values()].reduce((sum, { versions }) => sum + versions.size, 0);
  }

  /** Everybody on-line, then so many steps of their calls. */
  async run(steps: number): Promise<void> {
    await this.#send((user) => this.#online(user));
    for (let step = 0; step < steps; step += 1) await this.#send((user) => this.#call(user, step));
  }

  async #send(make: (user: string) => Update): Promise<void> {
    const updates = [...this.acknowledged.keys()].map(make);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#post(updates).catch(() => undefined);
      if (answer !== undefined) {
        for (const [i, update] of updates.entries()) this.#take(update, answer.results[i]);
        return;
      }
      if (attempt === 0) this.repeated += 1;
      await until('the Worker answers', () =>
        fetch(`${this.#url}/healthz`)
          .then(({ ok }) => ok)
          .catch(() => false),
      );
    }
  }

  #take(update: Update, verdict: UpdateAnswer['results'][number] | undefined): void {
    if (verdict?.verdict !== 'accepted' && verdict?.verdict !== 'duplicate') {
      throw new Error(`${update.user} ${update.status} ${update.sequence}: ${JSON.stringify(verdict)}`);
    }
    if (verdict.verdict === 'duplicate') this.duplicates += 1;
    const known = this.acknowledged.get(update.user) as Acknowledged;
    known.version = verdict.version;
    known.callStatus = CALL_STATUS[update.status as keyof typeof CALL_STATUS];
    known.versions.set(update.sequence, verdict.version);
  }

  async #post(updates: readonly Update[]): Promise<UpdateAnswer | undefined> {
    const response = await fetch(`${this.#url}/v1/updates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ version: 1, site: this.#site, sentAt: Date.now(), updates }),
    });
    return response.ok ? ((await response.json()) as UpdateAnswer) : undefined;
  }

  #head(user: string) {
    const previous = this.#previous.get(user) ?? 0;
    this.#sequence += 1;
    this.#previous.set(user, this.#sequence);
    return { user, epoch: this.#epoch, sequence: this.#sequence, previous, at: Date.now() };
  }

  #online(user: string): OnlineUpdate {
    const terminal = { contact: `${user}:5060`, since: Date.now(), expires: null };
    return { ...this.#head(user), status: 'online', terminal };
  }

  #call(user: string, step: number): CallUpdate | IdleUpdate {
    const status = STEPS[step % STEPS.length] as (typeof STEPS)[number];
    const id = `${this.#site}-${Math.floor(step / STEPS.length)}`;
    if (status === 'idle') return { ...this.#head(user), status, call: id, reason: { cause: 'bye' } };
    const state = status === 'talking' ? 'confirmed' : status;
    const now = Date.now();
    const call = { id, callId: id, direction: 'outgoing', state, held: false, peer: { uri: 'sip:bob@example.com' } } as const;
    const times = { startedAt: now, answeredAt: state === 'early' ? null : now, deadline: now + 3_600_000 };
    return { ...this.#head(user), status, call: { ...call, media: [], session: 'voice', ...times } };
  }
}
