import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answer, message, methodOf, statusOf } from './lean-message.ts';
import { mutate, pick } from './mutate.ts';
import type { Address } from './product.ts';
import { SDP } from './sip-text.ts';

const FIXTURES = join(import.meta.dirname, '../sip/fixtures');

/** The torture messages of RFC 4475 and RFC 5118. */
export const TORTURE: readonly string[] = ['rfc4475', 'rfc5118'].flatMap((folder) =>
  readdirSync(join(FIXTURES, folder)).map((file) => readFileSync(join(FIXTURES, folder, file), 'latin1')),
);

const METHODS = ['MESSAGE', 'SUBSCRIBE', 'PUBLISH', 'REFER', 'INFO', 'UPDATE', 'PRACK', 'NOTIFY', 'OPTIONS', 'X-NEW'];

/** Who attacks: where it is, and in whose name. */
export interface Attacker {
  readonly transport: 'UDP' | 'TCP';
  readonly local: Address;
  readonly shim: Address;
  readonly domain: string;
  /** Registered, so that calls to it are relayed to the attacker. */
  readonly user: string;
}

/** Messages to attack with: valid ones in a context that the shim takes seriously, then damaged. All of it follows from `chance`. */
export class FuzzMessages {
  readonly #chance: () => number;
  readonly #attacker: Attacker;
  /** Requests that the shim relayed to the attacker, newest last: they can be answered. */
  readonly #relayed: string[] = [];
  /** Valid messages made, for parts of others and for later requests of their dialogs. */
  readonly #made: string[] = [];
  #count = 0;

  constructor(attacker: Attacker, chance: () => number) {
    this.#attacker = attacker;
    this.#chance = chance;
  }

  /** Takes what came from the shim. */
  receive(text: string): void {
    if (statusOf(text) > 0 || methodOf(text) === 'ACK') return;
    this.#relayed.push(text);
    if (this.#relayed.length > 30) this.#relayed.shift();
  }

  /** A damaged message. */
  next(): string {
    const valid = this.#valid();
    this.#made.push(valid);
    if (this.#made.length > 100) this.#made.shift();
    return mutate(valid, pick(this.#chance, this.#made), this.#chance);
  }

  #valid(): string {
    const roll = this.#chance();
    if (roll < 0.15) return pick(this.#chance, TORTURE);
    if (roll < 0.4 && this.#relayed.length > 0) return this.#response(pick(this.#chance, this.#relayed));
    if (roll < 0.55) return this.#register();
    if (roll < 0.8) return this.#invite();
    if (roll < 0.9 && this.#relayed.length > 0) return this.#within(pick(this.#chance, this.#relayed));
    return this.#request(pick(this.#chance, METHODS), `sip:${this.#attacker.user}@${this.#attacker.domain}`, this.#parties());
  }

  #response(request: string): string {
    const status = pick(this.#chance, [100, 180, 183, 200, 200, 202, 302, 401, 407, 486, 487, 503, 603]);
    const body = this.#chance() < 0.5 ? SDP : '';
    return answer(request, status, pick(this.#chance, ['b', 'c']), [`Contact: ${this.#contact()}`], body);
  }

  #register(): string {
    const { domain } = this.#attacker;
    const user = this.#user();
    const contacts = pick(this.#chance, [
      [`Contact: ${this.#contact()}`],
      [`Contact: "A, B" ${this.#contact()};q=0.5;expires=60, <sip:${user}@127.0.0.1:${this.#attacker.local.port};x=1>;q=1.0`],
      ['Contact: *'],
      [`Contact: ${this.#contact()};expires=0`],
      [],
    ]);
    const expires = pick(this.#chance, ['0', '60', '3600', '7200']);
    const to = [`From: <sip:${user}@${domain}>;tag=f`, `To: "${user}" <sip:${user}@${domain}>`];
    return this.#request('REGISTER', `sip:${domain}`, [...to, ...contacts, `Expires: ${expires}`, 'User-Agent: fuzz/1 (x)']);
  }

  #invite(): string {
    const { user, domain, shim } = this.#attacker;
    const routes = this.#chance() < 0.3 ? [`Route: <sip:${shim.address}:${shim.port};lr>`] : [];
    const more = ['Supported: timer, 100rel', 'Session-Expires: 90;refresher=uac', 'Allow: INVITE, ACK, BYE', 'Subject: a "b" c'];
    const lines = [...this.#parties(), `Contact: ${this.#contact()}`, ...routes, ...more.slice(Math.floor(this.#chance() * 5))];
    return this.#request('INVITE', `sip:${user}@${domain}`, lines, this.#chance() < 0.8 ? SDP : '');
  }

  /** A later request of a call that the shim relayed: from the caller's side. */
  #within(relayed: string): string {
    const kept = relayed.split('\r\n').filter((line) => /^(From|Call-ID|Via: .*fuzz)/.test(line));
    const { user, domain, shim } = this.#attacker;
    const method = pick(this.#chance, ['BYE', 'ACK', 'CANCEL', 'INVITE', 'UPDATE']);
    const to = `To: <sip:${user}@${domain}>${method === 'CANCEL' ? '' : ';tag=b'}`;
    const cseq = `CSeq: ${method === 'ACK' || method === 'CANCEL' ? 1 : 2} ${method}`;
    const via = method === 'CANCEL' ? kept.filter((line) => line.startsWith('Via')) : [this.#via()];
    const rest = kept.filter((line) => !line.startsWith('Via'));
    const route = method === 'CANCEL' ? [] : [`Route: <sip:${shim.address}:${shim.port};lr>`];
    const uri = method === 'CANCEL' ? `sip:${user}@${domain}` : this.#contact().slice(1, -1);
    return message(`${method} ${uri} SIP/2.0`, [...via, 'Max-Forwards: 70', ...rest, to, cseq, ...route]);
  }

  #request(method: string, uri: string, lines: readonly string[], body = ''): string {
    this.#count += 1;
    const own = [this.#via(), 'Max-Forwards: 70', `Call-ID: fuzz${this.#count}-${this.#attacker.local.port}`];
    return message(
      `${method} ${uri} SIP/2.0`,
      [...own, `CSeq: ${method === 'REGISTER' ? this.#count : 1} ${method}`, ...lines],
      body,
    );
  }

  #parties(): string[] {
    const { user, domain } = this.#attacker;
    return [`From: "Fuzz \\"er\\"" <sip:${this.#user()}@${domain};x=y>;tag=f${this.#count}`, `To: <sip:${user}@${domain}>`];
  }

  #user(): string {
    return pick(this.#chance, [this.#attacker.user, `${this.#attacker.user}-2`, 'fuzz%20three']);
  }

  #via(): string {
    const { transport, local } = this.#attacker;
    this.#count += 1;
    return `Via: SIP/2.0/${transport} ${local.address}:${local.port};branch=z9hG4bKfuzz${this.#count}-${local.port};rport`;
  }

  #contact(): string {
    const { user, local, transport } = this.#attacker;
    return `<sip:${user}@${local.address}:${local.port}${transport === 'TCP' ? ';transport=tcp' : ''}>`;
  }
}
