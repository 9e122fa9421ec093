/**
 * A process that floods: `flooder.ts PORT RATE SECONDS ADDRESS` sends so many REGISTERs a second from that address, each of another user. Says
 * that it is ready, begins when it is told anything, and says how many it has sent.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const [port = 0, rate = 0, seconds = 0] = process.argv.slice(2, 5).map(Number);
const address = process.argv[5] ?? '127.0.0.9';
const socket = createSocket('udp4');
socket.bind(0, address);
await once(socket, 'listening');
const own = socket.address().port;
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const began = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const elapsed = (performance.now() - began) / 1000;
  for (const due = Math.min(elapsed, seconds) * rate; sent < due; sent++) {
    const aor = `sip:flood${sent % 50_000}@example.com`;
    const lines = [
      'REGISTER sip:example.com SIP/2.0',
      `Via: SIP/2.0/UDP ${address}:${own};branch=z9hG4bKf${sent}`,
      'Max-Forwards: 70',
      `From: <${aor}>;tag=f`,
      `To: <${aor}>`,
      `Call-ID: flood-${sent}`,
      'CSeq: 1 REGISTER',
      `Contact: <${aor.replace('example.com', `${address}:${own}`)}>`,
      'Expires: 3600',
      'Content-Length: 0',
    ];
    socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
  }
  if (elapsed < seconds) return;
  clearInterval(timer);
  process.stdout.write(`${sent}\n`, () => process.exit(0));
}, 5);
