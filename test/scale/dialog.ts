import { DEFAULT_MESSAGE_LIMITS, type Message, scan } from '../../shim/core/sip/index.ts';
import { requestText, responseText, SDP } from '../support/sip-text.ts';

const CONTACT = (host: string) => [`Contact: <sip:u@${host}:5060>`];

/** The messages of one call as they pass the shim, scanned by its own scanner. */
export class Dialog {
  readonly branch: string;
  readonly #from: string;
  readonly #to: string;
  readonly #callId: string;
  readonly #caller: string;

  /** Addresses of record (`sip:...`), and a number that no other call of the site has. */
  constructor(caller: string, callee: string, number: number, callerHost: string) {
    this.#from = `<${caller}>;tag=a${number}`;
    this.#to = `<${callee}>`;
    this.#callId = `call-${number}`;
    this.#caller = callerHost;
    this.branch = `z9hG4bK${number}`;
  }

  invite(): Message {
    return this.#request('INVITE', 1, this.#to, CONTACT(this.#caller), SDP);
  }

  ack(): Message {
    return this.#request('ACK', 1, `${this.#to};tag=b`);
  }

  bye(): Message {
    return this.#request('BYE', 2, `${this.#to};tag=b`);
  }

  /** A response to the INVITE, with the callee's tag. */
  response(status: number): Message {
    const body = status === 200 ? SDP : '';
    return this.#response(status, 'INVITE', 1, CONTACT('10.1.0.1'), body);
  }

  byeAnswer(): Message {
    return this.#response(200, 'BYE', 2);
  }

  #request(method: string, cseq: number, to: string, headers: string[] = [], body = ''): Message {
    const via = `SIP/2.0/UDP ${this.#caller}:5060;branch=${this.branch}`;
    return scanned(requestText(method, { via, from: this.#from, to, callId: this.#callId, cseq, headers, body }));
  }

  #response(status: number, method: string, cseq: number, headers: string[] = [], body = ''): Message {
    const to = `${this.#to};tag=b`;
    return scanned(responseText(status, method, { from: this.#from, to, callId: this.#callId, cseq, headers, body }));
  }
}

function scanned(text: string): Message {
  const result = scan(text, DEFAULT_MESSAGE_LIMITS, 'datagram');
  if (!result.ok) throw new Error(`${result.reason}: ${text}`);
  return result.message;
}
