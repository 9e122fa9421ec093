import type { PresenceDocument } from '#protocol';
import { Phone } from '../support/phone.ts';
import type { IncomingCall, OutgoingCall } from '../support/phone-call.ts';
import type { Product } from '../support/product.ts';
import type { Watcher } from '../support/watcher.ts';

export const DOMAIN = 'example.com';

/** Registrations of the story's phones are this brief, seconds, so that one runs out within a call. */
export const BRIEF = 3;

/** What a story is told with: phones, the watcher, and a voice that says what happens. */
export class Stage {
  readonly watcher: Watcher;
  readonly #product: Product;
  readonly #say: (text: string) => void;
  readonly #pace: number;
  readonly #phones: Phone[] = [];

  /** `pace`: how long a scene stands before the next, ms. */
  constructor(product: Product, watcher: Watcher, say: (text: string) => void, pace: number) {
    this.#product = product;
    this.watcher = watcher;
    this.#say = say;
    this.#pace = pace;
  }

  say(text: string): void {
    this.#say(text);
  }

  /** Lets a scene stand: for people who look, not to wait for anything. */
  pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#pace));
  }

  async phone(user: string, displayName: string): Promise<Phone> {
    const phone = await Phone.create({
      user,
      displayName,
      domain: DOMAIN,
      registrar: this.#product.sip,
      userAgent: 'Desk phone',
    });
    this.#phones.push(phone);
    return phone;
  }

  async register(phone: Phone, expires: number): Promise<void> {
    const { status } = await phone.register({ expires });
    if (status !== 200) throw new Error(`REGISTER of ${phone.aor} was answered ${status}`);
  }

  /** `from` calls `to`; resolves when it rings at `to`. */
  async ring(from: Phone, to: Phone): Promise<{ call: OutgoingCall; incoming: IncomingCall }> {
    const arrived = Promise.withResolvers<IncomingCall>();
    to.onInvite = (incoming) => {
      incoming.ring();
      arrived.resolve(incoming);
    };
    const call = from.call(to.aor);
    const refused = call.answered.then((status) => {
      throw new Error(`the call from ${from.aor} to ${to.aor} was answered ${status} before it rang`);
    });
    return { call, incoming: await Promise.race([arrived.promise, refused]) };
  }

  /** The next document of the phone's user for which the test holds. */
  see(phone: Phone, what: string, test: (presence: PresenceDocument) => boolean, within = 5000): Promise<PresenceDocument> {
    return this.watcher.next(phone.aor, what, test, within);
  }

  close(): void {
    for (const phone of this.#phones) phone.close();
  }
}
