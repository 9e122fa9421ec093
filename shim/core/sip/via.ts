import {
  COLON,
  COMMA,
  DIGIT,
  decimal,
  equals,
  QUOTE,
  SEMICOLON,
  SP,
  skip,
  skipHost,
  skipLws,
  skipParams,
  skipQuoted,
  TOKEN,
  VALUE,
} from './grammar.ts';
import { FIELD_END, FIELD_VALUE, fieldAt, type Message, STRIDE } from './message.ts';
import { VIA } from './names.ts';
import { NO_PARAMS, type Params, parseParams } from './params.ts';

/** One `via-parm` (RFC 3261 20.42). */
export interface Via {
  /** In upper case, without white space: `SIP/2.0`. Any other is grammatical too, and a request with one is answered 505. */
  readonly protocol: string;
  /** In upper case: UDP, TCP, TLS, WS, ... */
  readonly transport: string;
  /** sent-by host as received; an IPv6 address keeps its brackets. */
  readonly host: string;
  /** sent-by port; undefined where it is left to the transport's default. */
  readonly port: number | undefined;
  readonly params: Params;
  readonly branch?: string;
  readonly received?: string;
  /** RFC 3581: `true` asks for it, a number is the answer. */
  readonly rport?: number | true;
}

/** Offsets of the parts of one via-parm; params begin at `params`, where white space may stand. */
interface Parts {
  readonly protocolEnd: number;
  readonly transport: number;
  readonly transportEnd: number;
  readonly host: number;
  readonly hostEnd: number;
  readonly port: number | undefined;
  readonly params: number;
}

/** sent-protocol LWS sent-by, with the white space that RFC 3261 25.1 allows around "/" and ":". */
function parts(text: string, pos: number, end: number): Parts | undefined {
  const name = skip(text, pos, end, TOKEN);
  const version = slash(text, name, end);
  if (name === pos || version === -1) return undefined;
  const versionEnd = skip(text, version, end, TOKEN);
  const transport = slash(text, versionEnd, end);
  if (versionEnd === version || transport === -1) return undefined;
  const transportEnd = skip(text, transport, end, TOKEN);
  const host = skipLws(text, transportEnd, end);
  if (transportEnd === transport || host === transportEnd) return undefined;
  const hostEnd = skipHost(text, host, end);
  if (hostEnd === -1) return undefined;
  const i = skipLws(text, hostEnd, end);
  if (i === end || text.charCodeAt(i) !== COLON)
    return { protocolEnd: versionEnd, transport, transportEnd, host, hostEnd, port: undefined, params: hostEnd };
  const digits = skipLws(text, i + 1, end);
  const digitsEnd = skip(text, digits, end, DIGIT);
  const port = decimal(text, digits, digitsEnd, 65535);
  return port < 1 ? undefined : { protocolEnd: versionEnd, transport, transportEnd, host, hostEnd, port, params: digitsEnd };
}

function protocol(text: string, pos: number, end: number): string {
  return end - pos === 7 && text.startsWith('SIP/2.0', pos) ? 'SIP/2.0' : text.slice(pos, end).replace(/\s+/g, '').toUpperCase();
}

function slash(text: string, pos: number, end: number): number {
  const i = skipLws(text, pos, end);
  return i < end && text[i] === '/' ? skipLws(text, i + 1, end) : -1;
}

/** The position after the via-parm at `pos` (at its comma, or `end`), or -1 where it is malformed. */
export function skipVia(text: string, pos: number, end: number): number {
  const found = parts(text, pos, end);
  const after = found === undefined ? -1 : skipParams(text, found.params, end);
  return after === -1 || (after < end && text.charCodeAt(after) !== COMMA) ? -1 : after;
}

/** Parses one via-parm and tells where it ended. */
export function parseVia(text: string, pos: number, end: number): { via: Via; end: number } | undefined {
  const found = parts(text, pos, end);
  const rest = found === undefined ? undefined : parseParams(text, found.params, end);
  if (found === undefined || rest === undefined || (rest.end < end && text.charCodeAt(rest.end) !== COMMA)) return undefined;
  const via = sentBy(text, pos, found, rest.params);
  const branch = rest.params.get('branch');
  const received = rest.params.get('received');
  const rport = rest.params.get('rport');
  if (typeof branch === 'string') via.branch = branch;
  if (typeof received === 'string') via.received = received;
  if (rport !== undefined) {
    const port = rport === true ? true : decimal(rport, 0, rport.length, 65535);
    if (port !== -1) via.rport = port;
  }
  return { via, end: rest.end };
}

/**
 * The topmost Via value. Where it is malformed behind sent-by (RFC 4475 3.1.2.1), what can be read of it, without parameters: enough to
 * send the 400 back.
 */
export function topVia(message: Message): Via | undefined {
  const { decoded } = message;
  if (decoded.via === undefined) decoded.via = decodeTop(message) ?? null;
  return decoded.via ?? undefined;
}

function decodeTop(message: Message): Via | undefined {
  const at = fieldAt(message, VIA, 0);
  if (at === -1) return undefined;
  const { text, fields } = message;
  const pos = fields[at + FIELD_VALUE] as number;
  const end = fields[at + FIELD_END] as number;
  const parsed = parseVia(text, pos, end);
  if (parsed !== undefined) return parsed.via;
  const found = parts(text, pos, end);
  return found === undefined ? undefined : sentBy(text, pos, found, NO_PARAMS);
}

/** Whether at least protocol and sent-by of the via-parm at `pos` can be read. */
export function sentByHolds(text: string, pos: number, end: number): boolean {
  return parts(text, pos, end) !== undefined;
}

function sentBy(text: string, pos: number, found: Parts, params: Params): { -readonly [K in keyof Via]: Via[K] } {
  return {
    protocol: protocol(text, pos, found.protocolEnd),
    transport: transport(text, found.transport, found.transportEnd),
    host: text.slice(found.host, found.hostEnd),
    port: found.port,
    params,
  };
}

function transport(text: string, pos: number, end: number): string {
  return end - pos === 3 && text.startsWith('UDP', pos) ? 'UDP' : text.slice(pos, end).toUpperCase();
}

/** All Via values from the top; undefined where there is none or one is malformed. */
export function vias(message: Message): readonly Via[] | undefined {
  const { decoded } = message;
  if (decoded.vias === undefined) decoded.vias = decodeAll(message) ?? null;
  return decoded.vias ?? undefined;
}

function decodeAll(message: Message): Via[] | undefined {
  const out: Via[] = [];
  for (let at = fieldAt(message, VIA, 0); at !== -1; at = fieldAt(message, VIA, at + STRIDE)) {
    const end = message.fields[at + FIELD_END] as number;
    let pos = message.fields[at + FIELD_VALUE] as number;
    for (;;) {
      const parsed = parseVia(message.text, pos, end);
      if (parsed === undefined) return undefined;
      out.push(parsed.via);
      if (parsed.end === end) break;
      pos = skipLws(message.text, parsed.end + 1, end);
    }
  }
  return out.length === 0 ? undefined : out;
}

/** Formats a via-parm for a request of our own. */
export function formatVia(via: { transport: string; host: string; port?: number; branch: string; rport?: boolean }): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  const host = via.host.includes(':') && !via.host.startsWith('[') ? `[${via.host}]` : via.host;
  return `SIP/2.0/${via.transport.toUpperCase()} ${host}${port};branch=${via.branch}${via.rport ? ';rport' : ''}`;
}

/** What a server adds to the topmost Via of a request: where it came from. */
export interface ViaStamp {
  /** RFC 3261 18.2.1: the source address, IPv6 without brackets. */
  readonly received?: string;
  /** RFC 3581 4: the source port, where the Via asks for it. */
  readonly rport?: number;
}

/**
 * The via-parm in [pos, end) with `received` set, and with `rport` filled where the Via has that parameter. Every other byte stays.
 * RFC 3581 4: "When a server compliant to this specification ... receives a request, it examines the topmost Via header field value. If
 * this Via header field value contains an "rport" parameter with no value, it MUST set the value of the parameter to the source port".
 * What the client itself wrote into `received` or `rport` is replaced: it is not its to say.
 */
export function stampVia(text: string, pos: number, end: number, stamp: ViaStamp): string {
  const found = parts(text, pos, end);
  if (found === undefined) return text.slice(pos, end);
  let out = '';
  let kept = pos;
  let received = stamp.received;
  let i = skipLws(text, found.params, end);
  while (i < end && text.charCodeAt(i) === SEMICOLON) {
    const name = skipLws(text, i + 1, end);
    const nameEnd = skip(text, name, end, TOKEN);
    let next = skipLws(text, nameEnd, end);
    let valueEnd = nameEnd;
    if (next < end && text[next] === '=') {
      const value = skipLws(text, next + 1, end);
      valueEnd = text.charCodeAt(value) === QUOTE ? skipQuoted(text, value, end) : skip(text, value, end, VALUE);
      next = skipLws(text, valueEnd, end);
    }
    if (stamp.rport !== undefined && equals(text, name, nameEnd, 'rport')) {
      out += `${text.slice(kept, nameEnd)}=${stamp.rport}`;
      kept = valueEnd;
    } else if (received !== undefined && equals(text, name, nameEnd, 'received')) {
      out += `${text.slice(kept, nameEnd)}=${received}`;
      kept = valueEnd;
      received = undefined;
    }
    i = next;
  }
  let last = end;
  while (last > kept && (text.charCodeAt(last - 1) === SP || text.charCodeAt(last - 1) <= 0x0d)) last--;
  out += text.slice(kept, last);
  return received === undefined ? out + text.slice(last, end) : `${out};received=${received}${text.slice(last, end)}`;
}
