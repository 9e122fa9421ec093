import type { CallReport, TerminalReport, Update, UpdateHead } from '../../../worker/protocol/index.ts';

/** What an update says besides its place in the stream. */
export type Word = Update extends infer U ? (U extends Update ? Omit<U, keyof UpdateHead> : never) : never;

export const CONTACT = 'sip:alice@192.0.2.1';

/** The words that a site may say of a user, their times taken from `clock` unless told. */
export function words(clock: () => number) {
  const terminal = (contact = CONTACT, more: Partial<TerminalReport> = {}): TerminalReport => ({
    contact,
    address: '192.0.2.1:5060',
    type: 'phone',
    userAgent: 'Phone/1.0',
    since: clock(),
    expires: null,
    ...more,
  });
  const call = (id: string, state: CallReport['state'], more: Partial<CallReport> = {}): CallReport => ({
    id,
    callId: `${id}@192.0.2.1`,
    direction: 'incoming',
    state,
    held: false,
    peer: { uri: 'sip:bob@example.com', name: 'Bob' },
    media: [{ type: 'audio', codec: 'PCMA', direction: 'sendrecv' }],
    session: 'voice',
    startedAt: clock(),
    answeredAt: null,
    deadline: clock() + 4 * 3_600_000,
    ...more,
  });
  return {
    terminal,
    call,
    online: (contact?: string, more?: Partial<TerminalReport>): Word => ({ status: 'online', terminal: terminal(contact, more) }),
    offline: (contact = CONTACT): Word => ({ status: 'offline', contact, reason: 'unregistered' }),
    early: (id: string, more?: Partial<CallReport>): Word => ({ status: 'early', call: call(id, 'early', more) }),
    talking: (id: string, more?: Partial<CallReport>): Word => ({ status: 'talking', call: call(id, 'confirmed', more) }),
    terminating: (id: string): Word => ({ status: 'terminating', call: call(id, 'terminating'), reason: { cause: 'bye' } }),
    idle: (id: string): Word => ({ status: 'idle', call: id, reason: { cause: 'bye' } }),
    snapshot: (terminals: readonly TerminalReport[], calls: readonly CallReport[]): Word => ({
      status: 'snapshot',
      terminals,
      calls,
    }),
  };
}

/** The stream of updates of one site about one user, with the right (epoch, sequence, previous). */
export class Stream {
  readonly user: string;
  readonly epoch: number;
  readonly #clock: () => number;
  #previous = 0;

  constructor(user: string, clock: () => number, epoch = clock()) {
    this.user = user;
    this.epoch = epoch;
    this.#clock = clock;
  }

  /** The next update of the stream. */
  next(word: Word): Update {
    const sequence = this.#previous + 1;
    const update = {
      ...word,
      user: this.user,
      epoch: this.epoch,
      sequence,
      previous: this.#previous,
      at: this.#clock(),
    } as Update;
    this.#previous = sequence;
    return update;
  }
}
