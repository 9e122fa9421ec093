import { type Message, respond, topVia } from '../sip/index.ts';
import { type Flow, viaStamp } from '../transport.ts';
import type { Refusal } from './refusal.ts';

/** The text of an answer of this element's own to a request that came in on `flow`. `tag` goes on To where that has none. */
export function answerText(m: Message, flow: Flow, { status, reason, headers }: Refusal, tag: string): string {
  const via = topVia(m);
  return respond(m, status, reason, {
    toTag: tag,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    ...(via ? { via: viaStamp(via, flow) } : {}),
  });
}
