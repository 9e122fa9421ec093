import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Records of a zone, by type and name: `A pbx.example`. */
export interface Zone {
  readonly [question: string]: readonly ZoneRecord[];
}

export type ZoneRecord =
  | { readonly address: string; readonly ttl?: number }
  | { readonly priority: number; readonly weight: number; readonly port: number; readonly name: string }
  | {
      readonly order: number;
      readonly preference: number;
      readonly flags: string;
      readonly service: string;
      readonly replacement: string;
    };

export interface DnsServer {
  /** `127.0.0.1:port`, as `Resolver.setServers` takes it. */
  readonly address: string;
  /** The questions, in the order in which they came: `NAPTR pbx.example`. */
  readonly asked: string[];
  /** May be changed at any time. Undefined: it answers nothing at all. */
  zone: Zone | undefined;
  close(): void;
}

const TYPES: { readonly [number: number]: string } = { 1: 'A', 28: 'AAAA', 33: 'SRV', 35: 'NAPTR' };

/** A DNS server at a free UDP port of 127.0.0.1 that tells what the zone says (RFC 1035 4, 2782, 3403), and of the rest that it is not. */
export async function dnsServer(zone: Zone): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (packet, { address, port }) => {
    const { name, end } = nameAt(packet, 12);
    const type = TYPES[packet.readUInt16BE(end)] ?? '?';
    asked.push(`${type} ${name}`);
    if (server.zone === undefined) return;
    const records = server.zone[`${type} ${name}`] ?? [];
    const header = Buffer.alloc(12);
    packet.copy(header, 0, 0, 2);
    // RFC 1035 4.1.1: a response, with recursion desired and available; 3 where there is no such name.
    header.writeUInt16BE(records.length > 0 ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const question = packet.subarray(12, end + 4);
    socket.send(
      Buffer.concat([header, question, ...records.map((record) => answer(packet.readUInt16BE(end), record))]),
      port,
      address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const server: DnsServer = { address: `127.0.0.1:${socket.address().port}`, asked, zone, close: () => socket.close() };
  return server;
}

function nameAt(packet: Buffer, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = from;
  for (let length = packet[at] ?? 0; length > 0; length = packet[at] ?? 0) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function answer(type: number, record: ZoneRecord): Buffer {
  const data = dataOf(record);
  const head = Buffer.alloc(12);
  // 4.1.4: the name is that of the question, which stands at offset 12.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE('address' in record ? (record.ttl ?? 300) : 300, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(record: ZoneRecord): Buffer {
  if ('address' in record) return Buffer.from(record.address.split('.').map(Number));
  if ('weight' in record) return Buffer.concat([numbers(record.priority, record.weight, record.port), encoded(record.name)]);
  const { order, preference, flags, service, replacement } = record;
  return Buffer.concat([numbers(order, preference), text(flags), text(service), text(''), encoded(replacement)]);
}

const numbers = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
const text = (value: string): Buffer => Buffer.from([value.length, ...Buffer.from(value, 'latin1')]);
const encoded = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map(text),
    Buffer.from([0]),
  ]);
