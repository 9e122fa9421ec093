import { Deadlines } from '../../shim/core/deadlines.ts';
import {
  body,
  contacts,
  cseq,
  DEFAULT_MESSAGE_LIMITS,
  from,
  type HeaderField,
  header,
  headers,
  type Message,
  recordRoutes,
  request,
  respond,
  scan,
  to,
} from '../../shim/core/sip/index.ts';
import { parseUri } from '../../shim/core/sip/uri.ts';
import { TransactionTable } from '../../shim/core/transaction/table.ts';
import { type Action, DEFAULT_TRANSACTION_SETTINGS } from '../../shim/core/transaction/types.ts';
import type { Address, Flow, Target } from '../../shim/core/transport.ts';
import { SDP } from './sip-text.ts';
import { type Asked, type CallEnd, end, FRESH, HELD_SDP, type PhoneCall, peerOf, type Within } from './virtual-call.ts';
import type { VirtualParty } from './virtual-network.ts';

export type { PhoneCall } from './virtual-call.ts';

export interface PhoneSettings {
  readonly user: string;
  readonly domain: string;
  readonly address: Address;
  /** Its outbound proxy and registrar. */
  readonly shim: Address;
  /** Seconds asked for at each registration; it is refreshed at half of that. */
  readonly expires: number;
  /** Rings for so long before it answers, ms; 'busy' answers 486, 'rejects' 603 after having rung, 'never' rings on. */
  readonly answers: number | 'busy' | 'rejects' | 'never';
  /** Offers in the 2xx, so that the answer travels in the ACK. */
  readonly delayedOffer: boolean;
  /** Rings reliably (RFC 3262). */
  readonly reliable?: boolean;
  /** Seconds of the session timer that it asks for (RFC 4028), refreshed at half of them. */
  readonly session?: number;
}

/** A phone on the virtual network, on the transaction layer of the product: registers, calls, answers, hangs up. */
export class VirtualPhone implements VirtualParty {
  readonly calls: PhoneCall[] = [];
  readonly settings: PhoneSettings;
  readonly #table = new TransactionTable({ ...DEFAULT_TRANSACTION_SETTINGS, max: 1000 });
  readonly #timers = new Deadlines<() => Action[]>();
  readonly #requests = new Map<string, Asked>();
  /** Calls whose reliable ringing has been acknowledged. */
  readonly #acked = new Set<PhoneCall>();
  #count = 0;
  #registered = false;

  constructor(settings: PhoneSettings) {
    this.settings = settings;
  }

  get aor(): string {
    return `sip:${this.settings.user}@${this.settings.domain}`;
  }

  /** The user, and the place of this phone of his. */
  get #name(): string {
    return `${this.settings.user}${this.settings.address.address.slice(this.settings.address.address.lastIndexOf('.'))}`;
  }

  /** Transactions not yet forgotten. */
  get busy(): number {
    return this.#table.size;
  }

  register(now: number): Action[] {
    this.#registered = true;
    return this.#register(this.settings.expires, now);
  }

  /** Stops refreshing: as if it had dropped out of range. */
  forgetRegistration(): void {
    this.#registered = false;
  }

  /** Calls that address of record; talks for `talk` ms and hangs up where the callee has not. */
  call(aor: string, now: number, options: { talk: number; patience: number; replaces?: string }): Action[] {
    const id = `${this.#name}-${++this.#count}`;
    const branch = `z9hG4bK${id}`;
    const { delayedOffer } = this.settings;
    const { replaces } = options;
    const local = `<${this.aor}>;tag=t${id}`;
    const text = request({
      ...{ method: 'INVITE', uri: aor, via: this.#via(branch), from: local, to: `<${aor}>`, callId: id, cseq: 1 },
      headers: [
        ['Contact', this.#contact()],
        ...this.#timed(),
        ...(replaces === undefined ? [] : [['Replaces', replaces] as const]),
      ],
      ...(delayedOffer ? {} : { body: { type: 'application/sdp', content: SDP } }),
    });
    const sent = this.#table.send({ text, method: 'INVITE', branch }, this.#target(), now);
    if (!sent.ok) throw new Error('branch in use');
    const call: PhoneCall = {
      ...{ callId: id, local, remote: `<${aor}>`, invite: undefined, transaction: sent.id, state: 'early' },
      ...{ target: aor, routes: [], cseq: 1, ...FRESH },
    };
    this.calls.push(call);
    this.#requests.set(sent.id, { method: 'INVITE', call });
    this.#timers.set(() => this.#giveUp(call, now + options.patience), now + options.patience);
    this.#endAt(call, now + options.talk);
    return [...sent.actions];
  }

  hangUp(call: PhoneCall, now: number): Action[] {
    if (call.state !== 'up') return [];
    end(call, 'hung-up');
    return this.#within('BYE', call, now);
  }

  /** A new offer: hold, resume, or the same again. Nothing while one is under way (RFC 3261 14.1). */
  offer(call: PhoneCall, held: boolean, now: number): Action[] {
    if (call.state !== 'up' || call.changing !== undefined || call.answer !== '') return [];
    return this.#within('INVITE', call, now, { body: held ? HELD_SDP : SDP, held });
  }

  /** RFC 4028 7.1: refreshes the session without an offer. */
  refresh(call: PhoneCall, now: number): Action[] {
    return call.state === 'up' ? this.#within('UPDATE', call, now, { headers: this.#timed() }) : [];
  }

  /** RFC 3515, 3891: asks the other side to call `target`; where `replaced` is given, in the place of that call of this phone. */
  transfer(call: PhoneCall, target: string, now: number, replaced?: PhoneCall): Action[] {
    if (call.state !== 'up') return [];
    const tag = (value: string) => /;tag=([^;]+)/.exec(value)?.[1] ?? '';
    const id = replaced && `${replaced.callId};to-tag=${tag(replaced.remote)};from-tag=${tag(replaced.local)}`;
    const uri = id === undefined ? target : `${target}?Replaces=${encodeURIComponent(id)}`;
    return this.#within('REFER', call, now, { headers: [['Refer-To', `<${uri}>`]] });
  }

  receive(text: string, flow: Flow, now: number): readonly Action[] {
    const scanned = scan(text, DEFAULT_MESSAGE_LIMITS, flow.transport === 'udp' ? 'datagram' : 'stream');
    if (!scanned.ok) throw new Error(`a phone got ${scanned.reason}: ${text}`);
    const m = scanned.message;
    if (m.status > 0) {
      const result = this.#table.response(m, now);
      return [...result.actions, ...(result.kind === 'deliver' ? this.#answered(m, result.id, now) : [])];
    }
    const result = this.#table.request(m, flow, now);
    if (result.kind === 'ack') {
      this.#acknowledged(m);
      return result.actions;
    }
    return [...result.actions, ...(result.kind === 'new' ? this.#asked(m, result.id, now) : [])];
  }

  expire(now: number): readonly Action[] {
    const { actions, events } = this.#table.expire(now);
    const out = [...actions];
    for (const event of events) {
      const known = this.#requests.get(event.id);
      if (event.type !== 'terminated' && event.side === 'client' && known?.call) out.push(...this.#failed(known, 408, now));
      if (event.type === 'terminated') this.#requests.delete(event.id);
    }
    for (const fire of this.#timers.expired(now)) out.push(...fire());
    return out;
  }

  nextDeadline(): number | undefined {
    return Math.min(this.#table.nextDeadline() ?? Infinity, this.#timers.next() ?? Infinity);
  }

  #register(expires: number, now: number): Action[] {
    if (!this.#registered) return [];
    const id = `r${++this.#count}`;
    const branch = `z9hG4bK${this.#name}${id}`;
    const text = request({
      ...{
        method: 'REGISTER',
        uri: `sip:${this.settings.domain}`,
        via: this.#via(branch),
        from: `<${this.aor}>;tag=r`,
        to: `<${this.aor}>`,
      },
      ...{ callId: `reg-${this.#name}`, cseq: this.#count },
      headers: [
        ['Contact', this.#contact()],
        ['Expires', expires],
      ],
    });
    const sent = this.#table.send({ text, method: 'REGISTER', branch }, this.#target(), now);
    const again = now + expires * 500;
    this.#timers.set(() => this.#register(expires, again), again);
    return [...sent.actions];
  }

  /** A request came in. */
  #asked(m: Message, id: string, now: number): Action[] {
    const reply = (status: number, tag?: string) => [
      ...this.#table.respond(id, status, respond(m, status, '', tag === undefined ? {} : { toTag: tag }), now),
    ];
    if (m.method === 'CANCEL') {
      const invite = this.#table.matchCancel(m);
      const call = this.calls.find((c) => c.transaction === invite && c.state === 'early');
      const ended = call?.invite && this.#refuse(call, call.invite, 487, now, 'cancelled');
      return [...reply(invite === undefined ? 481 : 200, 'c'), ...(ended ?? [])];
    }
    if (m.method === 'BYE') {
      const call = this.#of(m)[0];
      if (call) end(call, 'hung-up-there');
      return reply(call ? 200 : 481, 'x');
    }
    if (to(m)?.tag !== undefined) {
      const call = this.#of(m)[0];
      if (call === undefined || call.state === 'over') return reply(481);
      return m.method === 'INVITE' ? this.#offered(call, m, id, now) : this.#askedWithin(call, m, id, now);
    }
    if (m.method !== 'INVITE') return reply(405, 'x');
    return this.#ring(m, id, now);
  }

  #ring(m: Message, id: string, now: number): Action[] {
    const { answers } = this.settings;
    const tag = `t${this.#name}x${++this.#count}`;
    const peer = contacts(m);
    const call: PhoneCall = {
      ...{ callId: header(m, 'call-id') as string, local: `${header(m, 'to')};tag=${tag}`, remote: header(m, 'from') as string },
      ...{ invite: m, transaction: id, state: 'early', cseq: 0, ...FRESH },
      target: (peer.ok && peer.contacts[0]?.uri) || '',
      routes: (recordRoutes(m) ?? []).map((r) => `<${r.uri}>`),
    };
    this.calls.push(call);
    if (answers === 'busy') return this.#refuse(call, m, 486, now);
    const replaced = this.#replacedBy(m);
    if (replaced !== undefined) return [...this.#pickUp(call, m, now), ...this.hangUp(replaced, now)];
    const ringing = this.settings.reliable ? this.#ringReliably(call, m, now, 500) : this.#provisional(call, m, now);
    if (answers === 'rejects')
      this.#timers.set(() => (call.state === 'early' ? this.#refuse(call, m, 603, now + 1000) : []), now + 1000);
    else if (answers !== 'never') this.#timers.set(() => this.#pickUp(call, m, now + answers), now + answers);
    return ringing;
  }

  #provisional(call: PhoneCall, m: Message, now: number, more: readonly HeaderField[] = []): Action[] {
    return [...this.#table.respond(call.transaction, 180, this.#response(m, 180, call, more), now)];
  }

  /** RFC 3262 3: the response "is passed to the transport layer periodically with an interval that starts at T1 seconds and doubles". */
  #ringReliably(call: PhoneCall, m: Message, now: number, pause: number): Action[] {
    if (call.state !== 'early' || this.#acked.has(call) || pause > 32_000) return [];
    this.#timers.set(() => this.#ringReliably(call, m, now + pause, pause * 2), now + pause);
    return this.#provisional(call, m, now, [
      ['Require', '100rel'],
      ['RSeq', 1],
    ]);
  }

  /** RFC 3891 3: the call that an INVITE is to take the place of. */
  #replacedBy(m: Message): PhoneCall | undefined {
    const [id, ...tags] = (header(m, 'replaces') ?? '').split(';');
    const own = tags.find((tag) => tag.startsWith('to-tag='))?.slice(7);
    return this.calls.find((c) => c.callId === id && c.state === 'up' && c.local.endsWith(`;tag=${own}`));
  }

  /** RFC 3261 14.2: a new offer within a call. */
  #offered(call: PhoneCall, m: Message, id: string, now: number): Action[] {
    // "A UAS that receives an INVITE on a dialog while an INVITE it had sent on that dialog is in progress MUST return a 491".
    if (call.changing !== undefined) return [...this.#table.respond(id, 491, respond(m, 491, ''), now)];
    if (call.state !== 'up')
      return [...this.#table.respond(id, 500, respond(m, 500, '', { headers: [['Retry-After', 3]] }), now)];
    const offered = /a=(sendonly|recvonly|inactive)/.exec(body(m))?.[1];
    if (m.bodyStart < m.text.length) call.held = offered !== undefined;
    return this.#accept(call, m, id, now, offered === undefined ? SDP : SDP.replace('m=audio', 'a=recvonly\r\nm=audio'));
  }

  #askedWithin(call: PhoneCall, m: Message, id: string, now: number): Action[] {
    const status = m.method === 'REFER' ? 202 : 200;
    const actions = [
      ...this.#table.respond(id, status, respond(m, status, '', { headers: [['Contact', this.#contact()]] }), now),
    ];
    if (m.method === 'PRACK') this.#acked.add(call);
    if (m.method === 'NOTIFY') return [...actions, ...this.hangUp(call, now)];
    if (m.method !== 'REFER') return actions;
    const [target = '', query = ''] = (/<([^>]*)>/.exec(header(m, 'refer-to') ?? '')?.[1] ?? '').split('?Replaces=');
    const replaces = query === '' ? {} : { replaces: decodeURIComponent(query) };
    actions.push(...this.call(target, now, { talk: 20_000, patience: 30_000, ...replaces }));
    // RFC 3515 2.4.4; that the call is under way is enough for whoever sent it off.
    const headers: HeaderField[] = [
      ['Event', 'refer'],
      ['Subscription-State', 'terminated;reason=noresource'],
    ];
    return [...actions, ...this.#within('NOTIFY', call, now, { headers })];
  }

  #pickUp(call: PhoneCall, m: Message, now: number): Action[] {
    if (call.state !== 'early') return [];
    call.state = 'up';
    return this.#accept(call, m, call.transaction, now, SDP);
  }

  /** A 2xx to an INVITE, sent again until its ACK comes. */
  #accept(call: PhoneCall, m: Message, id: string, now: number, sdp: string): Action[] {
    const answer = this.#response(m, 200, call, this.#timed(), sdp);
    call.answer = answer;
    call.answered = { id, cseq: cseq(m).number };
    call.repeat = 500;
    this.#timers.set(() => this.#repeat(call, answer, now + 500, now + 32_000), now + 500);
    return [...this.#table.respond(id, 200, answer, now)];
  }

  /** RFC 3261 13.3.1.4: the 2xx is repeated until its ACK; where none comes in 64*T1, the callee ends the call by a BYE. */
  #repeat(call: PhoneCall, answer: string, now: number, until: number): Action[] {
    if (call.answer !== answer || call.state !== 'up') return [];
    if (now >= until) {
      end(call, 'no-ack');
      return this.#within('BYE', call, now);
    }
    call.repeat = Math.min(call.repeat * 2, 4000);
    const next = now + call.repeat;
    this.#timers.set(() => this.#repeat(call, answer, next, until), next);
    return [...this.#table.respond(call.answered.id, 200, answer, now)];
  }

  #acknowledged(m: Message): void {
    for (const call of this.#of(m)) if (call.answered.cseq === cseq(m).number) call.answer = '';
  }

  #refuse(call: PhoneCall, m: Message, status: number, now: number, how: CallEnd = `refused ${status}`): Action[] {
    end(call, how);
    return [...this.#table.respond(call.transaction, status, this.#response(m, status, call), now)];
  }

  #response(m: Message, status: number, call: PhoneCall, more: readonly HeaderField[] = [], sdp = SDP): string {
    const tag = /;tag=([^;]+)/.exec(call.local)?.[1] as string;
    return respond(m, status, '', {
      toTag: tag,
      headers: [
        ['Contact', this.#contact()],
        ...headers(m, 'record-route').map((value): [string, string] => ['Record-Route', value]),
        ...more,
      ],
      ...(status === 200 ? { body: { type: 'application/sdp', content: sdp } } : {}),
    });
  }

  /** A response came to a request of this phone. */
  #answered(m: Message, id: string, now: number): Action[] {
    const known = this.#requests.get(id);
    if (known?.call === undefined || m.status < 101) return [];
    const { call } = known;
    if (known.method !== 'INVITE') return m.status >= 300 ? this.#failed(known, m.status, now) : [];
    if (known.held !== undefined) return this.#changed({ call, held: known.held }, m, now);
    if (m.status < 200) return this.#rings(call, m, now);
    if (m.status >= 300) {
      if (call.state === 'early') end(call, m.status === 487 && call.cancelled ? 'cancelled' : `refused ${m.status}`);
      return [];
    }
    const tag = to(m)?.tag;
    const own = call.state === 'early' || call.remote.endsWith(`;tag=${tag}`);
    return own ? this.#answeredBy(call, m, now) : this.#answeredToo(call, m, now);
  }

  /** RFC 3262 4: a reliable provisional response is acknowledged within the dialog that it makes. */
  #rings(call: PhoneCall, m: Message, now: number): Action[] {
    if (header(m, 'rseq') === undefined || call.state !== 'early' || to(m)?.tag === undefined) return [];
    const early: PhoneCall = { ...call, ...peerOf(m), cseq: call.cseq++ };
    return this.#within('PRACK', early, now, { headers: [['RAck', `${header(m, 'rseq')} ${cseq(m).number} INVITE`]] });
  }

  #answeredBy(call: PhoneCall, m: Message, now: number): Action[] {
    Object.assign(call, peerOf(m));
    const ack = this.#within('ACK', call, now, { cseq: cseq(m).number });
    // The 200 crossed the CANCEL: the call is ended at once (RFC 3261 9.1).
    if (call.cancelled && call.state === 'early') {
      call.state = 'up';
      return [...ack, ...this.hangUp(call, now)];
    }
    if (call.state === 'early') {
      call.state = 'up';
      if (this.settings.session !== undefined) this.#refreshAt(call, now + this.settings.session * 500);
    }
    return ack;
  }

  /** RFC 3261 13.2.2.4: a second phone answered the same INVITE. Its call is acknowledged each time, and ended. */
  #answeredToo(call: PhoneCall, m: Message, now: number): Action[] {
    const known = this.calls.find((c) => c.callId === call.callId && c.remote.endsWith(`;tag=${to(m)?.tag}`));
    const other: PhoneCall = known ?? { ...call, ...FRESH, ...peerOf(m), state: 'up' };
    const ack = this.#within('ACK', other, now, { cseq: cseq(m).number });
    if (known) return ack;
    this.calls.push(other);
    return [...ack, ...this.hangUp(other, now)];
  }

  /** An answer came to a new offer of this side. */
  #changed({ call, held }: { call: PhoneCall; held: boolean }, m: Message, now: number): Action[] {
    if (m.status < 200) return [];
    if (m.status >= 300) return this.#failed({ method: 'INVITE', call, held }, m.status, now);
    if (call.changing !== undefined) call.held = held;
    call.changing = undefined;
    return this.#within('ACK', call, now, { cseq: cseq(m).number });
  }

  /** A request of this side came to nothing. RFC 3261 12.2.1.2: on 481, 408 and silence "the UAC SHOULD terminate the dialog". */
  #failed({ method, call, held }: Asked, status: number, now: number): Action[] {
    if (call === undefined) return [];
    if (held !== undefined) call.changing = undefined;
    // RFC 3261 14.1: after a 491 the one who made the Call-ID waits from 2.1 s on, the other less.
    if (status === 491 && held !== undefined) {
      const again = now + (call.invite === undefined ? 2500 : 700);
      this.#timers.set(() => this.offer(call, held, again), again);
      return [];
    }
    if (method === 'INVITE' && held === undefined && call.state === 'early') end(call, call.cancelled ? 'cancelled' : 'lost');
    if ((status !== 408 && status !== 481) || call.state !== 'up' || method === 'PRACK' || method === 'BYE') return [];
    end(call, status === 408 ? 'lost' : 'gone');
    return this.#within('BYE', call, now);
  }

  #refreshAt(call: PhoneCall, at: number): void {
    this.#timers.set(() => {
      if (call.state === 'up') this.#refreshAt(call, at + (this.settings.session ?? 0) * 500);
      return this.refresh(call, at);
    }, at);
  }

  #giveUp(call: PhoneCall, now: number): Action[] {
    if (call.state !== 'early') return [];
    call.cancelled = true;
    return [...this.#table.cancel(call.transaction, now)];
  }

  /** Hangs up at that time, or as soon as the call is up after it. */
  #endAt(call: PhoneCall, at: number): void {
    this.#timers.set(() => {
      if (call.state === 'early') this.#endAt(call, at + 1000);
      return this.hangUp(call, at);
    }, at);
  }

  /** A request within the dialog. */
  #within(method: string, call: PhoneCall, now: number, more: Within = {}): Action[] {
    const branch = `z9hG4bK${this.#name}w${++this.#count}`;
    if (method !== 'ACK') call.cseq = Math.max(1, call.cseq) + 1;
    const first = method === 'ACK' && more.cseq === 1 && call.invite === undefined;
    const content = more.body ?? (this.settings.delayedOffer && first ? SDP : undefined);
    const text = request({
      ...{ method, uri: call.target, via: this.#via(branch), from: call.local, to: call.remote, callId: call.callId },
      ...{ cseq: more.cseq ?? call.cseq, routes: call.routes },
      headers: [
        ...(method === 'ACK' || method === 'BYE' ? [] : [['Contact', this.#contact()] as const]),
        ...(more.headers ?? []),
      ],
      ...(content === undefined ? {} : { body: { type: 'application/sdp', content } }),
    });
    const hop = parseUri((call.routes[0] ?? `<${call.target}>`).slice(1, -1));
    const target: Target = { transport: 'udp', host: hop?.host ?? '', port: hop?.port ?? 5060 };
    if (method === 'ACK') return [{ type: 'send', text, target, id: '' }];
    const sent = this.#table.send({ text, method, branch }, target, now);
    if (!sent.ok) return [];
    this.#requests.set(sent.id, { method, call, ...(more.held === undefined ? {} : { held: more.held }) });
    if (more.held !== undefined) call.changing = sent.id;
    return [...sent.actions];
  }

  /** The calls that an in-dialog request belongs to. */
  #of(m: Message): PhoneCall[] {
    const tag = to(m)?.tag;
    const other = from(m)?.tag;
    return this.calls.filter(
      (c) => c.callId === header(m, 'call-id') && c.local.endsWith(`;tag=${tag}`) && c.remote.endsWith(`;tag=${other}`),
    );
  }

  #timed(): HeaderField[] {
    const { session } = this.settings;
    if (session === undefined) return [];
    return [
      ['Supported', 'timer'],
      ['Session-Expires', `${session};refresher=uac`],
    ];
  }

  #via(branch: string): string {
    return `SIP/2.0/UDP ${this.settings.address.address}:${this.settings.address.port};branch=${branch}`;
  }

  #contact(): string {
    return `<sip:${this.settings.user}@${this.settings.address.address}:${this.settings.address.port}>`;
  }

  #target(): Target {
    return { transport: 'udp', host: this.settings.shim.address, port: this.settings.shim.port };
  }
}
