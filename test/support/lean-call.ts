import { header, headers, methodOf, statusOf, uriIn } from './lean-message.ts';
import { type LeanPhones, token } from './lean-phones.ts';
import { SDP } from './sip-text.ts';

/** One side of a call (RFC 3261 12, 13, 15). */
export class LeanCall {
  readonly user: string;
  readonly callId: string;
  /** This side's tag: a request of this dialog has it in To. */
  readonly tag: string = token();
  state: 'early' | 'up' | 'over' = 'early';
  /** Caller: a 180 has come. */
  readonly rang: Promise<void>;
  /** Caller: the status of the final answer. Callee: 200, when the ACK for it has come. */
  readonly answered: Promise<number>;
  /** The other side has ended the call. */
  readonly ended: Promise<void>;
  readonly #phones: LeanPhones;
  readonly #rang = Promise.withResolvers<void>();
  readonly #answered = Promise.withResolvers<number>();
  readonly #ended = Promise.withResolvers<void>();
  /** The INVITE as it came in; '' at the caller. */
  readonly #invite: string;
  /** From, To and Call-ID of this side's requests. */
  #identity: string[] = [];
  #target = '';
  #routes: string[] = [];
  #cseq = 0;
  /** Caller: what CANCEL repeats of the INVITE. */
  #sent = { uri: '', branch: '' };
  /** Stops what is sent again. */
  #quiet: () => void = () => {};
  #vanished = false;

  constructor(phones: LeanPhones, user: string, callId: string, invite = '') {
    this.#phones = phones;
    this.user = user;
    this.callId = callId;
    this.#invite = invite;
    this.rang = this.#rang.promise;
    this.answered = this.#answered.promise;
    this.ended = this.#ended.promise;
    if (invite === '') return;
    // RFC 3261 12.1.1: the route set is that of the request, in order.
    this.#routes = headers(invite, 'Record-Route');
    this.#target = uriIn(header(invite, 'Contact'));
    this.#identify(`${header(invite, 'To')};tag=${this.tag}`, header(invite, 'From'));
  }

  /** Caller: sends the INVITE. */
  invite(aor: string): void {
    const from = `<${this.#phones.aor(this.user)}>;tag=${this.tag}`;
    this.#cseq = 1;
    this.#identify(from, `<${aor}>`);
    this.#sent = { uri: aor, branch: `z9hG4bK${token()}` };
    const lines = [...this.#identity, ...this.#contact()];
    void this.#phones.request(`INVITE ${aor}`, '1 INVITE', lines, {
      body: SDP,
      branch: this.#sent.branch,
      each: (answer) => this.#answer(answer),
    });
  }

  /** Caller: gives up while it rings (RFC 3261 9.1). Resolves with the status of the answer to the CANCEL. */
  async cancel(): Promise<number> {
    const { uri, branch } = this.#sent;
    return statusOf(await this.#phones.request(`CANCEL ${uri}`, '1 CANCEL', this.#identity, { branch }));
  }

  ring(): void {
    this.#phones.respond(this.#invite, 180, this.tag, this.#contact());
  }

  /** Callee: 200, again and again until its ACK comes (RFC 3261 13.3.1.4). Resolves then. */
  answer(): Promise<number> {
    this.state = 'up';
    const text = this.#phones.respond(this.#invite, 200, this.tag, this.#contact(), SDP);
    this.#quiet = this.#phones.repeat(text);
    return this.answered;
  }

  refuse(status = 486): void {
    this.state = 'over';
    this.#phones.respond(this.#invite, status, this.tag);
  }

  /** Ends the call; resolves with the status of the answer to the BYE. */
  async bye(): Promise<number> {
    this.state = 'over';
    const routes = this.#routes.map((route) => `Route: ${route}`);
    const answer = await this.#phones.request(`BYE ${this.#target}`, `${++this.#cseq} BYE`, [...this.#identity, ...routes]);
    return statusOf(answer);
  }

  /** This side is gone without a word, as a telephone that has lost its network: nothing is answered any more. */
  vanish(): void {
    this.#quiet();
    this.state = 'over';
    this.#vanished = true;
  }

  /** @internal A request of this dialog. */
  receive(request: string): void {
    if (this.#vanished) return;
    const method = methodOf(request);
    if (method === 'ACK') {
      this.#quiet();
      if (this.state === 'up') this.#answered.resolve(200);
      return;
    }
    this.#phones.respond(request, 200, this.tag);
    if (method === 'BYE') this.#over();
    if (method !== 'CANCEL' || this.state !== 'early') return;
    this.#phones.respond(this.#invite, 487, this.tag);
    this.#over();
  }

  #answer(answer: string): void {
    const status = statusOf(answer);
    const { uri, branch } = this.#sent;
    if (status === 180) this.#rang.resolve();
    if (status < 200) return;
    if (status >= 300) {
      this.state = 'over';
      this.#phones.acknowledge(
        uri,
        [this.#identity[0] as string, `To: ${header(answer, 'To')}`, ...this.#identity.slice(2)],
        branch,
      );
    } else {
      // RFC 3261 12.1.2: "taken in reverse order".
      this.#routes = headers(answer, 'Record-Route').reverse();
      this.#target = uriIn(header(answer, 'Contact'));
      this.#identify(`<${this.#phones.aor(this.user)}>;tag=${this.tag}`, header(answer, 'To'));
      this.#phones.acknowledge(this.#target, [...this.#identity, ...this.#routes.map((route) => `Route: ${route}`)]);
      if (this.state === 'early') this.state = 'up';
    }
    this.#answered.resolve(status);
  }

  #over(): void {
    this.state = 'over';
    this.#quiet();
    this.#ended.resolve();
  }

  #identify(from: string, to: string): void {
    this.#identity = [`From: ${from}`, `To: ${to}`, `Call-ID: ${this.callId}`];
  }

  #contact(): string[] {
    return [`Contact: ${this.#phones.contact(this.user)}`];
  }
}
