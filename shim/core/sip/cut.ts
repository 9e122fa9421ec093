import { FIELD_END, FIELD_ID, FIELD_LINE, FIELD_VALUE, lineEnd, type Message, notDecoded, STRIDE } from './message.ts';

/** The message without the header lines at those places of its index, which are in rising order; nothing of the rest is changed. */
export function withoutLines(message: Message, places: readonly number[]): Message {
  if (places.length === 0) return message;
  const fields: number[] = [];
  let text = '';
  let kept = 0;
  let gone = 0;
  let next = 0;
  for (let at = 0; at < message.fields.length; at += STRIDE) {
    const line = message.fields[at + FIELD_LINE] as number;
    if (at === places[next]) {
      next += 1;
      text += message.text.slice(kept, line);
      kept = lineEnd(message, at);
      gone += kept - line;
      continue;
    }
    const [value, end] = [message.fields[at + FIELD_VALUE] as number, message.fields[at + FIELD_END] as number];
    fields.push(message.fields[at + FIELD_ID] as number, line - gone, value - gone, end - gone);
  }
  text += message.text.slice(kept);
  const { bodyStart, headersEnd } = message;
  return { ...message, text, fields, bodyStart: bodyStart - gone, headersEnd: headersEnd - gone, decoded: notDecoded() };
}
