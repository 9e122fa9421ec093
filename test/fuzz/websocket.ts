import { connect, type Socket } from 'node:net';
import { soon } from '../support/until.ts';

/** RFC 6455 4.1, RFC 7118 4.1: what a browser asks before the first frame. */
const HANDSHAKE = [
  'GET / HTTP/1.1',
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: sip',
  '',
  '',
].join('\r\n');

/** How often the handshake itself, the head of a frame, or its place in a message is other than a browser makes it. */
const DAMAGE = 0.2;

/** Sends the texts in frames of one WebSocket connection, some of them damaged; resolves when the connection has ended. */
export async function overWebSocket(
  port: number,
  texts: readonly string[],
  chance: () => number,
  patience: number,
): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  socket.resume();
  const at = Math.floor(chance() * HANDSHAKE.length);
  const handshake = chance() < DAMAGE / 4 ? `${HANDSHAKE.slice(0, at)}${byte(chance)}${HANDSHAKE.slice(at + 1)}` : HANDSHAKE;
  socket.write(handshake, 'latin1');
  for (const text of texts) {
    if (socket.destroyed) break;
    socket.write(frame(text, chance), 'latin1');
  }
  socket.end();
  const timer = setTimeout(() => socket.destroy(), patience / 2);
  await soon('a WebSocket connection ends', closed(socket), patience);
  clearTimeout(timer);
}

/** Resolves when the connection has ended, also where it was reset. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
}

/** RFC 6455 5.2: a masked text frame, or something near to one. */
function frame(text: string, chance: () => number): string {
  const whole = text.slice(0, 65_535);
  const damaged = chance() < DAMAGE;
  const first = damaged ? byte(chance) : '\x81';
  const masked = !damaged || chance() < 0.8 ? 0x80 : 0;
  const length = damaged && chance() < 0.3 ? Math.floor(chance() * 65_536) : whole.length;
  const size = length < 126 ? char(masked | length) : char(masked | 126) + char(length >> 8) + char(length & 0xff);
  // A mask of zeroes leaves the text as it is.
  const mask = masked === 0 ? '' : '\0\0\0\0';
  const made = first + size + mask + whole;
  return damaged && chance() < 0.3 ? made.slice(0, Math.floor(chance() * made.length)) : made;
}

const char = (code: number): string => String.fromCharCode(code);
const byte = (chance: () => number): string => char(Math.floor(chance() * 256));
