import { Deadlines } from '../../shim/core/deadlines.ts';
import {
  contacts,
  DEFAULT_MESSAGE_LIMITS,
  from,
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
import type { VirtualParty } from './virtual-network.ts';

/** One side of a call at a phone. */
export interface PhoneCall {
  readonly callId: string;
  /** This side's From (or To) value with its tag, and the other side's. */
  readonly local: string;
  remote: string;
  readonly invite: Message | undefined;
  readonly transaction: string;
  state: 'early' | 'up' | 'over';
  target: string;
  routes: string[];
  cseq: number;
  /** The 2xx that is sent again until its ACK comes (RFC 3261 13.3.1.4). */
  answer: string;
  repeat: number;
  cancelled: boolean;
}

export interface PhoneSettings {
  readonly user: string;
  readonly domain: string;
  readonly address: Address;
  /** Its outbound proxy and registrar. */
  readonly shim: Address;
  /** Seconds asked for at each registration; it is refreshed at half of that. */
  readonly expires: number;
  /** Rings for so long before it answers, ms; 'busy' answers 486, 'never' rings on. */
  readonly answers: number | 'busy' | 'never';
  /** Offers in the 2xx, so that the answer travels in the ACK. */
  readonly delayedOffer: boolean;
}

/** A phone on the virtual network, on the transaction layer of the product: registers, calls, answers, hangs up. */
export class VirtualPhone implements VirtualParty {
  readonly calls: PhoneCall[] = [];
  readonly settings: PhoneSettings;
  readonly #table = new TransactionTable({ ...DEFAULT_TRANSACTION_SETTINGS, max: 1000 });
  readonly #timers = new Deadlines<() => Action[]>();
  readonly #requests = new Map<string, { method: string; call: PhoneCall | undefined }>();
  #count = 0;
  #registered = false;

  constructor(settings: PhoneSettings) {
    this.settings = settings;
  }

  get aor(): string {
    return `sip:${this.settings.user}@${this.settings.domain}`;
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
  call(aor: string, now: number, options: { talk: number; patience: number }): Action[] {
    const id = `${this.settings.user}-${++this.#count}`;
    const branch = `z9hG4bK${id}`;
    const { delayedOffer } = this.settings;
    const local = `<${this.aor}>;tag=t${id}`;
    const text = request({
      ...{ method: 'INVITE', uri: aor, via: this.#via(branch), from: local, to: `<${aor}>`, callId: id, cseq: 1 },
      headers: [['Contact', this.#contact()]],
      ...(delayedOffer ? {} : { body: { type: 'application/sdp', content: SDP } }),
    });
    const sent = this.#table.send({ text, method: 'INVITE', branch }, this.#target(), now);
    if (!sent.ok) throw new Error('branch in use');
    const call: PhoneCall = {
      ...{ callId: id, local, remote: `<${aor}>`, invite: undefined, transaction: sent.id, state: 'early' },
      ...{ target: aor, routes: [], cseq: 1, answer: '', repeat: 0, cancelled: false },
    };
    this.calls.push(call);
    this.#requests.set(sent.id, { method: 'INVITE', call });
    this.#timers.set(() => this.#giveUp(call, now + options.patience), now + options.patience);
    this.#endAt(call, now + options.talk);
    return [...sent.actions];
  }

  hangUp(call: PhoneCall, now: number): Action[] {
    if (call.state !== 'up') return [];
    call.state = 'over';
    return this.#within('BYE', call, now);
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
      for (const call of this.#of(m)) call.answer = '';
      return result.actions;
    }
    return [...result.actions, ...(result.kind === 'new' ? this.#asked(m, result.id, now) : [])];
  }

  expire(now: number): readonly Action[] {
    const { actions, events } = this.#table.expire(now);
    const out = [...actions];
    for (const event of events) {
      const known = this.#requests.get(event.id);
      if (event.type !== 'terminated' && event.side === 'client' && known?.call) known.call.state = 'over';
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
    const branch = `z9hG4bK${this.settings.user}${id}`;
    const text = request({
      ...{
        method: 'REGISTER',
        uri: `sip:${this.settings.domain}`,
        via: this.#via(branch),
        from: `<${this.aor}>;tag=r`,
        to: `<${this.aor}>`,
      },
      ...{ callId: `reg-${this.settings.user}`, cseq: this.#count },
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
      const ended = call?.invite && this.#refuse(call, call.invite, 487, now);
      return [...reply(invite === undefined ? 481 : 200, 'c'), ...(ended ?? [])];
    }
    if (m.method === 'BYE') {
      const call = this.#of(m)[0];
      if (call) call.state = 'over';
      return reply(call ? 200 : 481, 'x');
    }
    if (m.method !== 'INVITE') return reply(405, 'x');
    return this.#ring(m, id, now);
  }

  #ring(m: Message, id: string, now: number): Action[] {
    const { answers } = this.settings;
    const tag = `t${this.settings.user}${++this.#count}`;
    const peer = contacts(m);
    const call: PhoneCall = {
      ...{ callId: header(m, 'call-id') as string, local: `${header(m, 'to')};tag=${tag}`, remote: header(m, 'from') as string },
      ...{ invite: m, transaction: id, state: 'early', cseq: 0, answer: '', repeat: 0, cancelled: false },
      target: (peer.ok && peer.contacts[0]?.uri) || '',
      routes: (recordRoutes(m) ?? []).map((r) => `<${r.uri}>`),
    };
    this.calls.push(call);
    if (answers === 'busy') return this.#refuse(call, m, 486, now);
    const ringing = [...this.#table.respond(id, 180, this.#response(m, 180, call), now)];
    if (answers !== 'never') this.#timers.set(() => this.#pickUp(call, m, now + answers), now + answers);
    return ringing;
  }

  #pickUp(call: PhoneCall, m: Message, now: number): Action[] {
    if (call.state !== 'early') return [];
    call.state = 'up';
    call.answer = this.#response(m, 200, call);
    call.repeat = 500;
    this.#timers.set(() => this.#repeat(call, now + 500, now + 32_000), now + 500);
    return [...this.#table.respond(call.transaction, 200, call.answer, now)];
  }

  /** RFC 3261 13.3.1.4: the 2xx is repeated until its ACK; where none comes in 64*T1, the callee ends the call by a BYE. */
  #repeat(call: PhoneCall, now: number, until: number): Action[] {
    if (call.answer === '' || call.state !== 'up') return [];
    if (now >= until) return this.hangUp(call, now);
    call.repeat = Math.min(call.repeat * 2, 4000);
    const next = now + call.repeat;
    this.#timers.set(() => this.#repeat(call, next, until), next);
    return [...this.#table.respond(call.transaction, 200, call.answer, now)];
  }

  #refuse(call: PhoneCall, m: Message, status: number, now: number): Action[] {
    call.state = 'over';
    return [...this.#table.respond(call.transaction, status, this.#response(m, status, call), now)];
  }

  #response(m: Message, status: number, call: PhoneCall): string {
    const tag = /;tag=([^;]+)/.exec(call.local)?.[1] as string;
    return respond(m, status, '', {
      toTag: tag,
      headers: [
        ['Contact', this.#contact()],
        ...headers(m, 'record-route').map((value): [string, string] => ['Record-Route', value]),
      ],
      ...(status === 200 ? { body: { type: 'application/sdp', content: SDP } } : {}),
    });
  }

  /** A response came to a request of this phone. */
  #answered(m: Message, id: string, now: number): Action[] {
    const call = this.#requests.get(id)?.call;
    if (m.method !== 'INVITE' || call === undefined || m.status < 200) return [];
    if (m.status >= 300) {
      call.state = 'over';
      return [];
    }
    const peer = contacts(m);
    call.remote = header(m, 'to') as string;
    call.target = (peer.ok && peer.contacts[0]?.uri) || call.target;
    call.routes = (recordRoutes(m) ?? []).map((r) => `<${r.uri}>`).reverse();
    const ack = this.#within('ACK', call, now);
    // The 200 crossed the CANCEL: the call is ended at once (RFC 3261 9.1).
    if (call.cancelled && call.state === 'early') {
      call.state = 'up';
      return [...ack, ...this.hangUp(call, now)];
    }
    if (call.state === 'early') call.state = 'up';
    return ack;
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

  /** ACK or BYE within the dialog. */
  #within(method: 'ACK' | 'BYE', call: PhoneCall, now: number): Action[] {
    const branch = `z9hG4bK${this.settings.user}w${++this.#count}`;
    if (method === 'BYE') call.cseq += 1;
    const sdp = this.settings.delayedOffer && method === 'ACK' ? { body: { type: 'application/sdp', content: SDP } } : {};
    const text = request({
      ...{ method, uri: call.target, via: this.#via(branch), from: call.local, to: call.remote, callId: call.callId },
      ...{ cseq: method === 'ACK' ? 1 : Math.max(2, call.cseq), routes: call.routes, ...sdp },
    });
    const hop = parseUri((call.routes[0] ?? `<${call.target}>`).slice(1, -1));
    const target: Target = { transport: 'udp', host: hop?.host ?? '', port: hop?.port ?? 5060 };
    if (method === 'ACK') return [{ type: 'send', text, target, id: '' }];
    const sent = this.#table.send({ text, method, branch }, target, now);
    if (sent.ok) this.#requests.set(sent.id, { method, call });
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
