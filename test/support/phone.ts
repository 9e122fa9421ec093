import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { SipRequest, SipResponse, Stack } from 'sip';
import sip from 'sip';
import { type AnyCall, IncomingCall, OutgoingCall } from './phone-call.ts';

export interface PhoneSettings {
  readonly user: string;
  readonly domain: string;
  /** Where the shim listens: the outbound proxy of everything that the phone sends. */
  readonly registrar: { readonly address: string; readonly port: number };
  /** A loopback address that no other program listens on; the package must not find the shim's own address here. */
  readonly address?: string;
  readonly displayName?: string;
  readonly userAgent?: string;
}

/** What the registrar answered. `expires` is the granted period of this phone's binding, seconds; 0 where there is none. */
export interface Registration {
  readonly status: number;
  readonly expires: number;
}

/** Phones in one process get loopback addresses of their own, from 127.0.0.11 on. */
let nextAddress = 11;

/**
 * A telephone over UDP made with the npm package `sip` 0.0.6, an implementation that is not ours. It knows no presence and no
 * digest. What the package does badly is kept away from: no IPv6, no TCP, no `tel:`, no `Contact: *`, ports known before it binds.
 */
export class Phone {
  readonly aor: string;
  readonly contact: string;
  readonly address: string;
  readonly port: number;
  /** Called with every new call; by default it rings and waits. Whoever sets it decides. */
  onInvite: (call: IncomingCall) => void = (call) => call.ring();
  readonly #settings: PhoneSettings;
  readonly #stack: Stack;
  readonly #calls = new Map<string, AnyCall>();
  readonly #registration = { callId: token(), tag: token(), sequence: 0 };
  #refresh: NodeJS.Timeout | undefined;
  #inRange = true;
  #closed = false;

  static async create(settings: PhoneSettings): Promise<Phone> {
    const address = settings.address ?? `127.0.0.${nextAddress++}`;
    return new Phone(settings, address, await freePort(address));
  }

  private constructor(settings: PhoneSettings, address: string, port: number) {
    this.#settings = settings;
    this.address = address;
    this.port = port;
    this.aor = `sip:${settings.user}@${settings.domain}`;
    this.contact = `sip:${settings.user}@${address}:${port}`;
    this.#stack = sip.create({ address, port, udp: true, tcp: false }, (request) => this.#receive(request));
  }

  /** RFC 3261 10.2. Asks for `expires` seconds and refreshes at half of what was granted, until told otherwise. */
  async register({ expires = 3600 } = {}): Promise<Registration> {
    clearTimeout(this.#refresh);
    const { callId, tag } = this.#registration;
    const response = await this.transact({
      method: 'REGISTER',
      uri: `sip:${this.#settings.domain}`,
      headers: {
        to: { uri: this.aor },
        from: { uri: this.aor, params: { tag } },
        'call-id': callId,
        cseq: { seq: ++this.#registration.sequence, method: 'REGISTER' },
        'max-forwards': 70,
        contact: [{ uri: this.contact }],
        expires,
        route: this.#outbound(),
      },
    });
    const granted = response.status < 300 ? this.#grantedIn(response, expires) : 0;
    if (granted > 0 && this.#inRange && !this.#closed) {
      this.#refresh = setTimeout(() => void this.register({ expires }), granted * 500);
    }
    return { status: response.status, expires: granted };
  }

  unregister(): Promise<Registration> {
    return this.register({ expires: 0 });
  }

  /** Calls an address of record through the shim. `delayedOffer`: no description in the INVITE, the answer travels in the ACK. */
  call(aor: string, { delayedOffer = false } = {}): OutgoingCall {
    const name = this.#settings.displayName;
    const invite: SipRequest = {
      method: 'INVITE',
      uri: aor,
      headers: {
        to: { uri: aor },
        from: { ...(name !== undefined && { name: JSON.stringify(name) }), uri: this.aor, params: { tag: token() } },
        'call-id': token(),
        cseq: { seq: 1, method: 'INVITE' },
        'max-forwards': 70,
        route: this.#outbound(),
      },
    };
    const call = new OutgoingCall(this, invite, delayedOffer);
    this.#calls.set(call.callId, call);
    return call;
  }

  /** Drops out of range: nothing that arrives is answered any more, the registration is not refreshed. */
  vanish(): void {
    this.#inRange = false;
    clearTimeout(this.#refresh);
  }

  /** Comes back into range; what arrives is answered again. */
  returnToRange(): void {
    this.#inRange = true;
  }

  /** Comes back into range and registers again. */
  reappear(options?: { expires?: number }): Promise<Registration> {
    this.returnToRange();
    return this.register(options);
  }

  /** Ends the phone without a word to anybody: socket and timers are gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#refresh);
    for (const call of [...this.#calls.values()]) call.finish({ by: 'here', status: 0 });
    // The package sends what was begun in this turn only at its end, and throws where the socket is closed by then.
    setImmediate(() => this.#stack.destroy());
  }

  /** @internal Sends a request; every response to it is told. */
  send(request: SipRequest, onResponse?: (response: SipResponse) => void): void {
    if (this.#closed) return;
    if (this.#settings.userAgent !== undefined) request.headers['user-agent'] ??= this.#settings.userAgent;
    this.#stack.send(request, onResponse);
  }

  /** @internal Sends a request and resolves with its final response: 408 by the package's own timer F where none comes. */
  transact(request: SipRequest): Promise<SipResponse> {
    const { promise, resolve } = Promise.withResolvers<SipResponse>();
    this.send(request, (response) => {
      if (response.status >= 200) resolve(response);
    });
    return promise;
  }

  /** @internal Answers a request as it is. */
  respond(request: SipRequest, status: number, reason: string, extension = {}): void {
    this.reply(sip.makeResponse(request, status, reason, extension));
  }

  /** @internal */
  reply(response: SipResponse): void {
    if (!this.#closed && this.#inRange) this.#stack.send(response);
  }

  /** @internal */
  forget(callId: string): void {
    this.#calls.delete(callId);
  }

  #receive(request: SipRequest): void {
    if (!this.#inRange || this.#closed) return;
    const call = this.#calls.get(request.headers['call-id']);
    if (call) call.receive(request);
    else if (request.method === 'INVITE' && request.headers.to.params?.tag === undefined) {
      const incoming = new IncomingCall(this, request, token());
      this.#calls.set(incoming.callId, incoming);
      this.onInvite(incoming);
    } else if (request.method === 'OPTIONS') this.respond(request, 200, 'OK');
    else if (request.method !== 'ACK') this.respond(request, 481, 'Call/Transaction Does Not Exist');
  }

  /** 10.3 step 8: the 200 lists all bindings with what is left of each; ours is found by its URI. */
  #grantedIn(response: SipResponse, asked: number): number {
    const contacts = response.headers.contact;
    if (!Array.isArray(contacts)) return 0;
    const own = contacts.find((contact) => contact.uri === this.contact);
    if (!own) return 0;
    return Number(own.params?.expires ?? asked);
  }

  /** RFC 3261 8.1.2: the pre-existing route set of a phone that has an outbound proxy. */
  #outbound() {
    const { address, port } = this.#settings.registrar;
    return [{ uri: `sip:${address}:${port};lr` }];
  }
}

const token = () => randomBytes(8).toString('hex');

/** The package cannot listen on port 0 and has no handler for a taken port, so a free one is looked for first. */
async function freePort(address: string): Promise<number> {
  const probe = createSocket('udp4');
  try {
    probe.bind(0, address);
    await once(probe, 'listening');
    return probe.address().port;
  } finally {
    probe.close();
  }
}
