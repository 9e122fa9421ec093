import { decodeHep, PROTOCOL_SIP } from '../hep/packet.ts';
import type { Observed } from '../mirror/reorder.ts';
import type { MessageLimits } from '../sip/index.ts';
import { isCapture, readCapture } from './file.ts';
import { packetOf } from './packet.ts';
import { Streams } from './streams.ts';
import { readTrace } from './trace.ts';

/** The SIP messages of a file in the order of their time, and what else was in it: how many of what. */
export interface Capture {
  readonly messages: Observed[];
  readonly skipped: ReadonlyMap<string, number>;
}

/** TCP connections followed at once, and bytes held of one until those before them come. */
const STREAMS = 4096;
const EARLY = 1_048_576;

const SIP = /^(?:SIP\/2\.0 \d{3}|[A-Za-z]+ \S+ SIP\/2\.0\r\n)/;

/** Reads a capture (pcap, pcapng) or a text trace, a byte string. Never throws: what cannot be read is counted. */
export function readMessages(text: string, limits: MessageLimits): Capture {
  const skipped = new Map<string, number>();
  const skip = (what: string, count = 1) => {
    if (count > 0) skipped.set(what, (skipped.get(what) ?? 0) + count);
  };
  if (!isCapture(text)) {
    const trace = readTrace(text);
    skip('line that belongs to no message', trace.skipped);
    return { messages: trace.messages.sort((a, b) => a.at - b.at), skipped };
  }
  const messages: Observed[] = [];
  const streams = new Streams(limits, STREAMS, EARLY);
  const file = readCapture(text);
  for (const { at, link, bytes } of file.frames) {
    const packet = packetOf(link, bytes);
    if (typeof packet === 'string') {
      skip(`frame: ${packet}`);
      continue;
    }
    const { source, destination, payload } = packet;
    if (packet.protocol === 'tcp') {
      for (const text of streams.push(packet)) messages.push({ text, transport: 'tcp', source, destination, at });
    } else if (payload.startsWith('HEP3')) {
      const result = decodeHep(payload, limits.headerBytes + limits.bodyBytes);
      if (!result.ok) skip(`HEP packet: ${result.fault}`);
      else if (result.packet.payloadType !== PROTOCOL_SIP) skip('HEP packet: not SIP');
      else {
        const { packet: inner } = result;
        const transport = inner.protocol === 6 ? 'tcp' : 'udp';
        messages.push({ text: inner.payload, transport, source: inner.source, destination: inner.destination, at: inner.at });
      }
    } else if (SIP.test(payload)) messages.push({ text: payload, transport: 'udp', source, destination, at });
    else skip('datagram: not SIP');
  }
  skip('frame: not captured as a whole', file.cut);
  skip('TCP segment: not SIP, or the begin is missing', streams.other);
  skip('TCP: bytes missing or not SIP', streams.gaps);
  if (file.damage !== '') skip(`rest of the file: ${file.damage}`);
  return { messages: messages.sort((a, b) => a.at - b.at), skipped };
}
