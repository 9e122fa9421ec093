import { ipBytes, uint16, uint32 } from './hep.ts';

/** A frame of a capture file of a test: the bytes, and when, ms. */
export interface TestFrame {
  readonly at: number;
  readonly bytes: string;
}

type Place = readonly [address: string, port: number];

const pad4 = (text: string): string => text + '\0'.repeat((4 - (text.length % 4)) % 4);
const swap = (text: string): string => [...text].reverse().join('');

/** A classic pcap file. `little`: written on a little-endian machine, as most are; `nano`: with nanoseconds. */
export function pcapFile(frames: readonly TestFrame[], link = 1, { little = true, nano = false } = {}): string {
  const n = (value: number, write: (value: number) => string) => (little ? swap(write(value)) : write(value));
  const header = [
    n(nano ? 0xa1b23c4d : 0xa1b2c3d4, uint32),
    n(2, uint16),
    n(4, uint16),
    ...[0, 0, 65_535, link].map((v) => n(v, uint32)),
  ];
  const records = frames.map(({ at, bytes }) => {
    const part = (at % 1000) * (nano ? 1_000_000 : 1000);
    return [Math.floor(at / 1000), part, bytes.length, bytes.length].map((v) => n(v, uint32)).join('') + bytes;
  });
  return header.join('') + records.join('');
}

/** A pcapng file: section header, one interface, enhanced packets, and a block of a kind that nobody knows. */
export function pcapngFile(frames: readonly TestFrame[], link = 1): string {
  const block = (type: number, body: string) => uint32(type) + uint32(12 + body.length) + body + uint32(12 + body.length);
  const packet = ({ at, bytes }: TestFrame) => {
    const ticks = at * 1000;
    const time = uint32(Math.floor(ticks / 4_294_967_296)) + uint32(ticks % 4_294_967_296);
    return block(6, uint32(0) + time + uint32(bytes.length) + uint32(bytes.length) + pad4(bytes));
  };
  const section = block(0x0a0d0d0a, `${uint32(0x1a2b3c4d)}${uint16(1)}${uint16(0)}${'\xff'.repeat(8)}`);
  return section + block(1, uint16(link) + uint16(0) + uint32(0)) + block(0x0bad, 'what?...') + frames.map(packet).join('');
}

/** An IP packet, version 4 or 6 by its addresses. */
export function ip(source: Place, destination: Place, protocol: number, payload: string, fragment = 0): string {
  if (source[0].includes(':')) {
    return `\x60\0\0\0${uint16(payload.length)}${String.fromCharCode(protocol)}\x40${ipBytes(source[0])}${ipBytes(destination[0])}${payload}`;
  }
  const head = `\x45\0${uint16(20 + payload.length)}\0\0${uint16(fragment)}\x40${String.fromCharCode(protocol)}\0\0`;
  return head + ipBytes(source[0]) + ipBytes(destination[0]) + payload;
}

export const udp = (source: Place, destination: Place, payload: string): string =>
  ip(source, destination, 17, uint16(source[1]) + uint16(destination[1]) + uint16(8 + payload.length) + uint16(0) + payload);

export const tcp = (source: Place, destination: Place, sequence: number, payload: string, flags = 0x18): string =>
  ip(
    source,
    destination,
    6,
    `${uint16(source[1])}${uint16(destination[1])}${uint32(sequence)}${uint32(0)}\x50${String.fromCharCode(flags)}${uint16(1000)}\0\0\0\0${payload}`,
  );

/** The packet in the frame of a link, by its link type. */
export function framed(link: number, packet: string): string {
  const type = packet.startsWith('\x60') ? uint16(0x86dd) : uint16(0x0800);
  const frames: Record<number, string> = {
    0: `\x02\0\0\0${packet}`,
    1: `${'\0'.repeat(12)}${type}${packet}`,
    101: packet,
    113: `${'\0'.repeat(14)}${type}${packet}`,
    276: `${type}${'\0'.repeat(18)}${packet}`,
  };
  return frames[link] ?? packet;
}
