import { reader, u32 } from './bytes.ts';

/** One captured frame. */
export interface Frame {
  /** ms since 1970. */
  readonly at: number;
  /** Link-layer type (`LINKTYPE_...`, www.tcpdump.org/linktypes.html). */
  readonly link: number;
  readonly bytes: string;
}

/** The frames of a capture file, and why its reading ended before its end; '' where it did not. */
export interface CaptureFile {
  readonly frames: Frame[];
  readonly damage: string;
  /** Frames of which not all was captured. */
  readonly cut: number;
}

/** Frames longer than this are damage: no link carries them. */
const LONGEST_FRAME = 262_144;

const MAGICS = new Map([
  [0xa1b2c3d4, { little: false, perMs: 1000 }],
  [0xd4c3b2a1, { little: true, perMs: 1000 }],
  [0xa1b23c4d, { little: false, perMs: 1_000_000 }],
  [0x4d3cb2a1, { little: true, perMs: 1_000_000 }],
]);
const SECTION = 0x0a0d0d0a;

/** Whether these bytes begin a file of either kind. */
export const isCapture = (text: string): boolean => MAGICS.has(u32(text, 0)) || u32(text, 0) === SECTION;

/** Reads a pcap or pcapng file; never throws. What was read before the damage stands. */
export function readCapture(text: string): CaptureFile {
  return u32(text, 0) === SECTION ? readPcapng(text) : readPcap(text);
}

/** draft-ietf-opsawg-pcap. */
function readPcap(text: string): CaptureFile {
  const frames: Frame[] = [];
  const format = MAGICS.get(u32(text, 0));
  if (format === undefined || text.length < 24) return { frames, damage: 'not a capture file', cut: 0 };
  const read = reader(format.little);
  // The upper bits say how long a frame check sequence is.
  const link = read.u32(text, 20) & 0xffff;
  let cut = 0;
  let pos = 24;
  while (pos < text.length) {
    if (text.length - pos < 16) return { frames, damage: `cut off at byte ${pos}`, cut };
    const [length, whole] = [read.u32(text, pos + 8), read.u32(text, pos + 12)];
    if (length > LONGEST_FRAME) return { frames, damage: `no frame header at byte ${pos}`, cut };
    if (pos + 16 + length > text.length) return { frames, damage: `cut off at byte ${pos}`, cut };
    if (length < whole) cut += 1;
    const at = read.u32(text, pos) * 1000 + Math.floor(read.u32(text, pos + 4) / format.perMs);
    frames.push({ at, link, bytes: text.slice(pos + 16, pos + 16 + length) });
    pos += 16 + length;
  }
  return { frames, damage: '', cut };
}

/** An interface of a section: its link type, and how many ticks of its clock are a second. */
interface Interface {
  readonly link: number;
  readonly ticks: number;
}

/** draft-ietf-opsawg-pcapng: section headers, interfaces, enhanced and simple packets; all other blocks are passed over. */
function readPcapng(text: string): CaptureFile {
  const frames: Frame[] = [];
  let read = reader(false);
  let interfaces: Interface[] = [];
  let cut = 0;
  let pos = 0;
  while (pos < text.length) {
    if (text.length - pos < 12) return { frames, damage: `cut off at byte ${pos}`, cut };
    if (u32(text, pos) === SECTION) {
      read = reader(u32(text, pos + 8) === 0x4d3c2b1a);
      interfaces = [];
    }
    const [type, length] = [read.u32(text, pos), read.u32(text, pos + 4)];
    if (length < 12 || length % 4 !== 0) return { frames, damage: `no block at byte ${pos}`, cut };
    if (pos + length > text.length) return { frames, damage: `cut off at byte ${pos}`, cut };
    const body = pos + 8;
    if (type === 1) interfaces.push({ link: read.u16(text, body), ticks: ticksOf(text, body + 8, pos + length - 4, read) });
    if (type === 6) {
      const from = interfaces[read.u32(text, body)];
      const captured = read.u32(text, body + 12);
      if (from === undefined || captured > length - 32) return { frames, damage: `no packet in the block at byte ${pos}`, cut };
      const at = ((read.u32(text, body + 4) * 4_294_967_296 + read.u32(text, body + 8)) / from.ticks) * 1000;
      if (captured < read.u32(text, body + 16)) cut += 1;
      frames.push({ at: Math.floor(at), link: from.link, bytes: text.slice(body + 20, body + 20 + captured) });
    }
    if (type === 3 && interfaces[0] !== undefined) {
      // Without a time: that of the packet before.
      const captured = Math.min(read.u32(text, body), length - 16);
      frames.push({ at: frames.at(-1)?.at ?? 0, link: interfaces[0].link, bytes: text.slice(body + 4, body + 4 + captured) });
    }
    pos += length;
  }
  return { frames, damage: '', cut };
}

/** Option if_tsresol (9): a power of ten, or of two where the highest bit is set; microseconds where it is not given. */
function ticksOf(text: string, from: number, end: number, read: ReturnType<typeof reader>): number {
  for (let pos = from; pos + 4 <= end; ) {
    const [code, length] = [read.u16(text, pos), read.u16(text, pos + 2)];
    if (code === 0) break;
    if (code === 9 && length === 1) {
      const value = text.charCodeAt(pos + 4);
      return value >= 0x80 ? 2 ** (value & 0x3f) : 10 ** Math.min(value, 12);
    }
    pos += 4 + length + ((4 - (length % 4)) % 4);
  }
  return 1_000_000;
}
