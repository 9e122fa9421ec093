import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { answer, header, headerLines, message, methodOf, statusOf, transactionOf, uriIn } from '../support/lean-message.ts';
import type { Address } from '../support/product.ts';
import { SDP } from '../support/sip-text.ts';

const DOMAIN = 'example.com';
/** Transactions under way at once: what a socket's buffer holds with room to spare. */
const WINDOW = 64;
/** A request that is not answered is sent again after so long, ms. */
const AGAIN = 500;

/** Any number of telephones behind one socket, as fast as the shim answers: registers them, and sets up calls that stay up. */
export class Blast {
  readonly #socket: Socket;
  readonly #shim: Address;
  readonly #waiting = new Map<string, (answer: string) => void>();
  #count = 0;

  static async open(shim: Address): Promise<Blast> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Blast(socket, shim);
  }

  private constructor(socket: Socket, shim: Address) {
    this.#socket = socket;
    this.#shim = shim;
    socket.on('message', (data) => this.#receive(data.toString('latin1')));
  }

  close(): void {
    this.#socket.close();
  }

  /** Registers `phone0` to `phone<count - 1>`. */
  register(count: number): Promise<void> {
    return this.#all(count, async (n) => {
      const aor = `sip:phone${n}@${DOMAIN}`;
      const own = [`From: <${aor}>;tag=r`, `To: <${aor}>`, `Call-ID: ${n}-${this.#port}`, 'CSeq: 1 REGISTER', 'Expires: 7200'];
      return await this.#ask(`REGISTER sip:${DOMAIN}`, [
        ...own,
        `Contact: ${this.#contact(`phone${n}`)}`,
        'User-Agent: bench/1.0',
      ]);
    });
  }

  /** `phone0` calls `phone1`, `phone2` calls `phone3`, and so on; all of them stay up. */
  call(count: number): Promise<void> {
    return this.#all(count, async (n) => {
      const [from, to] = [`sip:phone${2 * n}@${DOMAIN}`, `sip:phone${2 * n + 1}@${DOMAIN}`];
      const dialog = [`From: <${from}>;tag=c${n}`, `Call-ID: call-${n}-${this.#port}`];
      const contact = `Contact: ${this.#contact(`phone${2 * n}`)}`;
      const ok = await this.#ask(`INVITE ${to}`, [...dialog, `To: <${to}>`, 'CSeq: 1 INVITE', contact], SDP);
      const routes = headerLines(ok, 'Record-Route')
        .map((line) => line.replace(/^Record-Route/i, 'Route'))
        .reverse();
      const lines = [this.#via(), 'Max-Forwards: 70', ...dialog, `To: ${header(ok, 'To')}`, 'CSeq: 1 ACK', ...routes];
      this.#send(message(`ACK ${uriIn(header(ok, 'Contact'))} SIP/2.0`, lines));
      return ok;
    });
  }

  async #all(count: number, one: (n: number) => Promise<string>): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const status = statusOf(await one(next++));
        if (status !== 200) throw new Error(`answered ${status}`);
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, worker));
  }

  #ask(start: string, lines: readonly string[], body = ''): Promise<string> {
    const text = message(`${start} SIP/2.0`, [this.#via(), 'Max-Forwards: 70', ...lines], body);
    const key = transactionOf(text);
    const { promise, resolve } = Promise.withResolvers<string>();
    const timer = setInterval(() => this.#send(text), AGAIN);
    this.#waiting.set(key, (answer) => {
      clearInterval(timer);
      this.#waiting.delete(key);
      resolve(answer);
    });
    this.#send(text);
    return promise;
  }

  #receive(text: string): void {
    const status = statusOf(text);
    if (status >= 200) this.#waiting.get(transactionOf(text))?.(text);
    else if (status === 0 && methodOf(text) === 'INVITE')
      this.#send(answer(text, 200, 'd', [`Contact: ${this.#contact('callee')}`], SDP));
    else if (status === 0 && methodOf(text) !== 'ACK') this.#send(answer(text, 200, 'd'));
  }

  get #port(): number {
    return this.#socket.address().port;
  }

  #via(): string {
    return `Via: SIP/2.0/UDP 127.0.0.1:${this.#port};branch=z9hG4bKb${++this.#count}-${this.#port}`;
  }

  #contact(user: string): string {
    return `<sip:${user}@127.0.0.1:${this.#port}>`;
  }

  #send(text: string): void {
    this.#socket.send(Buffer.from(text, 'latin1'), this.#shim.port, this.#shim.address);
  }
}
