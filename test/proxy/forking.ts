import type { Message } from '../../shim/core/sip/index.ts';
import { answerTo, flow, type Otherwise, type Outcome, type TestElement, testElement } from '../support/element.ts';
import { requestText, SDP } from '../support/sip-text.ts';

export { summary } from '../support/element.ts';

/** What a forked call of a test is otherwise. */
export interface ForkedCall extends Otherwise {
  readonly method?: string;
  /** The Request-URI. */
  readonly uri?: string;
  readonly headers?: readonly string[];
  /** Done before the call, such as further registrations. */
  readonly before?: (shim: TestElement) => void;
  /** Alice's own Via; its branch is that of her CANCEL too. */
  readonly via?: string;
}

/** Bob has a telephone at 127.0.0.N for each N of `phones`, with that q. Alice, at 127.0.0.2, calls him. */
export function forkedCall(phones: Readonly<Record<number, number>>, call: ForkedCall = {}) {
  const { method = 'INVITE', uri = 'sip:bob@example.com', headers = [], before } = call;
  const { via = 'SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKcaller' } = call;
  const shim = testElement(call);
  shim.register('alice', flow(2));
  // The latest registration comes first where q is equal: from the last to the first, they are in the order of the list.
  for (const host of Object.keys(phones).map(Number).reverse()) {
    shim.at.now += 1;
    shim.register('bob', flow(host), 3600, `;q=${phones[host]}`);
  }
  before?.(shim);
  shim.told();
  const requests = new Map<number, Message>();
  const took = (result: Outcome) => {
    result.messages.forEach((m, i) => {
      const host = Number(result.sent[i]?.target.host.split('.').at(-1));
      if (m.method === method && m.status === 0) requests.set(host, m);
    });
    return result;
  };
  const invite = requestText(method, { uri, via, body: method === 'INVITE' ? SDP : '', headers });
  const started = took(shim.receive(invite, flow(2)));
  return {
    shim,
    invite,
    started,
    /** The request as the telephone at 127.0.0.N got it. */
    at: (host: number): Message => requests.get(host) as Message,
    /** That telephone answers, under a tag of its own. */
    answer: (host: number, status: number, extra: { headers?: string[]; tag?: string; body?: string } = {}): Outcome => {
      const text = answerTo(requests.get(host) as Message, status, { tag: `t${host}`, ...extra });
      return took(shim.receive(text, flow(host)));
    },
    /** The caller's CANCEL, under the branch of the INVITE. */
    cancel: (...further: string[]): Outcome => took(shim.receive(requestText('CANCEL', { via, headers: further }), flow(2))),
    /** What was sent to that telephone did not leave. */
    unreachable: (host: number): Outcome =>
      took(shim.failed(started.sent.find((s) => s.target.host === `127.0.0.${host}`)?.id ?? '')),
    expire: (ms: number): Outcome => took(shim.expire(ms)),
    told: shim.told,
  };
}

export const CALLER = '127.0.0.2:5060';
export const to = (host: number): string => `127.0.0.${host}:5060`;
