import { afterEach, describe, expect, it } from 'vitest';
import { OBJECT_LIMITS } from '../../worker/objects/limits.ts';
import { Readers } from '../../worker/objects/readers.ts';
import { VirtualSocket } from './support/virtual-boards.ts';

const { watcherAsk, boardUnread } = OBJECT_LIMITS;
afterEach(() => {
  Object.assign(OBJECT_LIMITS, { watcherAsk, boardUnread });
});

/** Watchers who were each sent so much, and asked whether they have read it at that time; and who of them is gone. */
function sent(sizes: readonly number[], asked: readonly number[] = []) {
  Object.assign(OBJECT_LIMITS, { watcherAsk: 1 });
  const gone: WebSocket[] = [];
  const readers = new Readers((socket) => gone.push(socket));
  const sockets = sizes.map((size, i) => {
    const { socket } = new VirtualSocket();
    const at = asked[i] ?? 0;
    readers.accept(socket);
    readers.send(socket, 'x'.repeat(size), at);
    readers.check(socket, '', at);
    return socket;
  });
  return { readers, sockets, gone: () => gone.map((socket) => sockets.indexOf(socket)) };
}

describe('Offhook watchers that do not read', () => {
  const late = OBJECT_LIMITS.watcherAnswer;

  it('go where all together have too much, the furthest behind first, and no more than must', () => {
    const { readers, gone } = sent([1_000, 3_000, 2_000]);
    Object.assign(OBJECT_LIMITS, { boardUnread: 3_500 });
    readers.makeRoom(late - 1);
    expect(gone()).toEqual([]);
    readers.makeRoom(late);
    expect(gone()).toEqual([1]);
    readers.makeRoom(late);
    expect(gone()).toEqual([1]);
  });

  it('go for whoever reads: one that still has time to answer stays, and one that answered has nothing unread', () => {
    const { readers, sockets, gone } = sent([1_000, 9_000, 5_000], [0, 1, 0]);
    readers.heard(sockets[2] as WebSocket, 'ack');
    Object.assign(OBJECT_LIMITS, { boardUnread: 500 });
    readers.makeRoom(late);
    expect(gone()).toEqual([0]);
    readers.makeRoom(late + 1);
    expect(gone()).toEqual([0, 1]);
  });
});
