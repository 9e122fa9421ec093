import type { Server } from 'node:net';
import type { Address, ListenPoint } from '../core/transport.ts';

/**
 * Has a server take connections at that address; resolves with where it does, with the port that it was given. What goes wrong with it later
 * (out of file descriptors, for one) is told to `onError`: the listener stays, and so does the process.
 */
export function listenAt(server: Server, point: ListenPoint, onError: (error: Error) => void): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: point.address, port: point.port, ipv6Only: point.address.includes(':') }, () => {
      server.removeListener('error', reject);
      server.on('error', onError);
      const bound = server.address();
      if (bound === null || typeof bound === 'string') reject(new Error('no TCP address'));
      else resolve({ address: bound.address, port: bound.port });
    });
  });
}
