import { canonicalAor } from '#protocol';
import { Recent } from '../recent.ts';
import { CLASS, COLON, decimal, equals, HEX, skipHost, URI } from './grammar.ts';
import { canonicalHost, parseIpv6, withoutThirdColon } from './ip.ts';
import { NO_PARAMS, type Params } from './params.ts';

/** A URI of RFC 3261 19.1 (`sip`, `sips`), RFC 3966 (`tel`), or any other: then `user` is all that follows the scheme. */
export interface SipUri {
  /** In lower case. */
  readonly scheme: 'sip' | 'sips' | 'tel' | (string & {});
  /** As received, escapes and all; '' where there is none. For `tel` the number. */
  readonly user: string;
  readonly password: string | undefined;
  /** In lower case; an IPv6 address keeps its brackets. '' for schemes without. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names unescaped, in lower case; values as received. */
  readonly params: Params;
  /** What follows `?`, as received; '' where there is nothing. */
  readonly headers: string;
}

/** URIs that are remembered as they were parsed: those of a call come by again and again. */
const REMEMBERED = 1_000;

const PARSED = new Recent(parse, REMEMBERED);

/** Parses a URI without the angle brackets around it; undefined where it is malformed. */
export function parseUri(text: string): SipUri | undefined {
  return PARSED.of(text);
}

function parse(text: string): SipUri | undefined {
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  for (let i = 0; i < text.length; i++) if (((CLASS[text.charCodeAt(i)] as number) & URI) === 0) return undefined;
  if (equals(text, 0, colon, 'sip')) return parseSip(text, colon + 1, 'sip');
  if (equals(text, 0, colon, 'sips')) return parseSip(text, colon + 1, 'sips');
  const scheme = text.slice(0, colon).toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || colon === text.length - 1) return undefined;
  if (scheme === 'tel') return parseTel(text, colon + 1);
  return {
    scheme,
    user: text.slice(colon + 1),
    password: undefined,
    host: '',
    port: undefined,
    params: NO_PARAMS,
    headers: '',
  };
}

/** RFC 3261 25.1: SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ] */
function parseSip(text: string, start: number, scheme: 'sip' | 'sips'): SipUri | undefined {
  const at = text.indexOf('@', start);
  let user = '';
  let password: string | undefined;
  let host = start;
  if (at !== -1) {
    // The user part must not be empty where there is an "@" (19.1.1), and only one "@" can stand unescaped.
    if (at === start || text.indexOf('@', at + 1) !== -1) return undefined;
    const colon = text.indexOf(':', start);
    const userEnd = colon !== -1 && colon < at ? colon : at;
    user = text.slice(start, userEnd);
    password = userEnd < at ? text.slice(userEnd + 1, at) : undefined;
    if (user === '' || !escapesHold(text, start, at)) return undefined;
    host = at + 1;
  }
  const hostEnd = skipHost(text, host, text.length);
  if (hostEnd === -1) return undefined;
  const name = withoutThirdColon(text.slice(host, hostEnd).toLowerCase());
  if (name.charCodeAt(0) === 0x5b && parseIpv6(name.slice(1, -1)) === undefined) return undefined;
  let i = hostEnd;
  let port: number | undefined;
  if (text.charCodeAt(i) === COLON) {
    const digits = i + 1;
    i = digits;
    while (i < text.length && text[i] !== ';' && text[i] !== '?') i++;
    port = decimal(text, digits, i, 65535);
    // Nothing can be sent to port 0 or beyond 65535.
    if (port < 1) return undefined;
  }
  const question = text.indexOf('?', i);
  const paramsEnd = question === -1 ? text.length : question;
  const params = parseUriParams(text, i, paramsEnd);
  if (params === undefined || !escapesHold(text, paramsEnd, text.length)) return undefined;
  return { scheme, user, password, host: name, port, params, headers: question === -1 ? '' : text.slice(question + 1) };
}

/** RFC 3966 3: telephone-uri = "tel:" telephone-subscriber */
function parseTel(text: string, start: number): SipUri | undefined {
  const semicolon = text.indexOf(';', start);
  const end = semicolon === -1 ? text.length : semicolon;
  const user = text.slice(start, end);
  if (!/^\+?[0-9a-fA-F*#().-]+$/.test(user)) return undefined;
  const params = parseUriParams(text, end, text.length);
  if (params === undefined) return undefined;
  return { scheme: 'tel', user, password: undefined, host: '', port: undefined, params, headers: '' };
}

function parseUriParams(text: string, pos: number, end: number): Params | undefined {
  if (pos === end) return NO_PARAMS;
  if (text[pos] !== ';' || !escapesHold(text, pos, end)) return undefined;
  const params = new Map<string, string | true>();
  for (let i = pos; i < end; ) {
    const semicolon = text.indexOf(';', i + 1);
    const next = semicolon === -1 || semicolon > end ? end : semicolon;
    const part = text.slice(i + 1, next);
    const equal = part.indexOf('=');
    const name = equal === -1 ? part : part.slice(0, equal);
    if (name === '') return undefined;
    const key = undoEscapes(name).toLowerCase();
    // 19.1.1: any given parameter-name MUST NOT appear more than once; the first holds.
    if (!params.has(key)) params.set(key, equal === -1 ? true : part.slice(equal + 1));
    i = next;
  }
  return params;
}

/** Whether each "%" in [pos, end) begins an escape of two hex digits. */
function escapesHold(text: string, pos: number, end: number): boolean {
  for (let i = text.indexOf('%', pos); i !== -1 && i < end; i = text.indexOf('%', i + 1)) {
    if (i + 2 >= end) return false;
    const high = CLASS[text.charCodeAt(i + 1)] as number;
    const low = CLASS[text.charCodeAt(i + 2)] as number;
    if ((high & low & HEX) === 0) return false;
  }
  return true;
}

/** Undoes every escape; the result is bytes, for comparing or showing and never for sending. */
export function undoEscapes(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%[0-9a-fA-F]{2}/g, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

/** The URI as text; host and names in lower case, everything else as it was received. */
export function formatUri(uri: SipUri): string {
  let out = `${uri.scheme}:${uri.user}`;
  if (uri.password !== undefined) out += `:${uri.password}`;
  if (uri.host !== '') out += uri.user === '' ? uri.host : `@${uri.host}`;
  if (uri.port !== undefined) out += `:${uri.port}`;
  for (const [name, value] of uri.params) out += value === true ? `;${escapeName(name)}` : `;${escapeName(name)}=${value}`;
  return uri.headers === '' ? out : `${out}?${uri.headers}`;
}

function escapeName(name: string): string {
  return name.replace(
    /[^a-z0-9_.!~*'()[\]/:&+$-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** RFC 3261 19.1.4: whether two URIs are equivalent. A URI that is malformed is equivalent to itself only. */
export function uriEqual(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseUri(a);
  const right = parseUri(b);
  return left !== undefined && right !== undefined && sameUri(left, right);
}

/** `uriEqual` of URIs that are parsed already, for comparing one with many. */
export function sameUri(left: SipUri, right: SipUri): boolean {
  if (left.scheme !== right.scheme) return false;
  if (left.scheme === 'tel') return telDigits(left.user) === telDigits(right.user) && sameParams(left.params, right.params, true);
  if (left.host === '') return false;
  // "A URI omitting the user component will not match a URI that includes one"; the same for password and port.
  return (
    canonical(left.user) === canonical(right.user) &&
    (left.password === undefined) === (right.password === undefined) &&
    canonical(left.password ?? '') === canonical(right.password ?? '') &&
    canonicalHost(left.host) === canonicalHost(right.host) &&
    left.port === right.port &&
    sameParams(left.params, right.params, false) &&
    sameHeaders(left.headers, right.headers)
  );
}

/** These never match a URI without them, even where they have their default value. */
const STRICT_PARAMS: ReadonlySet<string> = new Set(['user', 'ttl', 'method', 'maddr', 'transport']);

function sameParams(a: Params, b: Params, all: boolean): boolean {
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined ? all || STRICT_PARAMS.has(name) : !sameValue(value, other)) return false;
  }
  for (const name of b.keys()) if (!a.has(name) && (all || STRICT_PARAMS.has(name))) return false;
  return true;
}

function sameValue(a: string | true, b: string | true): boolean {
  if (a === true || b === true) return a === b;
  return canonical(a).toLowerCase() === canonical(b).toLowerCase();
}

/** "URI header components are never ignored. Any present header component MUST be present in both URIs", in any order. */
function sameHeaders(a: string, b: string): boolean {
  if (a === b) return true;
  const list = (text: string) =>
    text
      .split('&')
      .map((part) => {
        const equal = part.indexOf('=');
        if (equal === -1) return canonical(part).toLowerCase();
        return `${canonical(part.slice(0, equal)).toLowerCase()}=${canonical(part.slice(equal + 1))}`;
      })
      .sort()
      .join('&');
  return list(a) === list(b);
}

/** "Characters other than those in the reserved set are equivalent to their "%" HEX HEX encoding". */
function canonical(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%[0-9a-fA-F]{2}/g, (code) => {
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[;/?:@&=+$,%]/.test(char) ? code.toUpperCase() : char;
  });
}

/** RFC 3966 4: visual separators are not regarded. */
function telDigits(number: string): string {
  return number.replace(/[-.()]/g, '').toLowerCase();
}

/** RFC 3261 10.3 step 5: the canonical address of record of a SIP URI; undefined where it has none. */
export function aorOf(uri: string): string | undefined {
  return canonicalAor(uri);
}
