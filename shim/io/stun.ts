import { isIPv6 } from 'node:net';

const HEADER = 20;
const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;
/** Attributes that must be understood, of one request (RFC 5389 7.3.1): more are not told. */
const MAX_UNKNOWN = 8;

/**
 * RFC 5626 4.4.2: whether that datagram is STUN and not SIP. RFC 5389 6: "The most significant 2 bits of every STUN message MUST be zeroes",
 * where no SIP message begins with such a byte, and the magic cookie is there.
 */
export function isStun(datagram: Buffer): boolean {
  return (datagram[0] as number) < 4 && datagram.length >= HEADER && datagram.readUInt32BE(4) === COOKIE;
}

/**
 * The answer to a STUN binding request: the address it came from, by which a phone behind NAT sees that its flow is the one that it was.
 * Undefined where nothing is to be answered.
 */
export function stunAnswer(request: Buffer, remote: { readonly address: string; readonly port: number }): Buffer | undefined {
  if (request.readUInt16BE(0) !== BINDING_REQUEST || request.readUInt16BE(2) !== request.length - HEADER) return undefined;
  const unknown: number[] = [];
  for (let at = HEADER; at + 4 <= request.length; ) {
    const type = request.readUInt16BE(at);
    // RFC 5389 7.3.1: "If the request contains one or more unknown comprehension-required attributes, the server replies with an error
    // response with an error code of 420 (Unknown Attribute)".
    if (type < 0x8000 && unknown.length < MAX_UNKNOWN) unknown.push(type);
    at += 4 + ((request.readUInt16BE(at + 2) + 3) & ~3);
  }
  const id = request.subarray(4, HEADER);
  if (unknown.length === 0) return message(BINDING_SUCCESS, id, attribute(XOR_MAPPED_ADDRESS, mapped(remote, id)));
  const types = Buffer.concat(unknown.map(short));
  return message(BINDING_ERROR, id, attribute(ERROR_CODE, Buffer.from([0, 0, 4, 20])), attribute(UNKNOWN_ATTRIBUTES, types));
}

/** RFC 5389 15.2: port and address, each XORed with the magic cookie, IPv6 with the transaction as well. */
function mapped({ address, port }: { readonly address: string; readonly port: number }, id: Buffer): Buffer {
  const v6 = isIPv6(address);
  const bytes = v6 ? bytesOfIpv6(address) : Buffer.from(address.split('.').map(Number));
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (id[i] as number);
  return Buffer.concat([Buffer.from([0, v6 ? 2 : 1]), short(port ^ (COOKIE >>> 16)), bytes]);
}

function bytesOfIpv6(address: string): Buffer {
  const [before = '', after] = address.replace(/%.*$/, '').split('::');
  const groups = (text: string | undefined) => (text ? text.split(':').flatMap(group) : []);
  const [head, tail] = [groups(before), groups(after)];
  const all = [...head, ...new Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail];
  return Buffer.concat(all.slice(0, 8).map(short));
}

/** One group, or the two that an embedded IPv4 address stands for. */
function group(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

function short(value: number): Buffer {
  return Buffer.from([(value >> 8) & 0xff, value & 0xff]);
}

function attribute(type: number, value: Buffer): Buffer {
  return Buffer.concat([short(type), short(value.length), value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

function message(type: number, id: Buffer, ...attributes: Buffer[]): Buffer {
  const body = Buffer.concat(attributes);
  return Buffer.concat([short(type), short(body.length), id, body]);
}
