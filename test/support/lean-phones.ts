import { randomBytes } from 'node:crypto';
import { AgedMap } from './aged-map.ts';
import { LeanCall } from './lean-call.ts';
import { answer, header, message, methodOf, statusOf, tagOf, transactionOf, userOf } from './lean-message.ts';
import { tcpWire, udpWire, type Wire } from './lean-wire.ts';
import type { Address } from './product.ts';

/** RFC 3261 17: first and longest pause between retransmissions over UDP, ms. */
const T1 = 500;
const T2 = 4000;

export interface LeanSettings {
  readonly shim: Address;
  readonly domain: string;
  readonly transport?: 'UDP' | 'TCP';
  /** The address that they send from; 127.0.0.1 where none is given. */
  readonly host?: string;
  /** What is not answered is sent again for so long, ms (64*T1 by RFC 3261 17); until the end where it is not given, as a shim may be down for long. */
  readonly giveUp?: number;
}

interface RequestOptions {
  readonly body?: string;
  readonly branch?: string;
  /** Told every answer, copies too. */
  readonly each?: (answer: string) => void;
}

/** Any number of plain telephones behind one socket: register, call, ring, answer, hang up, and send again what is not answered. */
export class LeanPhones {
  /** Called with every call that comes in; by default it rings. */
  onCall: (call: LeanCall) => void = (call) => call.ring();
  /** Called with everything that comes in. */
  onText: (text: string) => void = () => {};
  readonly #settings: LeanSettings;
  readonly #wire: Wire;
  /** By Call-ID and this side's tag. */
  readonly #calls = new AgedMap<string, LeanCall>();
  /** Calls that came in, by the branch of the INVITE: for copies of it and for CANCEL. */
  readonly #invites = new AgedMap<string, LeanCall>();
  /** Who waits for answers, by transaction. */
  readonly #asked = new AgedMap<string, (text: string) => void>();
  /** The last answer to each request, for copies of the request. */
  readonly #given = new AgedMap<string, string>();
  readonly #registrations = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Call-IDs of calls that they know nothing of any more. */
  readonly #forgotten = new Set<string>();
  #silent = false;

  static async open(settings: LeanSettings): Promise<LeanPhones> {
    let phones: LeanPhones | undefined;
    const wire = await (settings.transport === 'TCP' ? tcpWire : udpWire)(
      settings.shim,
      (text) => phones?.receive(text),
      settings.host,
    );
    phones = new LeanPhones(settings, wire);
    return phones;
  }

  private constructor(settings: LeanSettings, wire: Wire) {
    this.#settings = settings;
    this.#wire = wire;
  }

  get local(): Address {
    return this.#wire.local;
  }

  aor(user: string): string {
    return `sip:${user}@${this.#settings.domain}`;
  }

  /** The Contact value of a user. */
  contact(user: string): string {
    const { transport, local } = this.#wire;
    return `<sip:${user}@${local.address}:${local.port}${transport === 'TCP' ? ';transport=tcp' : ''}>`;
  }

  /** `expires` in seconds. Resolves with the status of the answer. */
  async register(user: string, expires = 3600): Promise<number> {
    const number = (this.#registrations.get(user) ?? 0) + 1;
    this.#registrations.set(user, number);
    const answer = await this.request(`REGISTER sip:${this.#settings.domain}`, `${number} REGISTER`, [
      `From: <${this.aor(user)}>;tag=r`,
      `To: <${this.aor(user)}>`,
      `Call-ID: register-${user}-${this.local.port}`,
      `Contact: ${this.contact(user)}`,
      `Expires: ${expires}`,
    ]);
    return statusOf(answer);
  }

  /** `from`, one of these phones, calls a user of the domain. */
  call(from: string, to: string): LeanCall {
    const call = new LeanCall(this, from, token());
    this.#calls.set(`${call.callId} ${call.tag}`, call);
    call.invite(this.aor(to));
    return call;
  }

  /** Resolves when the shim has answered, and so has taken everything that went this way before. */
  async alive(): Promise<void> {
    const { domain } = this.#settings;
    const id = token();
    const lines = [`From: <sip:alive@${domain}>;tag=${id}`, `To: <sip:${domain}>`, `Call-ID: ${id}`];
    await this.request(`OPTIONS sip:${domain}`, '1 OPTIONS', lines);
  }

  /** Sends what is no message of these phones. */
  raw(text: string): void {
    this.#wire.send(text);
  }

  /** The phones of that call have ended it, and what they said of it was lost: whatever comes within it is answered 481. */
  forget(callId: string): void {
    this.#forgotten.add(callId);
  }

  /** As behind a power cut: nothing is heard or said any more, and no port is seen to be closed. */
  vanish(): void {
    this.#silent = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Calls and transactions that nothing was heard of since it was last called are known no more: for a load that goes on for long. */
  age(): void {
    for (const map of [this.#calls, this.#invites, this.#asked, this.#given]) map.age();
  }

  /** Ends every phone without a word. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#wire.close();
  }

  /**
   * @internal Sends a request, over UDP again and again until it is answered (an INVITE: by whatever answer), and resolves with its
   * final answer.
   */
  request(start: string, cseq: string, lines: readonly string[], options: RequestOptions = {}): Promise<string> {
    const { body, branch = `z9hG4bK${token()}`, each } = options;
    const text = message(`${start} SIP/2.0`, [this.#via(branch), 'Max-Forwards: 70', `CSeq: ${cseq}`, ...lines], body);
    const { promise, resolve } = Promise.withResolvers<string>();
    const quiet = this.repeat(text);
    this.#asked.set(transactionOf(text), (answer) => {
      if (statusOf(answer) >= 200 || cseq.endsWith('INVITE')) quiet();
      each?.(answer);
      if (statusOf(answer) >= 200) resolve(answer);
    });
    return promise;
  }

  /** @internal Over UDP sends it again and again until stopped. */
  repeat(text: string): () => void {
    this.#wire.send(text);
    if (this.#wire.transport === 'TCP') return () => {};
    let timer: NodeJS.Timeout;
    const { giveUp = Number.POSITIVE_INFINITY } = this.#settings;
    const arm = (after: number, since = 0) => {
      timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (since + after >= giveUp) return;
        this.#wire.send(text);
        arm(Math.min(2 * after, T2), since + after);
      }, after);
      this.#timers.add(timer);
    };
    arm(T1);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  /** @internal An ACK: to a refusal in the transaction of its INVITE, else in one of its own. */
  acknowledge(uri: string, lines: readonly string[], branch = `z9hG4bK${token()}`): void {
    this.#wire.send(message(`ACK ${uri} SIP/2.0`, [this.#via(branch), 'Max-Forwards: 70', 'CSeq: 1 ACK', ...lines]));
  }

  /** @internal Answers a request, and every copy of it that comes later. */
  respond(request: string, status: number, tag: string, lines: readonly string[] = [], body = ''): string {
    const text = answer(request, status, tag, lines, body);
    this.#given.set(transactionOf(request), text);
    this.#wire.send(text);
    return text;
  }

  /** @internal */
  receive(text: string): void {
    if (this.#silent) return;
    this.onText(text);
    const transaction = transactionOf(text);
    if (statusOf(text) > 0) {
      this.#asked.get(transaction)?.(text);
      return;
    }
    const given = this.#given.get(transaction);
    if (given !== undefined) {
      this.#wire.send(given);
      return;
    }
    const method = methodOf(text);
    if (this.#forgotten.has(header(text, 'Call-ID'))) {
      if (method !== 'ACK') this.respond(text, 481, token());
      return;
    }
    const [branch] = transaction.split(' ') as [string];
    const call = this.#calls.get(`${header(text, 'Call-ID')} ${tagOf(header(text, 'To'))}`) ?? this.#invites.get(branch);
    if (call !== undefined) {
      // A copy of an INVITE that is not yet answered changes nothing.
      if (method !== 'INVITE') call.receive(text);
    } else if (method === 'INVITE' && tagOf(header(text, 'To')) === '') this.#incoming(text, branch);
    else if (method === 'OPTIONS') this.respond(text, 200, token());
    else if (method !== 'ACK') this.respond(text, 481, token());
  }

  #incoming(invite: string, branch: string): void {
    const call = new LeanCall(this, userOf(invite), header(invite, 'Call-ID'), invite);
    this.#calls.set(`${call.callId} ${call.tag}`, call);
    this.#invites.set(branch, call);
    this.onCall(call);
  }

  #via(branch: string): string {
    const { transport, local } = this.#wire;
    return `Via: SIP/2.0/${transport} ${local.address}:${local.port};branch=${branch}`;
  }
}

export const token = (): string => randomBytes(8).toString('hex');
