import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { answer, header, message, methodOf, statusOf, tagOf } from '../../support/lean-message.ts';
import type { Address } from '../../support/product.ts';
import { soon } from '../../support/until.ts';
import type { Watch } from './server.ts';
import { type CallState, Sightings } from './sightings.ts';

const DOMAIN = '127.0.0.1';
/** Subscriptions under way at once. */
const WINDOW = 32;
/** A SUBSCRIBE that is not answered is sent again after so long, and so often; ms. */
const AGAIN = 500;
const TRIES = 20;
const BUFFER = 4 * 1024 * 1024;
const ACCEPT = { dialog: 'application/dialog-info+xml', presence: 'application/pidf+xml' } as const;

interface Subscription {
  readonly user: string;
  readonly event: keyof typeof ACCEPT;
  /** Of the newest NOTIFY: one that is older says what was. */
  newest: number;
  answered(status: number): void;
}

/** A watcher by SIP: SUBSCRIBE and NOTIFY with dialog-info (RFC 4235), and PIDF (RFC 3863) where it asks for registrations. */
export class DialogWatch implements Watch {
  readonly seen = new Sightings();
  readonly #socket: Socket;
  readonly #server: Address;
  readonly #subscriptions = new Map<string, Subscription>();

  static async open(server: Address, users: readonly string[], registrations: boolean): Promise<DialogWatch> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const watch = new DialogWatch(socket, server);
    const events = registrations ? (['dialog', 'presence'] as const) : (['dialog'] as const);
    const wanted = users.flatMap((user) => events.map((event) => ({ user, event })));
    let next = 0;
    const subscriber = async () => {
      for (let one = wanted[next++]; one !== undefined; one = wanted[next++]) await watch.#subscribe(one.user, one.event);
    };
    try {
      await Promise.all(Array.from({ length: WINDOW }, subscriber));
    } catch (error) {
      watch.close();
      throw error;
    }
    return watch;
  }

  private constructor(socket: Socket, server: Address) {
    this.#socket = socket;
    this.#server = server;
    socket.on('error', () => {});
    socket.on('message', (data) => this.#receive(data.toString('latin1')));
  }

  close(): void {
    this.#socket.close();
  }

  async #subscribe(user: string, event: keyof typeof ACCEPT): Promise<void> {
    const { port } = this.#socket.address();
    const id = `${event}-${user}-${port}`;
    const lines = [
      `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${id.replaceAll('-', '')}`,
      'Max-Forwards: 70',
      `From: <sip:watcher@${DOMAIN}>;tag=${id}`,
      `To: <sip:${user}@${DOMAIN}>`,
      `Call-ID: ${id}`,
      'CSeq: 1 SUBSCRIBE',
      `Contact: <sip:watcher@127.0.0.1:${port}>`,
      `Event: ${event}`,
      `Accept: ${ACCEPT[event]}`,
      'Expires: 3600',
    ];
    const text = message(`SUBSCRIBE sip:${user}@${DOMAIN} SIP/2.0`, lines);
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#subscriptions.set(id, { user, event, newest: -1, answered: resolve });
    for (let tries = 0; tries < TRIES; tries++) {
      this.#send(text);
      const status = await soon('an answer', promise, AGAIN).catch(() => 0);
      if (status === 0) continue;
      if (status < 300) return;
      throw new Error(`SUBSCRIBE for ${user} (${event}) was answered ${status}`);
    }
    throw new Error(`SUBSCRIBE for ${user} (${event}) was not answered`);
  }

  #receive(text: string): void {
    const subscription = this.#subscriptions.get(header(text, 'Call-ID'));
    const status = statusOf(text);
    if (status >= 200) subscription?.answered(status);
    if (status > 0 || methodOf(text) !== 'NOTIFY') return;
    this.#send(answer(text, 200, tagOf(header(text, 'To'))));
    if (subscription === undefined) return;
    const number = Number.parseInt(header(text, 'CSeq'), 10);
    // Two workers of the server may send two NOTIFYs in the wrong order.
    if (number < subscription.newest) return;
    subscription.newest = number;
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    if (subscription.event === 'presence') this.seen.registered(subscription.user, isOpen(body));
    else this.seen.calls(subscription.user, dialogsOf(body));
  }

  #send(text: string): void {
    this.#socket.send(Buffer.from(text, 'latin1'), this.#server.port, this.#server.address);
  }
}

/** The dialogs of a dialog-info document, by Call-ID. */
export function dialogsOf(body: string): Map<string, CallState> {
  const found = new Map<string, CallState>();
  for (const [, attributes = '', state = ''] of body.matchAll(/<dialog\b([^>]*)>\s*<state[^>]*>\s*([\w-]+)/g)) {
    const id = / call-id="([^"]*)"/.exec(attributes)?.[1];
    // A document without any call has a dialog without Call-ID in it, as some telephones want.
    if (id !== undefined) found.set(id, STATES[state] ?? 'early');
  }
  return found;
}

const STATES: Readonly<Record<string, CallState>> = { confirmed: 'up', terminated: 'over' };

const isOpen = (body: string): boolean => /<basic>\s*open\s*<\/basic>/.test(body);
