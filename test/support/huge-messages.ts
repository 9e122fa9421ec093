import { message } from './lean-message.ts';
import { SDP } from './sip-text.ts';

/** What a huge message needs of its surroundings to be taken seriously. */
export interface HugeContext {
  /** Of all messages made here: distinguishes one set from the next. */
  readonly id: string;
  /** `UDP 127.0.0.2:5060`: transport and sent-by of the Via. */
  readonly via: string;
  /** A registered user is called. */
  readonly to: string;
  readonly contact: string;
  /** `127.0.0.1:5060` */
  readonly shim: string;
}

const fill = (unit: string, size: number): string => unit.repeat(Math.max(0, Math.floor(size / unit.length)));

/** Messages of about `size` bytes, each huge in its own way, by name. */
export function hugeMessages(size: number, context: HugeContext): [name: string, text: string][] {
  const { id, via, to, contact, shim } = context;
  const domain = to.slice(to.indexOf('@') + 1);
  let count = 0;
  const make = (changed: Record<string, string>, options: { method?: string; uri?: string; body?: string } = {}): string => {
    count += 1;
    const { method = 'INVITE', uri = method === 'REGISTER' ? `sip:${domain}` : to, body = '' } = options;
    const fields: Record<string, string> = {
      Via: `SIP/2.0/${via};branch=z9hG4bKhuge${id}${count};rport`,
      'Max-Forwards': '70',
      From: `<sip:huge@${domain}>;tag=${id}`,
      To: method === 'REGISTER' ? `<sip:huge@${domain}>` : `<${to}>`,
      'Call-ID': `huge${id}${count}`,
      CSeq: `${count} ${method}`,
      Contact: `<${contact}>`,
      ...changed,
    };
    return message(
      `${method} ${uri} SIP/2.0`,
      Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
      body,
    );
  };
  const room = size - 600;
  const register = (value: string) => make({ Contact: value }, { method: 'REGISTER' });
  const ownVia = `SIP/2.0/${via};branch=z9hG4bKhuge${id}v`;
  return [
    ['one header', make({ Subject: fill('x', room) })],
    ['one header of spaces', make({ Subject: fill(' ', room) })],
    ['one header of folds', make({ Subject: `a${fill('\r\n ', room)}b` })],
    ['one header of bytes beyond ASCII', make({ Subject: fill('\xf0\x9f\x93\x9e', room) })],
    ['thousands of headers', make({ X: `a${fill('\r\nX: y', room)}` })],
    ['thousands of headers without a value', make({ X: `a${fill('\r\nX:', room)}` })],
    ['thousands of Content-Length', make({ X: `a${fill('\r\nContent-Length: 0', room)}` })],
    ['commas in Via', make({ Via: ownVia + fill(',', room) })],
    ['commas in Route', make({ Route: fill(',', room) })],
    ['commas in Record-Route', make({ 'Record-Route': fill(',', room) })],
    ['commas in Contact', register(fill(',', room))],
    ['commas in From', make({ From: fill(',', room) })],
    ['thousands of Via values', make({ Via: `${ownVia}${fill(', SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bKa', room)}` })],
    ['thousands of own Vias', make({ Via: `${ownVia}${fill(`, SIP/2.0/UDP ${shim};branch=z9hG4bKa`, room)}` })],
    ['thousands of Via lines', make({ Via: `${ownVia}${fill('\r\nv:SIP/2.0/UDP a;branch=z9hG4bKa', room)}` })],
    ['thousands of own Routes', make({ Route: `<sip:${shim};lr>${fill(`,<sip:${shim};lr>`, room)}` })],
    ['thousands of Route values', make({ Route: `<sip:${shim};lr>${fill(',<sip:127.0.0.1:9;lr>', room)}` })],
    ['thousands of Contacts', register(`<${contact}>${fill(',<sip:a@127.0.0.9>', room)}`)],
    ['thousands of Contacts that differ', register(contacts(room))],
    ['dozens of long Contacts that differ', register(longContacts(room))],
    ['parameters in Via', make({ Via: ownVia + fill(';a=b', room) })],
    ['parameters in From', make({ From: `<sip:huge@${domain}>${fill(';a=b', room)};tag=x` })],
    ['parameters that differ in From', make({ From: `<sip:huge@${domain}>${numbered(';p', room)};tag=x` })],
    ['parameters in Contact', register(`<${contact}>${fill(';a=b', room)}`)],
    ['parameters in the Contact URI', register(`<${contact}${fill(';a=b', room)}>`)],
    ['parameters in the Request-URI', make({}, { uri: `${to}${fill(';a=b', room)}` })],
    ['headers in the Request-URI', make({}, { uri: `${to}?a=b${fill('&a=b', room)}` })],
    ['semicolons in To', make({ To: `<${to}>${fill(';', room)}` })],
    ['escaped quotes in a display name', make({ From: `"${fill('\\"', room)}" <sip:huge@${domain}>;tag=x` })],
    ['a quote that does not end', make({ From: `"${fill('\\"', room)} <sip:huge@${domain}>;tag=x` })],
    ['quotes that open and close', register(fill('"a" ', room))],
    ['quoted parameters', make({ From: `<sip:huge@${domain}>;tag=x${fill(';a="\\\\"', room)}` })],
    ['angle brackets', make({ To: fill('<', room) })],
    ['pairs of angle brackets', register(fill('<>', room))],
    ['comments in comments', make({ 'User-Agent': fill('(', room) }, { method: 'REGISTER' })],
    ['tokens in a display name', make({ From: `${fill('a ', room)}<sip:huge@${domain}>;tag=x` })],
    ['a user', make({}, { uri: `sip:${fill('a', room)}@${domain}` })],
    ['a user of escapes', make({}, { uri: `sip:${fill('%61', room)}@${domain}` })],
    ['at signs', make({}, { uri: `sip:${fill('@', room)}${domain}` })],
    ['a host of dots', make({}, { uri: `sip:a@${fill('a.', room)}example` })],
    ['a host of hyphens', make({}, { uri: `sip:a@${fill('-', room)}` })],
    ['an IPv6 host of colons', make({}, { uri: `sip:a@[${fill(':', room)}]` })],
    ['a method', make({}, { method: fill('X', room / 2) })],
    ['a Call-ID', make({ 'Call-ID': fill('c', room) })],
    ['a tag', make({ From: `<sip:huge@${domain}>;tag=${fill('t', room)}` })],
    ['a branch', make({ Via: `SIP/2.0/${via};branch=z9hG4bK${fill('b', room)}` })],
    ['digits in CSeq', make({ CSeq: `${fill('1', room)} INVITE` })],
    ['digits in Content-Length', make({ 'Content-Length': fill('0', room) })],
    ['digits in Expires', make({ Expires: fill('9', room) }, { method: 'REGISTER' })],
    ['option tags in Proxy-Require', make({ 'Proxy-Require': `a${fill(',a', room)}` })],
    ['credentials', make({ Authorization: `Digest a="b"${fill(',a="b"', room)}` })],
    ['no header at all', fill('x', size)],
    ['NUL bytes', fill('\0', size)],
    ['line ends', fill('\r\n', size)],
    ['nothing but names', `INVITE ${to} SIP/2.0\r\n${fill('x\r\n', room)}`],
    ['a body', make({}, { body: fill('v=0\r\n', room) })],
    ['a body of media', make({}, { body: SDP + fill('m=audio 6000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n', room - SDP.length) })],
    ['a body of codecs', make({}, { body: `${SDP}m=audio 6000 RTP/AVP${fill(' 8', room - SDP.length - 22)}\r\n` })],
    ['a body of attributes', make({}, { body: SDP + fill('a=rtpmap:8 PCMA/8000\r\n', room - SDP.length) })],
  ];
}

function contacts(size: number): string {
  return numbered(',<sip:a@127.0.0.9:', size, '>').slice(1);
}

/** As many as a registrar compares, and each as long as can be. */
function longContacts(size: number): string {
  const each = Math.min(500, Math.floor(size / 64));
  const params = numbered(';p', each - 40);
  return Array.from({ length: 64 }, (_, i) => `<sip:a@127.0.0.9:5060${params};z=${100 + i}>`).join(',');
}

function numbered(unit: string, size: number, end = ''): string {
  const count = Math.floor(size / (unit.length + end.length + 4));
  return Array.from({ length: count }, (_, i) => `${unit}${1000 + i}${end}`).join('');
}
