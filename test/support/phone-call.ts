import type { SipRequest, SipResponse } from 'sip';
import sip from 'sip';
import type { Phone } from './phone.ts';
import { contactOf, type Dialog, dialogOfCallee, dialogOfCaller, requestIn } from './phone-dialog.ts';
import { answerTo, type Direction, directionOf, sdp } from './phone-sdp.ts';

export type CallState = 'early' | 'confirmed' | 'ended';

/** How a call came to its end. `status` is the SIP status where a response ended it, 0 else. */
export interface CallEnd {
  readonly by: 'here' | 'peer' | 'rejected' | 'cancelled';
  readonly status: number;
}

/** RFC 3261 13.3.1.4: the callee repeats its 2xx from T1, doubling up to T2, until the ACK comes; ms. */
const T1 = 500;
const T2 = 4000;
/** 64*T1: then it gives up, ms. */
const ACK_WAIT = 32_000;

/** What both sides of a call have in common: the dialog, hold, the end. */
abstract class Call {
  readonly phone: Phone;
  readonly callId: string;
  readonly ended: Promise<CallEnd>;
  state: CallState = 'early';
  /** The direction of this side's media, as last told to the peer. */
  direction: Direction = 'sendrecv';
  /** Set by the owner to hear of an offer that the peer makes during the call. */
  onOffer: (direction: Direction) => void = () => {};
  protected dialog: Dialog | undefined;
  readonly #end: (end: CallEnd) => void;
  #description = 0;

  constructor(phone: Phone, callId: string) {
    this.phone = phone;
    this.callId = callId;
    const { promise, resolve } = Promise.withResolvers<CallEnd>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** RFC 3264 8.4: puts the peer on hold (`sendonly`) and resolves with the status of the answer. */
  hold(): Promise<number> {
    return this.#offer('sendonly');
  }

  resume(): Promise<number> {
    return this.#offer('sendrecv');
  }

  /** BYE in a confirmed dialog; resolves with the status of its answer (408 where none comes). The call ends at once on this side. */
  bye(): Promise<number> {
    const dialog = this.dialog;
    if (this.state !== 'confirmed' || !dialog) return Promise.resolve(0);
    this.finish({ by: 'here', status: 0 });
    return this.phone.transact(requestIn(dialog, 'BYE')).then((response) => response.status);
  }

  /** A request of this dialog from the peer. */
  receive(request: SipRequest): void {
    if (request.method === 'BYE') {
      this.phone.respond(request, 200, 'OK');
      this.finish({ by: 'peer', status: 0 });
    } else if (request.method === 'INVITE') {
      const offered = directionOf(request.content ?? '');
      const target = contactOf(request);
      // 12.2.2: a target refresh request replaces the remote target.
      if (this.dialog && target !== undefined) this.dialog.target = target;
      this.direction = answerTo(offered);
      this.phone.respond(request, 200, 'OK', this.body(this.direction));
      this.onOffer(offered);
    } else if (request.method !== 'ACK') {
      this.phone.respond(request, 501, 'Not Implemented');
    }
  }

  finish(end: CallEnd): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.phone.forget(this.callId);
    this.#end(end);
  }

  /** Contact, type and description of a message that carries an offer or an answer. */
  protected body(direction: Direction): { headers: Record<string, unknown>; content: string } {
    return {
      headers: { contact: [{ uri: this.phone.contact }], 'content-type': 'application/sdp' },
      content: sdp(this.phone.address, ++this.#description, direction),
    };
  }

  async #offer(direction: Direction): Promise<number> {
    const dialog = this.dialog;
    if (this.state !== 'confirmed' || !dialog) return 0;
    const { headers, content } = this.body(direction);
    const response = await this.phone.transact(requestIn(dialog, 'INVITE', headers, content));
    if (response.status < 300) {
      this.phone.send(requestIn(dialog, 'ACK'));
      this.direction = direction;
    }
    return response.status;
  }
}

/** RFC 3261 13.2: a call made by this phone. */
export class OutgoingCall extends Call {
  /** Resolves with true at the first 180 or 183, with false where the call is answered or ends without one. */
  readonly ringing: Promise<boolean>;
  /** Resolves with the status of the final response. */
  readonly answered: Promise<number>;
  readonly #invite: SipRequest;
  readonly #delayedOffer: boolean;
  readonly #ring: (rang: boolean) => void;
  readonly #answer: (status: number) => void;

  constructor(phone: Phone, invite: SipRequest, delayedOffer: boolean) {
    super(phone, invite.headers['call-id']);
    this.#invite = invite;
    this.#delayedOffer = delayedOffer;
    const ringing = Promise.withResolvers<boolean>();
    const answered = Promise.withResolvers<number>();
    this.ringing = ringing.promise;
    this.answered = answered.promise;
    this.#ring = ringing.resolve;
    this.#answer = answered.resolve;
    if (delayedOffer) invite.headers.contact = [{ uri: phone.contact }];
    else {
      const { headers, content } = this.body('sendrecv');
      Object.assign(invite.headers, headers);
      invite.content = content;
    }
    phone.send(invite, (response) => this.#respond(response));
  }

  /** RFC 3261 9.1: CANCEL, where the call is not answered yet. */
  cancel(): void {
    if (this.state !== 'early') return;
    const { to, from, via, cseq, route } = this.#invite.headers;
    this.phone.send({
      method: 'CANCEL',
      uri: this.#invite.uri,
      // 9.1: "a single Via header field value matching the top Via value in the request being cancelled"; and its Route.
      headers: {
        to,
        from,
        'call-id': this.callId,
        cseq: { seq: cseq.seq, method: 'CANCEL' },
        'max-forwards': 70,
        ...(via && { via: via.slice(0, 1) }),
        ...(route && { route: [...route] }),
      },
    });
  }

  #respond(response: SipResponse): void {
    if (response.status > 100 && response.status < 200) this.#ring(true);
    if (response.status < 200) return;
    this.#ring(false);
    this.#answer(response.status);
    if (response.status >= 300) {
      this.finish({ by: response.status === 487 ? 'cancelled' : 'rejected', status: response.status });
      return;
    }
    // 13.2.2.4: every 2xx is acknowledged, a repeated one again; in a delayed offer the ACK bears the answer.
    const dialog = this.state === 'early' || !this.dialog ? dialogOfCaller(this.#invite, response) : this.dialog;
    if (this.state === 'early') {
      this.dialog = dialog;
      this.state = 'confirmed';
    }
    const answer = this.#delayedOffer ? this.body(answerTo(directionOf(response.content ?? ''))) : { headers: {}, content: '' };
    const ack = requestIn(dialog, 'ACK', answer.headers, answer.content);
    ack.headers.cseq = { seq: this.#invite.headers.cseq.seq, method: 'ACK' };
    this.phone.send(ack);
  }
}

/** RFC 3261 13.3: a call that came to this phone. */
export class IncomingCall extends Call {
  /** The caller's URI. */
  readonly from: string;
  readonly #invite: SipRequest;
  #repeat: NodeJS.Timeout | undefined;

  constructor(phone: Phone, invite: SipRequest, tag: string) {
    super(phone, invite.headers['call-id']);
    this.#invite = invite;
    this.from = typeof invite.headers.from.uri === 'string' ? invite.headers.from.uri : '';
    this.dialog = dialogOfCallee(invite, tag);
  }

  ring(): void {
    if (this.state === 'early') this.#send(180, 'Ringing', { headers: { contact: [{ uri: this.phone.contact }] } });
  }

  /** 200 with the answer, or with the offer where the INVITE bore none. */
  answer(): void {
    if (this.state !== 'early') return;
    this.state = 'confirmed';
    const offered = this.#invite.content;
    this.direction = offered ? answerTo(directionOf(offered)) : 'sendrecv';
    const body = this.body(this.direction);
    const send = (after: number, elapsed: number) => {
      this.#send(200, 'OK', body);
      if (elapsed < ACK_WAIT) this.#repeat = setTimeout(() => send(Math.min(after * 2, T2), elapsed + after), after);
    };
    send(T1, 0);
  }

  reject(status = 486, reason = 'Busy Here'): void {
    if (this.state !== 'early') return;
    this.#send(status, reason, {});
    this.finish({ by: 'rejected', status });
  }

  override receive(request: SipRequest): void {
    if (request.method === 'ACK') clearTimeout(this.#repeat);
    else if (request.method === 'CANCEL') {
      this.phone.respond(request, 200, 'OK');
      if (this.state !== 'early') return;
      this.#send(487, 'Request Terminated', {});
      this.finish({ by: 'cancelled', status: 487 });
      return;
    }
    super.receive(request);
  }

  override finish(end: CallEnd): void {
    clearTimeout(this.#repeat);
    super.finish(end);
  }

  #send(status: number, reason: string, extension: { headers?: Record<string, unknown>; content?: string }): void {
    const recordRoute = this.#invite.headers['record-route'];
    const response = sip.makeResponse(this.#invite, status, reason, {
      ...extension,
      // 12.1.1: "the UAS MUST copy all Record-Route header field values from the request into the response".
      headers: { ...extension.headers, ...(recordRoute && { 'record-route': recordRoute }) },
    });
    if (this.dialog) response.headers.to = this.dialog.local;
    this.phone.reply(response);
  }
}

export type AnyCall = OutgoingCall | IncomingCall;
