import { Deadlines } from '../../shim/core/deadlines.ts';
import {
  contacts,
  DEFAULT_MESSAGE_LIMITS,
  expires,
  formatNameAddr,
  header,
  headers,
  type Message,
  parseUri,
  recordRoutes,
  request,
  respond,
  scan,
  to,
} from '../../shim/core/sip/index.ts';
import { TransactionTable } from '../../shim/core/transaction/table.ts';
import { type Action, DEFAULT_TRANSACTION_SETTINGS } from '../../shim/core/transaction/types.ts';
import type { Address, Flow, Target } from '../../shim/core/transport.ts';
import { SDP } from './sip-text.ts';
import type { VirtualParty } from './virtual-network.ts';

export interface PbxSettings {
  readonly domain: string;
  readonly address: Address;
  /** Keeps the Path of a registration and calls along it (RFC 3327); else it does not know that field. */
  readonly path: boolean;
  /** Seconds that it grants, whatever is asked. */
  readonly grants: number;
  /** Where it sends calls for other domains. */
  readonly trunk?: Address;
}

/** What the registrar of the PBX keeps of a telephone. */
interface Registered {
  readonly contact: string;
  readonly path: readonly string[];
  readonly until: number;
}

/** One side of a call through the PBX. */
interface Leg {
  readonly callId: string;
  readonly local: string;
  remote: string;
  target: string;
  routes: readonly string[];
  /** Its server transaction (the caller's leg) or client transaction (the callee's). */
  transaction: string;
  readonly invite: Message | undefined;
  state: 'early' | 'up' | 'over';
  cseq: number;
  /** The 2xx, until its ACK has come. */
  answer: string;
  repeat: number;
}

interface Bridge {
  readonly a: Leg;
  readonly b: Leg;
}

/** A PBX on the virtual network: registrar, and back-to-back user agent (RFC 7092): each call through it is two calls. */
export class VirtualPbx implements VirtualParty {
  readonly settings: PbxSettings;
  readonly registered = new Map<string, Registered[]>();
  readonly bridges: Bridge[] = [];
  readonly #table = new TransactionTable({ ...DEFAULT_TRANSACTION_SETTINGS, max: 1000 });
  readonly #timers = new Deadlines<() => Action[]>();
  #count = 0;

  constructor(settings: PbxSettings) {
    this.settings = settings;
  }

  /** Transactions not yet forgotten. */
  get busy(): number {
    return this.#table.size;
  }

  receive(text: string, flow: Flow, now: number): readonly Action[] {
    const scanned = scan(text, DEFAULT_MESSAGE_LIMITS, 'datagram');
    if (!scanned.ok) throw new Error(`the PBX got ${scanned.reason}: ${text}`);
    const m = scanned.message;
    if (m.status > 0) {
      const result = this.#table.response(m, now);
      return [...result.actions, ...(result.kind === 'deliver' ? this.#answered(m, result.id, now) : [])];
    }
    const result = this.#table.request(m, flow, now);
    if (result.kind === 'ack') for (const [leg] of this.#legsOf(m)) leg.answer = '';
    return [...result.actions, ...(result.kind === 'new' ? this.#asked(m, result.id, now) : [])];
  }

  expire(now: number): readonly Action[] {
    const { actions, events } = this.#table.expire(now);
    const out: Action[] = [...actions];
    for (const event of events) {
      const bridge = this.bridges.find(({ b }) => b.transaction === event.id && b.state === 'early');
      if (event.type !== 'terminated' && event.side === 'client' && bridge) out.push(...this.#refuse(bridge, 408, now));
    }
    for (const fire of this.#timers.expired(now)) out.push(...fire());
    return out;
  }

  nextDeadline(): number | undefined {
    return Math.min(this.#table.nextDeadline() ?? Infinity, this.#timers.next() ?? Infinity);
  }

  #asked(m: Message, id: string, now: number): Action[] {
    const reply = (status: number) => [...this.#table.respond(id, status, respond(m, status, '', { toTag: 'pbx' }), now)];
    switch (m.method) {
      case 'REGISTER':
        return this.#register(m, id, now);
      case 'INVITE':
        return this.#call(m, id, now) ?? reply(404);
      case 'CANCEL': {
        const invite = this.#table.matchCancel(m);
        const bridge = this.bridges.find(({ a }) => a.transaction === invite && a.state === 'early');
        const given = bridge ? [...this.#table.cancel(bridge.b.transaction, now), ...this.#refuse(bridge, 487, now)] : [];
        return [...reply(invite === undefined ? 481 : 200), ...given];
      }
      case 'BYE': {
        const [found] = this.#legsOf(m);
        if (found === undefined) return reply(481);
        found[0].state = 'over';
        return [...reply(200), ...this.#hangUp(found[1], now)];
      }
      default:
        return reply(405);
    }
  }

  #register(m: Message, id: string, now: number): Action[] {
    const aor = /<([^>]+)>/.exec(header(m, 'to') ?? '')?.[1] as string;
    const asked = contacts(m);
    if (!asked.ok) throw new Error(asked.reason);
    let list = (this.registered.get(aor) ?? []).filter(({ until }) => until > now);
    for (const contact of asked.contacts) {
      list = list.filter((one) => one.contact !== contact.uri);
      const path = this.settings.path ? headers(m, 'path') : [];
      if ((contact.expires ?? expires(m)) !== 0)
        list.unshift({ contact: contact.uri, path, until: now + this.settings.grants * 1000 });
    }
    if (asked.star) list = [];
    this.registered.set(aor, list);
    const rows = list.map(({ contact, until }): [string, string] => {
      const params = new Map([['expires', String(Math.ceil((until - now) / 1000))]]);
      return ['Contact', formatNameAddr({ uri: contact, params })];
    });
    return [...this.#table.respond(id, 200, respond(m, 200, 'OK', { toTag: 'pbx', headers: rows }), now)];
  }

  #call(m: Message, id: string, now: number): Action[] | undefined {
    const uri = parseUri(m.uri);
    const { domain, trunk } = this.settings;
    const foreign = uri !== undefined && uri.host !== domain && uri.host !== this.settings.address.address;
    const aor = `sip:${uri?.user}@${foreign ? uri.host : domain}`;
    const route = trunk && `<sip:${trunk.address}:${trunk.port};lr>`;
    const abroad = foreign && route ? { contact: m.uri, path: [route] } : undefined;
    const phone = abroad ?? (this.registered.get(aor) ?? []).find(({ until }) => until > now);
    if (phone === undefined) return undefined;
    const number = ++this.#count;
    const from = (header(m, 'from') as string).replace(/;tag=.*/, '');
    const peer = contacts(m);
    const a: Leg = {
      ...{
        callId: header(m, 'call-id') as string,
        local: `${header(m, 'to')};tag=a${number}`,
        remote: header(m, 'from') as string,
      },
      ...{ target: (peer.ok && peer.contacts[0]?.uri) || '', routes: (recordRoutes(m) ?? []).map((r) => `<${r.uri}>`) },
      ...{ transaction: id, invite: m, state: 'early', cseq: 0, answer: '', repeat: 0 },
    };
    const branch = `z9hG4bKpbx${number}`;
    const b: Leg = {
      ...{
        callId: `pbx-${number}`,
        local: `${from};tag=b${number}`,
        remote: `<${aor}>`,
        target: phone.contact,
        routes: phone.path,
      },
      ...{ transaction: '', invite: undefined, state: 'early', cseq: 1, answer: '', repeat: 0 },
    };
    const text = request({
      ...{ method: 'INVITE', uri: phone.contact, via: this.#via(branch), from: b.local, to: b.remote, callId: b.callId, cseq: 1 },
      ...{ routes: b.routes, headers: [['Contact', this.#contact()]], body: { type: 'application/sdp', content: SDP } },
    });
    const sent = this.#table.send({ text, method: 'INVITE', branch }, this.#hop(b), now);
    if (!sent.ok) throw new Error('branch in use');
    b.transaction = sent.id;
    this.bridges.push({ a, b });
    return [...sent.actions];
  }

  /** A response on the callee's leg. */
  #answered(m: Message, id: string, now: number): Action[] {
    const bridge = this.bridges.find(({ b }) => b.transaction === id);
    if (bridge === undefined || m.method !== 'INVITE' || m.status === 100) return [];
    const { a, b } = bridge;
    if (m.status < 200) return a.state === 'early' ? this.#respond(a, m.status, now) : [];
    if (m.status >= 300) {
      b.state = 'over';
      return a.state === 'early' ? this.#refuse(bridge, m.status, now) : [];
    }
    const first = b.state === 'early';
    if (first) {
      const peer = contacts(m);
      b.state = 'up';
      b.remote = header(m, 'to') as string;
      b.target = (peer.ok && peer.contacts[0]?.uri) || b.target;
      b.routes = (recordRoutes(m) ?? []).map((r) => `<${r.uri}>`).reverse();
    }
    const ack = this.#within('ACK', b, now);
    if (!first) return ack;
    if (a.state !== 'early') return [...ack, ...this.#hangUp(b, now)];
    a.state = 'up';
    a.answer = this.#text(a, 200);
    a.repeat = 500;
    this.#timers.set(() => this.#repeat(bridge, now + 500, now + 32_000), now + 500);
    return [...ack, ...this.#table.respond(a.transaction, 200, a.answer, now)];
  }

  /** RFC 3261 13.3.1.4. */
  #repeat(bridge: Bridge, now: number, until: number): Action[] {
    const { a, b } = bridge;
    if (a.answer === '' || a.state !== 'up') return [];
    if (now >= until) return [...this.#hangUp(a, now), ...this.#hangUp(b, now)];
    a.repeat = Math.min(a.repeat * 2, 4000);
    const next = now + a.repeat;
    this.#timers.set(() => this.#repeat(bridge, next, until), next);
    return [...this.#table.respond(a.transaction, 200, a.answer, now)];
  }

  #refuse({ a, b }: Bridge, status: number, now: number): Action[] {
    a.state = 'over';
    if (b.state === 'early' && status === 408) b.state = 'over';
    return this.#respond(a, status, now);
  }

  #hangUp(leg: Leg, now: number): Action[] {
    if (leg.state !== 'up') return [];
    leg.state = 'over';
    return this.#within('BYE', leg, now);
  }

  #within(method: 'ACK' | 'BYE', leg: Leg, now: number): Action[] {
    const branch = `z9hG4bKpbxw${++this.#count}`;
    const number = method === 'ACK' ? 1 : ++leg.cseq;
    const text = request({
      ...{ method, uri: leg.target, via: this.#via(branch), from: leg.local, to: leg.remote, callId: leg.callId, cseq: number },
      routes: leg.routes,
    });
    if (method === 'ACK') return [{ type: 'send', text, target: this.#hop(leg), id: '' }];
    const sent = this.#table.send({ text, method, branch }, this.#hop(leg), now);
    return [...sent.actions];
  }

  #respond(a: Leg, status: number, now: number): Action[] {
    return [...this.#table.respond(a.transaction, status, this.#text(a, status), now)];
  }

  #text(a: Leg, status: number): string {
    const m = a.invite as Message;
    return respond(m, status, '', {
      toTag: /;tag=([^;]+)$/.exec(a.local)?.[1] as string,
      headers: [
        ['Contact', this.#contact()],
        ...headers(m, 'record-route').map((value): [string, string] => ['Record-Route', value]),
      ],
      ...(status === 200 ? { body: { type: 'application/sdp', content: SDP } } : {}),
    });
  }

  /** The legs of that message's dialog, each with the other of its call. */
  #legsOf(m: Message): [Leg, Leg][] {
    const tag = to(m)?.tag;
    return this.bridges
      .flatMap(({ a, b }): [Leg, Leg][] => [
        [a, b],
        [b, a],
      ])
      .filter(([leg]) => leg.callId === header(m, 'call-id') && leg.local.endsWith(`;tag=${tag}`));
  }

  #hop(leg: Leg): Target {
    const uri = parseUri((leg.routes[0] ?? `<${leg.target}>`).slice(1, -1));
    return { transport: 'udp', host: uri?.host ?? '', port: uri?.port ?? 5060 };
  }

  #via(branch: string): string {
    return `SIP/2.0/UDP ${this.settings.address.address}:${this.settings.address.port};branch=${branch}`;
  }

  #contact(): string {
    return `<sip:pbx@${this.settings.address.address}:${this.settings.address.port}>`;
  }
}
