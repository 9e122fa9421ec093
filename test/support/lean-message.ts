/**
 * SIP for the lean phones: lines, and nothing but what these phones need. It shares no code with the product, so that a mistake of
 * the product's parser is not made on both sides.
 */

/** The values of a header, over all its lines; commas outside of quotes and angle brackets part values. */
export function headers(text: string, name: string): string[] {
  const prefix = `${name.toLowerCase()}:`;
  return head(text)
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .flatMap((line) => line.slice(prefix.length).match(/(?:"[^"]*"|<[^>]*>|[^,])+/g) ?? [])
    .map((value) => value.trim());
}

export const header = (text: string, name: string): string => headers(text, name)[0] ?? '';

/** The whole lines of a header, as they stand. */
export const headerLines = (text: string, name: string): string[] =>
  head(text).filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));

/** 0 for a request. */
export const statusOf = (text: string): number => Number(/^SIP\/2\.0 (\d{3}) /.exec(text)?.[1] ?? 0);
export const methodOf = (text: string): string => text.slice(0, text.indexOf(' '));
export const tagOf = (value: string): string => /;tag=([^;\s]+)/.exec(value)?.[1] ?? '';
export const uriIn = (value: string): string => /<([^>]*)>/.exec(value)?.[1] ?? value.replace(/;.*$/, '');
/** `alice` of `INVITE sip:alice@127.0.0.1:40000 SIP/2.0`. */
export const userOf = (request: string): string => /^\w+ sip:([^@]+)@/.exec(request)?.[1] ?? '';
/** What makes two messages the same transaction at a phone. */
export const transactionOf = (text: string): string =>
  `${/;branch=([^;,\s]+)/.exec(header(text, 'Via'))?.[1]} ${header(text, 'CSeq')}`;

export function message(first: string, lines: readonly string[], body = ''): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  return [first, ...lines, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

/** An answer: Via, From, Call-ID, CSeq and Record-Route as in the request, To with a tag (RFC 3261 8.2.6.2). */
export function answer(request: string, status: number, tag: string, lines: readonly string[] = [], body = ''): string {
  const copied = ['Via', 'From', 'Call-ID', 'CSeq', 'Record-Route'].flatMap((name) => headerLines(request, name));
  const to = header(request, 'To');
  const own = `To: ${tagOf(to) === '' ? `${to};tag=${tag}` : to}`;
  return message(`SIP/2.0 ${status} Status ${status}`, [...copied, own, ...lines], body);
}

function head(text: string): string[] {
  const end = text.indexOf('\r\n\r\n');
  return (end < 0 ? text : text.slice(0, end)).split('\r\n');
}
