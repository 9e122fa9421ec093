import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Figure, type Measurement, round } from './figure.ts';
import { cpuSeconds } from './shim.ts';

const RATES = [300, 800];
const SECONDS = 10;
/** Messages of a call that come in. */
const MESSAGES = 6;
/** Bytes of a message, about as an INVITE with SDP has on average with its answers. */
const SIZE = 500;

/** (l) The floor of the shim: a bare Node process that sends on the datagrams of so many calls a second, unread. */
export const relay: Measurement = {
  name: 'relay',
  async measure(say) {
    const figures: Figure[] = [];
    for (const rate of RATES) {
      say(`${rate} calls/s`);
      figures.push(await floorAt(rate));
    }
    return figures;
  },
};

async function floorAt(rate: number): Promise<Figure> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  let back = 0;
  socket.on('message', () => {
    back += 1;
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const child = fork(join(import.meta.dirname, 'relay-child.ts'), [String(socket.address().port)]);
  try {
    const [port] = (await once(child, 'message')) as [number];
    const text = Buffer.alloc(SIZE, 'x');
    const before = cpuSeconds(child.pid) ?? 0;
    const began = performance.now();
    const all = rate * SECONDS * MESSAGES;
    for (let sent = 0; sent < all; ) {
      const due = Math.min(all, ((performance.now() - began) / 1000) * rate * MESSAGES);
      // One at a time, as calls send them: what comes together is read for less.
      for (; sent < due; sent++) await new Promise<void>((resolve) => socket.send(text, port, '127.0.0.1', () => resolve()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ended = performance.now();
    while (back < (all * 7) / MESSAGES && performance.now() - ended < 1000)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const cpu = (cpuSeconds(child.pid) ?? 0) - before;
    return {
      name: `bare Node that relays the datagrams of ${rate} calls/s, CPU`,
      value: round((cpu * 1000) / (rate * SECONDS)),
      unit: 's/1,000 calls',
      note: `${Math.round(back)} of ${(all * 7) / MESSAGES} datagrams came back`,
    };
  } finally {
    child.disconnect();
    socket.close();
  }
}
