import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port that is free for UDP and TCP, and stays so while nobody listens on it: below those that the system gives out by itself, which
 * begin at 32768 on Linux.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await freeForTcp(port)) && (await freeForUdp(port))) return port;
  }
}

async function freeForTcp(port: number): Promise<boolean> {
  const server = createServer();
  const free = firstOf(server);
  server.listen(port, '127.0.0.1');
  if (!(await free)) return false;
  server.close();
  await once(server, 'close');
  return true;
}

async function freeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const free = firstOf(socket);
  socket.bind(port, '127.0.0.1');
  const is = await free;
  socket.close();
  return is;
}

function firstOf(one: { once(event: string, listener: () => void): unknown }): Promise<boolean> {
  return new Promise((resolve) => {
    one.once('listening', () => resolve(true));
    one.once('error', () => resolve(false));
  });
}
