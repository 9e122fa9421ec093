/** A process that sends each datagram that it gets on to a port, unread: what Node itself takes of a call that is relayed. `relay-child.ts PORT`. */
import { createSocket } from 'node:dgram';

const port = Number(process.argv[2]);
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
let got = 0;
socket.on('message', (datagram) => {
  socket.send(datagram, port, '127.0.0.1');
  // Of a call six messages come in, and seven go out: the 100 is the proxy's own.
  if (++got % 6 === 0) socket.send(datagram, port, '127.0.0.1');
});
socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port));
process.once('disconnect', () => process.exit(0));
